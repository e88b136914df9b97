"""Whether claims have their volumes."""

from collections.abc import Mapping
from typing import Any

from datalake_operator.status.conditions import Condition

TYPE = "StorageBound"
"""Type of the condition."""


class StorageReason:
    """Reasons of the condition StorageBound, and of Ready while it is false."""

    BOUND = "Bound"
    """Every claim has its volume."""

    EPHEMERAL = "Ephemeral"
    """No claims: what is stored goes with the pod."""

    CLAIM_PENDING = "ClaimPending"
    """A claim waits for its volume; `kubectl describe pvc` tells why."""

    CLAIM_LOST = "ClaimLost"
    """A claim has lost its volume, and with it what was stored."""


def bound(claims: Mapping[str, Mapping[str, Any] | None]) -> Condition:
    """Judge claims by name; None: not there, or not seen yet."""
    phases = {name: ((claim or {}).get("status") or {}).get("phase") for name, claim in claims.items()}
    lost = sorted(name for name, phase in phases.items() if phase == "Lost")
    pending = sorted(name for name, phase in phases.items() if phase != "Bound")
    if lost:
        return Condition(TYPE, "False", StorageReason.CLAIM_LOST, f"lost its volume: claim {', '.join(lost)}")
    if pending:
        return Condition(
            TYPE,
            "False",
            StorageReason.CLAIM_PENDING,
            f"waits for a volume: claim {', '.join(pending)}; `kubectl describe pvc {pending[0]}` tells more",
        )
    if not phases:
        return Condition(TYPE, "True", StorageReason.EPHEMERAL, "no claims: what is stored goes with the pod")
    return Condition(TYPE, "True", StorageReason.BOUND, f"bound: claim {', '.join(sorted(phases))}")
