"""Moments as status holds them: whole seconds, UTC."""

from datetime import UTC, datetime


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970."""
    return int(moment.timestamp() // 1)


def text(moment: int) -> str:
    """As metav1.Time prints it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
