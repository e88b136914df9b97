"""Looks for what is left of a cluster on this machine: after `down`, nothing."""

from pathlib import Path

from tests.cluster import folders, processes
from tests.cluster.namespaces import Namespaces


def leftovers(name: str) -> list[str]:
    """Everything of the cluster `name` that is on this machine: processes, interface, mounts, control groups.

    Its network namespace has no name: it lives as long as its processes. Mounts are looked for in every mount namespace
    that a process has, so those of a node and of its pods are seen.
    """
    run_dir = folders.runs() / name
    spaces = Namespaces(name, run_dir)
    found = [f"process {pid} ({processes.command_name(pid)})" for pid in processes.find(run_dir)]
    found += [f"process {pid} ({processes.command_name(pid)}) of a pod" for pid in spaces.pods()]
    if spaces.interface_folder.exists():
        found.append(f"interface {spaces.interface}")
    found += [f"control group {cgroup}" for cgroup in spaces.cgroups()]
    found += [f"mount {mount}" for mount in _mounts(run_dir)]
    return found


def _mounts(run_dir: Path) -> list[str]:
    """Mounts that lie in the run folder or are made from folders in it."""
    seen: set[int] = set()
    found: set[str] = set()
    for pid in processes.all_pids():
        process = Path("/proc") / str(pid)
        try:
            namespace = (process / "ns/mnt").stat().st_ino
            if namespace in seen:
                continue
            lines = (process / "mountinfo").read_text().splitlines()
        except OSError:  # gone, or another user's
            continue
        seen.add(namespace)
        found.update(line.split()[4] for line in lines if f"{run_dir}/" in line)
    return sorted(found)
