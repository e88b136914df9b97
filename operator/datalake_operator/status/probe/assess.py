"""From what is there to what status says of a probe."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from datalake_operator.api.probe import QoSProbe
from datalake_operator.build.context import Context
from datalake_operator.build.probe.refusals import in_time
from datalake_operator.probes.aged import aged
from datalake_operator.probes.verdict import verdict
from datalake_operator.status.conditions import Condition
from datalake_operator.status.probe import maintenance, runs
from datalake_operator.status.probe import ready as readiness
from datalake_operator.status.probe.reasons import ProbeReason
from datalake_operator.status.probe.watch import Timing, before, of_status, timing, watch
from datalake_operator.status.view import Assessment, View

_TOLD = 3
"""Disputed endpoints that a message names."""


def assess(probe: QoSProbe, context: Context, view: View, now: datetime) -> Assessment:
    """Judge a probe by the runs that have ended, by its status, and by the clock."""
    at = timing(probe, view)
    if at is None:  # refused before anything was made
        return Assessment((), {}, progressing=False)
    lists = maintenance.from_config_maps(probe, view)
    lists = lists._replace(problems=maintenance.misnamed(probe, at.cells, now) + lists.problems)
    ended = runs.found(probe, view, at.cells, now)
    judged = verdict(watch(probe, view, at, lists.entries, now), view.previous, ended.runs, now)
    fields = {**judged.fields, **_intervals(at)}
    ready = readiness.ready(readiness.Seen(probe, context, view, fields, lists, now))
    status, reason, message = judged.healthy
    wakes = (judged.wake_at, ended.wake_at, readiness.wake_at(probe, view, now))
    return Assessment(
        conditions=(
            Condition("Ready", readiness.status_of(ready), ready.reason, ready.message),
            Condition("Healthy", status, reason, message),
            *_conflict(view),
            *_rotation(at),
        ),
        fields=fields,
        progressing=ready.progressing,
        wake_at=min((moment for moment in wakes if moment is not None), default=None),
    )


def without_spec(view: View, now: datetime) -> Assessment | None:
    """What is left to say of a probe whose spec is not valid: results get stale. None: nothing was ever judged."""
    at = before(view)
    if at is None:
        return None
    judged = aged(of_status(at), view.previous, now)
    status, reason, message = judged.healthy
    conditions = (Condition("Healthy", status, reason, message), *_conflict(view), *_rotation(at))
    return Assessment(conditions, {**judged.fields, **_intervals(at)}, progressing=False, wake_at=judged.wake_at)


def _intervals(at: Timing) -> dict[str, Any]:
    pairs = at.pair_interval
    return {
        "interval": in_time(at.interval.total_seconds()),
        **({"pairInterval": in_time(pairs.total_seconds())} if pairs is not None else {}),
    }


def _rotation(at: Timing) -> Iterator[Condition]:
    """BudgetRotating, while pairs take turns."""
    if at.pair_interval is not None:
        every = in_time(at.pair_interval.total_seconds())
        yield Condition(
            "BudgetRotating",
            "True",
            ProbeReason.PAIRS_TAKE_TURNS,
            f"all pairs in each run would move more than spec.transfer.maxBytesPerDay: they take turns, and each is "
            f"measured every {every}",
        )


def _conflict(view: View) -> Iterator[Condition]:
    """EndpointConflict, while another probe says something else of an endpoint of ours."""
    disputes = [f"{name} has another {what} in QoSProbe {others[0]}" for (name, what), others in _disputes(view)]
    if disputes:
        more = f" (and {len(disputes) - _TOLD} more)" if len(disputes) > _TOLD else ""
        yield Condition(
            "EndpointConflict",
            "True",
            ProbeReason.ENDPOINTS_DIFFER,
            f"endpoint {'; '.join(disputes[:_TOLD])}{more}: the grid shows both in one row; rename one, or write the "
            "same in both",
        )


def _disputes(view: View) -> list[tuple[tuple[str, str], list[str]]]:
    return sorted((name, list(others)) for name, others in view.disputed.items() if isinstance(name, tuple))
