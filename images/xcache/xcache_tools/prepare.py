"""`xcache-prepare`: makes a cache's volumes ready before xrootd starts.

Folders are made at the top level only: a full cache has millions of files. Environment: `XCACHE_LOCALROOT`,
`XCACHE_SPACES` (`data=/data/d0/data,...,meta=/meta/meta`), `XCACHE_MAX_SIZE` (bytes, optional), `XCACHE_LOW_PERCENT`
(90 by default), `TERMINATION_LOG`.
"""

import contextlib
import os
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = ".xcache-volume"
"""In each volume: a random name of its own, so that a volume that was replaced by an empty one is noticed."""

KNOWN_VOLUMES = ".xcache-volumes"
"""Beside the namespace tree: the data volumes that its links may lead to."""

INFO = ".cinfo"
"""What pfc appends to a file's name for the record of its blocks; one without its data must not stay."""


class PrepareError(Exception):
    """The cache cannot start like this; the message says what to mend."""


@dataclass(frozen=True)
class Settings:
    """What to prepare: the namespace tree, the folders of the spaces as (space, folder), and the sizes to check."""

    local_root: Path
    spaces: tuple[tuple[str, Path], ...]
    max_size: int | None = None
    low_percent: int = 90

    @property
    def data(self) -> tuple[Path, ...]:
        """The data folders."""
        return tuple(folder for space, folder in self.spaces if space == "data")


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        PrepareError: when a variable is absent or malformed.
    """
    try:
        entries = [entry.split("=", 1) for entry in environment["XCACHE_SPACES"].split(",")]
        return Settings(
            Path(environment["XCACHE_LOCALROOT"]),
            tuple((space, Path(folder)) for space, folder in entries),
            int(environment["XCACHE_MAX_SIZE"]) if environment.get("XCACHE_MAX_SIZE") else None,
            int(environment.get("XCACHE_LOW_PERCENT") or 90),
        )
    except (KeyError, ValueError) as error:
        raise PrepareError(f"environment: {error}") from None


def prepare(settings: Settings) -> list[str]:
    """Do everything; what is right already is left alone.

    Returns:
        What was done, as lines to print.

    Raises:
        PrepareError: when the cache cannot start.
    """
    for folder in (settings.local_root, *(folder for _, folder in settings.spaces)):
        _make(folder)
    _check_size(settings)
    return _forget_lost_volumes(settings)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o775, exist_ok=True)
        trial = folder / f".xcache-trial-{uuid.uuid4().hex}"
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise PrepareError(
            f"volume {folder.parent} cannot be written by user {os.getuid()}, group {os.getgid()}: {error.strerror}; "
            "it must be mounted and writable for this group (fsGroup), and not full"
        ) from None


def _check_size(settings: Settings) -> None:
    """Compare `maxCacheSize` with what the file systems hold, each counted once.

    The operator asks for a reserve of 15 % below the low watermark, which a file system's own structures may use up;
    here only what cannot work is refused.
    """
    if settings.max_size is None:
        return
    capacity = sum({folder.stat().st_dev: _capacity(folder) for folder in settings.data}.values())
    allowed = capacity * settings.low_percent // 100
    if settings.max_size >= allowed:
        volumes = ", ".join(str(folder.parent) for folder in settings.data)
        raise PrepareError(
            f"spec.storage.maxCacheSize {_size(settings.max_size)} does not fit: the watermark (lowPercent "
            f"{settings.low_percent}) of the {_size(capacity)} on {volumes} is {_size(allowed)}; "
            "lower maxCacheSize or enlarge the volumes"
        )


def _capacity(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize


def _forget_lost_volumes(settings: Settings) -> list[str]:
    """When the set of data volumes is another one than last time, remove links that lead nowhere."""
    known = settings.local_root.parent / KNOWN_VOLUMES
    current = "".join(f"{folder} {_mark(folder.parent)}\n" for folder in sorted(settings.data))
    before = known.read_text() if known.exists() else ""
    if before == current:
        return []
    removed = _remove_dangling(settings)
    new = known.with_suffix(".new")
    new.write_text(current)
    new.replace(known)
    return [f"data volumes changed: removed {removed} links to files that are gone"] if before or removed else []


def _mark(volume: Path) -> str:
    mark = volume / MARK
    try:
        if not mark.exists():
            mark.write_text(f"{uuid.uuid4()}\n")
        return mark.read_text().strip()
    except OSError as error:
        raise PrepareError(f"volume {volume} cannot be marked: {error.strerror}") from None


def _remove_dangling(settings: Settings) -> int:
    spaces = tuple(folder for _, folder in settings.spaces)
    removed = 0
    for folder, _, names in os.walk(settings.local_root):
        for path in (Path(folder, name) for name in names):
            if path.is_symlink() and not path.exists():
                removed += sum(_remove(link, spaces) for link in _with_info(path))
    return removed


def _with_info(path: Path) -> Iterable[Path]:
    """A file's link and its record's; a record without its data would tell of blocks that are not there."""
    return (path,) if path.suffix == INFO else (path, path.with_name(path.name + INFO))


def _remove(link: Path, spaces: Iterable[Path]) -> bool:
    """Remove a link, and what it leads to if that lies in a space of the cache."""
    if not link.is_symlink():
        return False
    target = link.readlink()
    if any(target.is_relative_to(space) for space in spaces) and ".." not in target.parts:
        target.unlink(missing_ok=True)
    link.unlink()
    return True


def _size(size: int) -> str:
    """For people: `8.0Gi`."""
    value = float(size)
    for unit in ("", "Ki", "Mi", "Gi"):
        if value < 1024:
            return f"{value:.1f}{unit}" if unit else str(size)
        value /= 1024
    return f"{value:.1f}Ti"


def main() -> int:
    """Prepare the volumes; a failure is one line, also in the container's termination message."""
    try:
        for line in prepare(from_environment(os.environ)):
            sys.stdout.write(f"xcache-prepare: {line}\n")
    except (PrepareError, OSError) as error:
        sys.stderr.write(f"xcache-prepare: {error}\n")
        with contextlib.suppress(OSError):
            Path(os.environ.get("TERMINATION_LOG", "/dev/termination-log")).write_text(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
