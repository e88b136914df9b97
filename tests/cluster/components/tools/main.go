// The only program in the image that the node itself needs. Without arguments it holds the namespaces of a pod and reaps
// what the pod's containers leave; with `-a create|delete -p FOLDER` it makes or removes the folder of a local-path
// volume, as the provisioner asks.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	if len(os.Args) == 1 {
		pause()
		return
	}
	action := flag.String("a", "", "create or delete")
	folder := flag.String("p", "", "absolute path of the volume's folder")
	flag.String("s", "", "size of the volume; not enforced")
	flag.String("m", "", "mode of the volume; all are folders")
	flag.Parse()
	if err := volume(*action, *folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pause() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}

func volume(action, folder string) error {
	if !filepath.IsAbs(folder) {
		return fmt.Errorf("the folder must have an absolute path, not %q", folder)
	}
	switch action {
	case "create":
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		return os.Chmod(folder, 0o777) // whatever the umask: pods of any user write here
	case "delete":
		return os.RemoveAll(folder)
	}
	return fmt.Errorf("the action must be create or delete, not %q", action)
}
