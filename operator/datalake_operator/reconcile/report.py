"""Step 6 of a reconcile: what was seen and done becomes status, and at most one event for a transition."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from datalake_operator.kube.errors import ApiError
from datalake_operator.reconcile.kind import Manifest
from datalake_operator.reconcile.outcome import Outcome, Postponed, Stalled
from datalake_operator.status import Assessment, Condition, EngineReason, merge

RECONCILE_AT = "datalake.projectescape.eu/reconcile-at"
"""Annotation whose every new value asks for one pass; echoed in `status.lastHandledReconcileAt`."""

_LONGEST_ECHO = 256
"""Characters of that annotation which are echoed: `status.lastHandledReconcileAt` takes no more, and annotations do."""

_ENGINE_TYPES = ("Ready", "Reconciling", "Stalled", "Suspended")


@dataclass(frozen=True)
class Event:
    """An event to post."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def requested_pass(body: Manifest) -> str:
    """The value of `RECONCILE_AT` that was not acted on yet, as it is echoed; empty for none. Pure."""
    asked: str = body["metadata"].get("annotations", {}).get(RECONCILE_AT, "")[:_LONGEST_ECHO]
    return asked if asked != body.get("status", {}).get("lastHandledReconcileAt") else ""


def status(
    body: Manifest, assessment: Assessment | None, outcome: Outcome | None, now: datetime, *, answered: bool = True
) -> dict[str, Any]:
    """Give the whole of `status`. Pure.

    Args:
        body: the resource as the API server holds it.
        assessment: what its kind says of the living; None keeps what was said before.
        outcome: how the pass ended early, None where it went through.
        now: transition time of what changed.
        answered: whether all was done that the annotation `RECONCILE_AT` asks for.
    """
    metadata, spec = body["metadata"], body.get("spec", {})
    before = body.get("status", {})
    generation = metadata.get("generation", 0)
    suspended = spec.get("suspend") is True
    fields = dict(assessment.fields) if assessment else _kept_fields(before)
    handled = (requested_pass(body) if answered else "") or before.get("lastHandledReconcileAt")
    return {
        **fields,
        "observedGeneration": generation,
        **({"lastHandledReconcileAt": handled} if handled else {}),
        "conditions": merge(
            before.get("conditions", ()), _conditions(before, assessment, outcome, suspended=suspended), generation, now
        ),
    }


def lasting(before: Mapping[str, Any], error: ApiError) -> Postponed:
    """What to say of an API server that fails again and again. Pure.

    Its words may differ at each try: the first ones stay, so that there is one write of status and not one per try.
    """
    about = f"{note}: " if (note := next(iter(getattr(error, "__notes__", ())), "")) else ""
    head = f"{about}the API server fails ({error.status or 'no answer'} {error.reason}), tried again until it does not"
    said = (_condition(before, "Ready") or {}).get("message", "")
    return Postponed(said if said.startswith(head) else f"{head}: {error.message}", EngineReason.RETRYING, error)


def transition(before: Mapping[str, Any], after: Mapping[str, Any]) -> Event | None:
    """Give the event that a change of status deserves, None for most. Pure."""
    stalled, was_stalled = _condition(after, "Stalled"), _condition(before, "Stalled")
    if stalled and stalled["reason"] != (was_stalled or {}).get("reason"):
        return Event("Warning", stalled["reason"], stalled["message"])
    ready, was_ready = _condition(after, "Ready") or {}, _condition(before, "Ready") or {}
    if ready.get("status") == "True" and was_ready.get("status") != "True":
        return Event("Normal", ready["reason"], ready["message"])
    if was_ready.get("status") == "True" and ready.get("status") == "False" and not stalled:
        return Event("Warning", ready["reason"], ready["message"])
    return None


def _conditions(
    before: Mapping[str, Any], assessment: Assessment | None, outcome: Outcome | None, *, suspended: bool
) -> list[Condition]:
    said = list(assessment.conditions) if assessment else _kept_conditions(before)
    ready = next((condition for condition in said if condition.type == "Ready"), None)
    domain = [condition for condition in said if condition.type not in _ENGINE_TYPES]
    progressing = bool(assessment and assessment.progressing)
    stalled = bool(assessment and assessment.stalled)
    if outcome is not None:
        ready = Condition("Ready", "False", outcome.reason, outcome.message)
        progressing, stalled = isinstance(outcome, Postponed), isinstance(outcome, Stalled)
    elif ready is None:
        ready = Condition("Ready", "Unknown", EngineReason.RECONCILING, "not judged yet")
    conditions = [ready]
    if stalled:
        conditions.append(Condition("Stalled", "True", ready.reason, ready.message))
    elif progressing and not suspended:
        conditions.append(Condition("Reconciling", "True", ready.reason, ready.message))
    if suspended:
        conditions.append(
            Condition(
                "Suspended",
                "True",
                EngineReason.SUSPENDED,
                "spec.suspend is true: nothing is written until it is false, and no change of the spec holds before, "
                "not even one of deletionPolicy",
            )
        )
    return conditions + domain


def _kept_conditions(before: Mapping[str, Any]) -> list[Condition]:
    return [
        Condition(old["type"], old["status"], old["reason"], old["message"])
        for old in before.get("conditions", ())
        if old["type"] not in _ENGINE_TYPES
    ]


def _kept_fields(before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in before.items()
        if key not in {"conditions", "observedGeneration", "lastHandledReconcileAt"}
    }


def _condition(status_: Mapping[str, Any], type_: str) -> Mapping[str, Any] | None:
    return next((condition for condition in status_.get("conditions", ()) if condition["type"] == type_), None)
