"""An image of ours run for real without a cluster: its file system, in a network of its own that has no way out."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "10940:10940"
NAMESPACES = ("--net", "--mount", "--pid")

# xrootd wants an interface besides lo. The veth pair ends in the namespace and goes with it.
INIT = """
set -e
ip link set lo up
ip link add lab0 type veth peer name lab1
ip address add 10.231.0.1/24 dev lab0
ip link set lab0 up
ip link set lab1 up
mount --make-rprivate /
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
for folder in run tmp data meta origin etc/xcache; do mkdir -p "$1/$folder"; mount -t tmpfs tmpfs "$1/$folder"; done
chmod 1777 "$1/tmp"
echo "127.0.0.1 localhost" > "$1/etc/hosts"
echo ready
exec sleep infinity
"""

CLIENT = {"HOME": "/run", "XRD_CONNECTIONWINDOW": "5", "XRD_CONNECTIONRETRY": "1", "XRD_REQUESTTIMEOUT": "30"}


class Lab:
    """A place where programs of the image run as its user.

    Attributes:
        root: the image's root folder, as seen from inside the lab.
        environment: given to every program.
        user: of programs, unless another is said.
    """

    def __init__(self, root: Path, holder: int, user: str = USER) -> None:
        self.root = root
        self.user = user
        self.environment = dict(CLIENT)
        self._holder = holder
        self._started: list[subprocess.Popen[bytes]] = []

    def inside(self, *command: str, user: str = "", **environment: str) -> list[str]:
        """The command line that runs a command inside."""
        variables = [f"{name}={value}" for name, value in (self.environment | environment).items()]
        enter = ["nsenter", f"--target={self._holder}", *NAMESPACES]
        path = "PATH=/usr/local/bin:/usr/bin:/bin"
        return [
            *enter,
            "chroot",
            f"--userspec={user or self.user}",
            str(self.root),
            "env",
            "-i",
            path,
            *variables,
            *command,
        ]

    def run(self, *command: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(
            self.inside(*command, **environment), capture_output=True, text=True, timeout=timeout, check=False
        )

    def do(self, *command: str, user: str = "") -> str:
        """Run a program that must succeed; gives its output."""
        done = subprocess.run(self.inside(*command, user=user), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *command: str, log: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
        """Start a program; it ends with the lab at the latest."""
        with (log or Path(os.devnull)).open("ab") as output:
            process = subprocess.Popen(self.inside(*command, **environment), stdout=output, stderr=output)
        self._started.append(process)
        return process

    def write(self, path: str, content: str) -> None:
        """Write a file as root inside the lab."""
        subprocess.run(self.inside("tee", path, user="0:0"), input=content, text=True, capture_output=True, check=True)

    def get(self, url: str) -> str:
        """Fetch a page."""
        code = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=30).read().decode())"
        return self.do("python3", "-c", code, url)

    def state(self) -> dict[str, Any]:
        """The exporter's state."""
        found: dict[str, Any] = json.loads(self.get("http://127.0.0.1:9931/state"))
        return found

    def metrics(self) -> dict[str, float]:
        """The exporter's metrics, by name with labels."""
        lines = [line for line in self.get("http://127.0.0.1:9931/metrics").splitlines() if line and line[0] != "#"]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def pids(self, program: str) -> list[str]:
        """Process numbers inside the lab whose command line holds these words."""
        code = (
            "import pathlib, sys\n"
            "for p in pathlib.Path('/proc').glob('[0-9]*/cmdline'):\n"
            "    words = p.read_bytes().replace(b'\\0', b' ').decode()\n"
            "    if sys.argv[1] in words and 'import pathlib' not in words: print(p.parent.name)"
        )
        return self.do("python3", "-c", code, program).split()

    def signal(self, program: str, signal: str) -> None:
        """Send a signal to a program inside the lab."""
        pids = self.pids(program)
        assert pids, f"{program} does not run"
        self.do("bash", "-c", f"kill -{signal} {' '.join(pids)}", user="0:0")

    def await_(self, what: str, holds: Callable[[], object], timeout: float = 60) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + timeout
        while not holds():
            assert time.monotonic() < end, f"{what}: not within {timeout} s"
            time.sleep(0.1)

    def close(self) -> None:
        """End what was started."""
        for process in self._started:
            process.kill()
            process.wait()


def missing() -> str:
    """Why there can be no lab on this machine; empty when there can."""
    if os.geteuid() != 0:
        return "needs root"
    programs = [name for name in ("buildah", "unshare", "nsenter", "ip") if not shutil.which(name)]
    return f"needs {', '.join(programs)}" if programs else ""


@contextmanager
def lab(reference: str, environment: dict[str, str], user: str = USER) -> Iterator[Lab]:
    """Open a lab with an image that buildah holds."""

    def buildah(*words: str) -> str:
        command = ["buildah", *words]
        return subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
        ).stdout.strip()

    container = buildah("from", "--pull-never", reference)
    try:
        root = Path(buildah("mount", container))
        command = ["unshare", *NAMESPACES, "--fork", "--kill-child", "sh", "-c", INIT, "init", str(root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
            opened = None
            try:
                assert holder.stdout
                assert holder.stdout.readline() == "ready\n", "the lab did not open"
                children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
                opened = Lab(root, int(children[0]), user)
                yield opened
            finally:
                holder.kill()
                if opened is not None:
                    opened.close()
    finally:
        buildah("rm", container)
