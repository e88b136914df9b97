"""Which figures of the last run stand in status, and how."""

from collections.abc import Mapping, Sequence
from typing import Any

from datalake_operator.probes.model import Limit

_FIRST = (
    "throughput_bytes_per_second",
    "seconds",
    "tls_days_left",
    "warm_speedup_ratio",
    "origin_bytes",
    "write_seconds",
    "read_seconds",
    "connect_seconds",
)


MOST = 4
"""Figures of a cell in status."""

_ROOM = 370_000
"""Bytes that cells may take, so that status with all else stays below 400 KiB."""


def figures(
    found: Mapping[str, float] | Sequence[Mapping[str, str]], limits: Sequence[Limit]
) -> Sequence[Mapping[str, str]]:
    """Name and value of the figures that matter most: those with a limit first.

    Args:
        found: Figures by name; or as status has them already.
        limits: Limits that hold.
    """
    if not isinstance(found, Mapping):
        return found
    if not found:
        return ()
    order = (*(limit.measurement for limit in limits), *_FIRST, *sorted(found))
    names = [name for name in dict.fromkeys(order) if name in found]
    return [{"name": name, "value": write(found[name])} for name in names[:MOST]]


def put(cells: Sequence[dict[str, Any]], measured: Sequence[Sequence[Mapping[str, str]]]) -> None:
    """Put figures into cells: four each, fewer in a grid so large that status would grow too big.

    Args:
        cells: Cells as status holds them, without figures.
        measured: Those of each.
    """
    room = _ROOM - sum(_bytes(cell) for cell in cells)
    for most in range(MOST, 0, -1):
        if sum(_bytes(entry) for entries in measured for entry in entries[:most]) <= room:
            for cell, entries in zip(cells, measured, strict=True):
                if entries:
                    cell["measurements"] = [dict(entry) for entry in entries[:most]]
            return


def _bytes(entry: Mapping[str, str]) -> int:
    """Of JSON, about: quotes, colon and comma of each field, and the brackets."""
    return sum(map(len, entry)) + sum(map(len, entry.values())) + 6 * len(entry) + 2


def write(value: float) -> str:
    """A figure as text: whole from a thousand on, otherwise four digits, and so what no number of bytes comes to."""
    return str(round(value)) if 1000 <= abs(value) < 1e18 else f"{value:.4g}"
