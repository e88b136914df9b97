"""The namespaces in which a node lives: network, process ids and mounts; and the control group of its pods.

Stopping is one SIGKILL to the first process: the kernel ends everything in its process id namespace, and the mounts go
and the network with theirs. Interface and control groups are named after the cluster, so that they are found again.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import processes, waiting
from tests.cluster.addresses import Addresses
from tests.cluster.errors import ClusterError

FIRST = "init"  # the part that the first process plays

_CGROUPS = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpu", "cpuset", "hugetlb", "memory", "pids")  # those that the kubelet asks for, where they are
_KERNEL_SETTINGS = (  # those that the kubelet sets for the whole machine
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)

_INIT = """
set -e
mount -t proc proc /proc
for setting in $SETTINGS; do  # what the kubelet writes there must not reach the host
    [ -e /proc/sys/$setting ] || continue
    mkdir -p $(dirname $RUN_DIR/sys/$setting)
    cat /proc/sys/$setting > $RUN_DIR/sys/$setting
    mount --bind $RUN_DIR/sys/$setting /proc/sys/$setting
done
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs /var
ln -s /run /var/run
mkdir -p -m 1777 /var/tmp /var/lib /var/log
touch $RUN_DIR/mounted
while :; do sleep 3600 & wait; done  # bash reaps whatever is handed to it meanwhile
"""


# Pods get a refusal at once for what they send out of the cluster, since nobody would answer. A reset, because errors
# by ICMP are limited in rate, and ignored while the sender is still in connect(). (Addresses of Services that do not
# exist are swallowed before, by the proxy.)
_NOTHING_OUT = """
table ip datalake {{
    chain forward {{
        type filter hook forward priority 10;
        ip saddr {pods} ip daddr != {pods} ip protocol tcp reject with tcp reset
        ip saddr {pods} ip daddr != {pods} reject
    }}
}}"""


class Namespaces:
    """The namespaces of the node of one cluster. Making and entering them needs root."""

    def __init__(self, name: str, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.interface = f"dl-{name}"
        self.cgroup = f"datalake-{name}"

    def make(self, given: Addresses, pods: str, gateway: str, log: Path) -> None:
        """Make all of them, and the first process.

        Args:
            given: The addresses of host and node.
            pods: The network of the pods.
            gateway: The node's own address in it, where DNS listens.
            log: What the first process says.

        Raises:
            ClusterError: The run folder lies where the node has folders of its own, or mounting failed.
        """
        if self.run_dir.resolve().is_relative_to("/var") or self.run_dir.resolve().is_relative_to("/run"):
            raise ClusterError(f"{self.run_dir} is in /var or /run, which a node has of its own: set XDG_CACHE_HOME")
        self._make_cgroups()
        # not `ip netns`: it leaves a mount on the host, and `ip netns exec` hides the control groups behind a new /sys
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--", "bash", "-c", _INIT]
        environment = {"RUN_DIR": str(self.run_dir), "SETTINGS": " ".join(_KERNEL_SETTINGS)}
        processes.start(self.run_dir, FIRST, command, log, environment)
        waiting.until((self.run_dir / "mounted").exists, f"the node's mounts (see {log})", seconds=20)
        self._connect(given)
        self._inside("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self._inside("ip", "address", "add", f"{gateway}/32", "dev", "lo")
        self._inside("nft", _NOTHING_OUT.format(pods=pods))

    def _connect(self, given: Addresses) -> None:
        """A cable from the host to the node."""
        _run("ip", "link", "add", self.interface, "type", "veth", "peer", "name", "eth0", "netns", str(self.first()))
        _run("ip", "address", "add", f"{given.host}/30", "dev", self.interface)
        _run("ip", "link", "set", self.interface, "up")
        self._inside("ip", "address", "add", f"{given.node}/30", "dev", "eth0")
        for device in ("lo", "eth0"):
            self._inside("ip", "link", "set", device, "up")
        self._inside("ip", "route", "add", "default", "via", given.host)

    def first(self) -> int:
        """The id, seen from here, of the process that is number 1 inside.

        Raises:
            ClusterError: There is none.
        """
        for pid in processes.find(self.run_dir, FIRST):
            if processes.is_first_of_its_namespace(pid):
                return pid
        raise ClusterError(f"the node of {self.run_dir.name} is not running")

    def entering(self, command: Sequence[str | Path]) -> list[str | Path]:
        """The command that runs `command` inside."""
        return ["nsenter", f"--target={self.first()}", "--net", "--mount", "--pid", "--", *command]

    def remove(self) -> None:
        """Remove what the end of the processes left: the host's end of the cable, and the control groups."""
        if self.interface_folder.exists():
            subprocess.run(["ip", "link", "delete", self.interface], capture_output=True, check=False)  # may just go
        waiting.until(lambda: not self.pods(), "the end of the pods", seconds=30)
        for cgroup in self.cgroups():
            for folder, _, _ in os.walk(cgroup, topdown=False):
                Path(folder).rmdir()
        waiting.until(lambda: not self.interface_folder.exists(), f"the end of {self.interface}", seconds=10)

    def cgroups(self) -> list[Path]:
        """The control groups of the cluster that are there."""
        return [hierarchy / self.cgroup for hierarchy in self._hierarchies() if (hierarchy / self.cgroup).exists()]

    def pods(self) -> list[int]:
        """The processes in those control groups."""
        found: set[int] = set()
        for cgroup in self.cgroups():
            for file in cgroup.rglob("cgroup.procs"):
                try:
                    found.update(int(pid) for pid in file.read_text().split())
                except OSError:  # the control group just went
                    continue
        return sorted(found)

    @property
    def interface_folder(self) -> Path:
        """There as long as the host's end of the node's cable is."""
        return Path("/sys/class/net") / self.interface

    def _inside(self, *command: str) -> None:
        _run(*map(str, self.entering(command)))

    def _make_cgroups(self) -> None:
        """Version 2 gives a new control group only the controllers that its parent was told to."""
        if (_CGROUPS / "cgroup.controllers").exists():
            there = (_CGROUPS / "cgroup.controllers").read_text().split()
            for controller in _CONTROLLERS:
                if controller in there:
                    (_CGROUPS / "cgroup.subtree_control").write_text(f"+{controller}\n")
        for hierarchy in self._hierarchies():
            (hierarchy / self.cgroup).mkdir(exist_ok=True)

    @staticmethod
    def _hierarchies() -> list[Path]:
        """Version 2: one; version 1: one for each controller."""
        if (_CGROUPS / "cgroup.controllers").exists():
            return [_CGROUPS]
        return [folder for folder in _CGROUPS.iterdir() if folder.is_dir() and not folder.is_symlink()]


def _run(*command: str) -> None:
    environment = {**os.environ, "PATH": processes.search_path()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{' '.join(command)}: {done.stderr.strip()}")
