"""Whether claims have their volumes."""

from collections.abc import Mapping
from typing import Any

from datalake_operator.api.values import parse_quantity
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
    growing = [text for name, claim in sorted(claims.items()) if claim and (text := _growth(name, claim))]
    bound_to = f"bound: claim {', '.join(sorted(phases))}"
    return Condition(TYPE, "True", StorageReason.BOUND, "; ".join([bound_to, *growing]))


def resize_pending(claim: Mapping[str, Any]) -> bool:
    """Whether the volume has grown, and its file system grows when a pod starts with it."""
    return "FileSystemResizePending" in _conditions(claim)


def _growth(name: str, claim: Mapping[str, Any]) -> str:
    """Say that a claim still grows, without figures that change meanwhile; empty if it does not."""
    asked = claim.get("spec", {}).get("resources", {}).get("requests", {}).get("storage")
    given = claim["status"].get("capacity", {}).get("storage")
    if asked is None or given is None or parse_quantity(given) >= parse_quantity(asked):
        return ""
    text = f"claim {name} grows from {given} to {asked}"
    if _conditions(claim) & {"ControllerResizeError", "NodeResizeError"}:
        return f"{text}, and fails to: `kubectl describe pvc {name}` tells why"
    return f"{text}, its file system when the pod starts next" if resize_pending(claim) else text


def _conditions(claim: Mapping[str, Any]) -> set[str]:
    """Types of the claim's conditions that are true."""
    found = (claim.get("status") or {}).get("conditions") or ()
    return {entry["type"] for entry in found if entry.get("status") == "True"}
