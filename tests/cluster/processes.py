"""Starts and finds the processes of a cluster. Nothing is remembered in files: each process carries a mark.

Every process of a cluster has its run folder in the environment variable `DATALAKE_CLUSTER` and the part that it plays
in `DATALAKE_PART`. So whoever comes next, after a killed `up` too, finds all of them in /proc.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.cluster import waiting
from tests.cluster.errors import ClusterError

_PROC = Path("/proc")


def start(run_dir: Path, part: str, command: Sequence[str | Path], log: Path, environment: Mapping[str, str]) -> None:
    """Start a process that outlives this one, its output appended to `log`."""
    marked_environment = {
        "PATH": search_path(),
        "HOME": str(run_dir),
        **environment,
        "DATALAKE_CLUSTER": str(run_dir),
        "DATALAKE_PART": part,
    }
    with log.open("ab") as output:
        # setsid --fork: a session of its own, and a child of init's, so that none of ours has to wait for it
        subprocess.run(
            ["setsid", "--fork", *map(str, command)],
            env=marked_environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True,
        )  # fmt: skip


def find(run_dir: Path, part: str | None = None) -> list[int]:
    """The process ids that carry the mark of a cluster, and of one part of it where that is given."""
    wanted = {f"DATALAKE_CLUSTER={run_dir}".encode()}
    if part is not None:
        wanted.add(f"DATALAKE_PART={part}".encode())
    return [pid for pid in all_pids() if wanted <= set(_read(pid, "environ").split(b"\0"))]


def all_pids() -> list[int]:
    """Every process id that can be seen from here."""
    return [int(folder.name) for folder in _PROC.iterdir() if folder.name.isdigit()]


def search_path() -> str:
    """`PATH`, with the folders of the programs for root, which a plain user's may lack."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


def is_first_of_its_namespace(pid: int) -> bool:
    """Whether a process is number 1 in a process id namespace below ours."""
    for line in _read(pid, "status").decode().splitlines():
        if line.startswith("NSpid:"):
            ids = line.split()[1:]
            return len(ids) > 1 and ids[-1] == "1"
    return False


def command_name(pid: int) -> str:
    """The short name of a process's program, or nothing when it is gone."""
    return _read(pid, "comm").decode().strip()


def _read(pid: int, file: str) -> bytes:
    try:
        return (_PROC / str(pid) / file).read_bytes()
    except OSError:  # gone meanwhile, or another user's
        return b""


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may be gone."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def end(run_dir: Path, part: str | None = None, *, gently: float = 0.0) -> None:
    """End the marked processes, by SIGTERM first where `gently` gives them seconds for it, and wait until all are gone.

    Raises:
        ClusterError: Some did not end within 30 s after SIGKILL.
    """
    if gently:
        send(find(run_dir, part), signal.SIGTERM)
        with contextlib.suppress(ClusterError):
            waiting.until(lambda: not find(run_dir, part), "the end", seconds=gently)

    def gone() -> bool:
        left = find(run_dir, part)  # anew each time: one may just have been starting another
        send(left, signal.SIGKILL)
        return not left

    waiting.until(gone, f"the end of the processes of {run_dir.name}", seconds=30)
