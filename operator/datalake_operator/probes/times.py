"""Moments as status holds them: whole seconds, UTC."""

from datetime import UTC, datetime

_FIRST, _LAST = -30_610_224_000, 253_402_300_799
"""Years 1000 and 9999: a time of maintenance may be written as far away as that."""


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp() // 1)


def text(moment: int) -> str:
    """As metav1.Time prints it, within the years that it knows."""
    return datetime.fromtimestamp(min(max(moment, _FIRST), _LAST), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
