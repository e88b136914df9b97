"""Which figures of the last run stand in status, and how."""

from collections.abc import Mapping, Sequence

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


def figures(
    found: Mapping[str, float] | Sequence[Mapping[str, str]], limits: Sequence[Limit], cells: int
) -> list[dict[str, str]]:
    """Name and value of the figures that matter most: those with a limit first. Fewer in a large grid.

    Args:
        found: Figures by name; or as status has them already.
        limits: Limits that hold.
        cells: How many cells there are.
    """
    most = 4 if cells <= 400 else 2 if cells <= 1000 else 1
    if not isinstance(found, Mapping):
        return [dict(entry) for entry in found[:most]]
    limited = [limit.measurement for limit in limits]
    names = [name for name in dict.fromkeys((*limited, *_FIRST, *sorted(found))) if name in found]
    return [{"name": name, "value": write(found[name])} for name in names[:most]]


def write(value: float) -> str:
    """A figure as text: whole from a thousand on, otherwise four digits."""
    return str(round(value)) if abs(value) >= 1000 else f"{value:.4g}"
