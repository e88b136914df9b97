"""Conditions as metav1.Condition, and how new ones are laid over those that status already holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Status = Literal["True", "False", "Unknown"]

MAX_MESSAGE = 2048
"""Characters of a message that are kept; metav1.Condition allows 32768, a reader bears less."""


@dataclass(frozen=True)
class Condition:
    """One condition, without what only `merge` can know: generation and time of the last transition."""

    type: str
    status: Status
    reason: str
    message: str


def merge(
    previous: Sequence[Mapping[str, Any]], new: Sequence[Condition], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Lay new conditions over the previous ones.

    Args:
        previous: conditions as status holds them now.
        new: all conditions that shall hold; a previous one that is absent here is dropped.
        generation: `metadata.generation` that the new conditions speak about.
        now: transition time of what changed its status.

    Returns:
        Conditions as status holds them, in the order of `new`. `lastTransitionTime` (RFC 3339, seconds, UTC) is kept
        where the status did not change.
    """
    before = {condition.get("type"): condition for condition in previous}
    merged: list[dict[str, Any]] = []
    for condition in new:
        old = before.get(condition.type, {})
        kept = old.get("lastTransitionTime") if old.get("status") == condition.status else None
        merged.append(
            {
                "type": condition.type,
                "status": condition.status,
                "observedGeneration": generation,
                "lastTransitionTime": kept or rfc3339(now),
                "reason": condition.reason,
                "message": _shortened(condition.message),
            }
        )
    return merged


def rfc3339(moment: datetime) -> str:
    """A moment as metav1.Time prints it: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: object) -> datetime | None:
    """The moment in an RFC 3339 text with a zone; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _shortened(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
