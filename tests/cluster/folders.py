"""Where things lie: one cache folder per user, in it what was built, and one run folder per cluster."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache() -> Path:
    """The cache folder: `~/.cache/datalake-operator`, or below `XDG_CACHE_HOME` where that is set."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "datalake-operator"


def runs() -> Path:
    """The folder that holds one run folder per cluster name."""
    return cache() / "run"


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on a file, which the kernel gives back when this process ends, however it ends.

    Raises:
        BlockingIOError: Somebody else holds it, and `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
