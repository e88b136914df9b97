"""A folder of dumps: their names, the one that is being written, and which go."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PART = ".part"
"""End of the name of a file that is not whole."""

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(?P<prefix>[a-z][a-z0-9-]*)-(?P<time>\d{8}T\d{6}Z)(?:-(?P<number>\d+))?\.dump")
PREFIX = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, order=True)
class Dump:
    """A whole dump; the newest is the greatest."""

    time: datetime
    """When it was begun, to the second, UTC."""

    number: int
    """Tells those of the same second apart, from 0."""

    prefix: str
    name: str
    size: int

    def row(self) -> dict[str, str | int]:
        """For a result."""
        return {"name": self.name, "time": self.time.strftime("%Y-%m-%dT%H:%M:%SZ"), "size": self.size}


def found(folder: Path) -> list[Dump]:
    """All dumps in a folder that are named as ours are, the newest first; other files are nobody's business."""
    dumps = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        with contextlib.suppress(ValueError, FileNotFoundError):
            if match and path.is_file():
                time = datetime.strptime(match["time"], _STAMP).replace(tzinfo=UTC)
                dumps.append(Dump(time, int(match["number"] or 0), match["prefix"], path.name, path.stat().st_size))
    return sorted(dumps, reverse=True)


def rotate(folder: Path, prefix: str, keep: int) -> list[str]:
    """Remove the oldest dumps of a prefix beyond those that are kept; gives their names."""
    surplus = [dump.name for dump in found(folder) if dump.prefix == prefix][keep:]
    for name in surplus:
        (folder / name).unlink()
    return surplus


def sweep(folder: Path, prefix: str) -> list[str]:
    """Remove what a run of the same prefix left that was killed; one that still runs holds its file and keeps it."""
    removed = []
    for path in folder.glob(f"{prefix}-*.dump{PART}"):
        match = _NAME.fullmatch(path.name.removesuffix(PART))
        if match and match["prefix"] == prefix:
            with contextlib.suppress(BlockingIOError, FileNotFoundError), path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed.append(path.name)
    return removed


class Unfinished:
    """A dump that is being written, to a name that nobody else has.

    Attributes:
        path: of the unfinished file.
        name: that it gets in the end.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.name = path.name.removesuffix(PART)
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Of the open file: whoever inherits it keeps the file from being swept."""
        return self._descriptor

    def finish(self) -> None:
        """Make it a dump; on disk when this returns."""
        os.fsync(self._descriptor)
        self.path.rename(self.path.with_name(self.name))
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def unfinished(folder: Path, prefix: str, now: datetime) -> Iterator[Unfinished]:
    """Begin a dump; one that is not finished at the end is removed.

    Args:
        folder: where.
        prefix: of its name.
        now: with a time zone.
    """
    base = f"{prefix}-{now.astimezone(UTC).strftime(_STAMP)}"
    number = 0
    while True:
        path = folder / f"{base}{f'-{number}' if number else ''}.dump{PART}"
        number += 1
        if path.with_name(path.name.removesuffix(PART)).exists():
            continue
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except FileExistsError:
            continue
        break
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield Unfinished(path, descriptor)
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)
