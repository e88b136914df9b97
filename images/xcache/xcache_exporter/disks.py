"""How full the cache's volumes are, as pfc sees them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from xcache_exporter.settings import Disk


@dataclass(frozen=True)
class Fill:
    """One volume's file system, in bytes.

    Attributes:
        disk: the volume.
        capacity: of the file system.
        used: capacity less what an ordinary user may still write: what pfc compares with its watermarks. On a file
            system that is shared with others, their bytes count too.
    """

    disk: Disk
    capacity: int
    used: int


def measure(disks: Iterable[Disk]) -> list[Fill]:
    """Ask every volume that can be asked; one that is gone is left out."""
    fills = []
    for disk in disks:
        try:
            found = os.statvfs(disk.path)
        except OSError:
            continue
        fills.append(Fill(disk, found.f_blocks * found.f_frsize, (found.f_blocks - found.f_bavail) * found.f_frsize))
    return fills
