"""`<localroot>/pfc-stats/DirStat.json`, which pfc writes at each `pfc.dirstats` interval (XRootD 5.8 and later)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xcache_exporter.gstream import InvalidPacketError

FILE = "DirStat.json"
"""A link into a data space: it opens only where the volumes are mounted as in the server."""

_BLOCK = 512
"""Bytes per unit of the `StBlocks` figures, as in stat(2)."""

_LARGEST_FILE = 64 * 2**20


@dataclass(frozen=True)
class Usage:
    """One snapshot.

    Attributes:
        used: bytes on disk of the cache's own files.
        files: their number.
        reset: start of the period that the two removals count, seconds since 1970.
        removed_bytes: purged in that period.
        removed_files: purged in that period.
    """

    used: int
    files: int
    reset: int
    removed_bytes: int
    removed_files: int


@dataclass
class Purged:
    """Removals summed over periods: the file tells them per period, not since the start."""

    bytes: int = 0
    files: int = 0
    _reset: int = -1
    _period: tuple[int, int] = field(default=(0, 0))

    def add(self, usage: Usage) -> None:
        """Take a snapshot in; the same period may be seen many times, with growing numbers."""
        before = self._period if usage.reset == self._reset else (0, 0)
        self.bytes += max(0, usage.removed_bytes - before[0])
        self.files += max(0, usage.removed_files - before[1])
        self._reset, self._period = usage.reset, (usage.removed_bytes, usage.removed_files)


def parse(text: str | bytes) -> Usage:
    """Read a snapshot.

    Raises:
        InvalidPacketError: when it is not one, for example half written.
    """
    try:
        data = json.loads(text)
        root = data["m_dir_states"][0]
        return Usage(
            used=_count(data, "m_file_usage"),
            files=_count(root["m_usage"], "m_NFiles"),
            reset=_count(data, "m_sshot_stats_reset_time"),
            removed_bytes=_count(root["m_stats"], "m_StBlocksRemoved") * _BLOCK,
            removed_files=_count(root["m_stats"], "m_NFilesRemoved"),
        )
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise InvalidPacketError("not a snapshot of pfc") from error


def read(folder: Path) -> Usage | None:
    """The current snapshot, or None where there is none yet.

    Raises:
        InvalidPacketError: when the file is not a snapshot.
    """
    try:
        with (folder / FILE).open("rb") as file:
            return parse(file.read(_LARGEST_FILE))
    except OSError:
        return None


def _count(values: Mapping[str, Any], name: str) -> int:
    value = values[name]
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise InvalidPacketError(f"{name} is not a number")
    return max(0, value)
