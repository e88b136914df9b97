"""What is watched, and by which rules: from the spec to `probes.Watch`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.probe_verdict import Maintenance
from datalake_operator.api.values import parse_duration, parse_time
from datalake_operator.build.probe import budget, cells, placeholders, schedule
from datalake_operator.build.probe import shape as shapes
from datalake_operator.build.probe.plan import type_of
from datalake_operator.build.refused import Refused
from datalake_operator.probes import limits
from datalake_operator.probes.model import STALE_GAPS, CellKey, Turns, Watch, Window
from datalake_operator.status.probe.hold import holds
from datalake_operator.status.view import View

_BEHIND = timedelta(days=1)
"""Maintenance that ended longer ago excuses no run that may still come in: none takes longer than six hours."""


class Timing(NamedTuple):
    """How often each cell is measured."""

    cells: tuple[CellKey, ...]
    interval: timedelta
    """Between two runs at most."""
    pair_interval: timedelta | None
    """Between two runs of the same pair at most, where pairs take turns."""
    turns: Turns | None = None
    """Which pairs have their turn when, where they do and that is known."""


def timing(probe: QoSProbe, view: View) -> Timing | None:
    """What the spec says; while that is refused, what status says of the one before, which runs on. None: nothing."""
    targets = placeholders(probe)  # a cell is named like the resource, wherever that may be
    try:
        shape, gap = shapes.of(probe, targets), schedule.largest_gap(probe)
    except Refused:
        return before(view)
    keys = tuple(CellKey(*key) for key in cells(probe, targets))
    turns = shape.turns
    if turns.groups == 1:
        return Timing(keys, timedelta(seconds=gap), None)
    known = Turns(turns.groups, turns.period, budget.group_of(probe.spec, turns.groups))
    return Timing(keys, timedelta(seconds=gap), timedelta(seconds=turns.pair_interval), known)


def watch(probe: QoSProbe, view: View, at: Timing, listed: Sequence[Maintenance], now: datetime) -> Watch:
    """Give what a verdict needs to know beside runs and status.

    Args:
        probe: the probe.
        view: with what it references.
        at: of `timing`.
        listed: maintenance from ConfigMaps.
        now: maintenance long past is left out.
    """
    spec, policy = probe.spec, probe.spec.policy
    bare = of_status(at, parse_duration(policy.stale_after) if policy.stale_after else None)
    return replace(
        bare,
        limits=limits.of(type_of(spec), spec.thresholds),
        confirmations=policy.confirmations,
        recoveries=policy.recoveries,
        sites={endpoint.name: endpoint.site for endpoint in spec.endpoints},
        maintenance=tuple(_windows((*spec.maintenance, *listed), now)),
        on_hold=holds(probe, view),
        history_runs=spec.history.runs,
        open=spec.custom is not None,
    )


def of_status(at: Timing, stale_after: timedelta | None = None) -> Watch:
    """What to watch where no more is known than status says; `stale_after` None: as the schedule has it."""
    stale = stale_after or STALE_GAPS * at.interval
    pair_stale = None if at.pair_interval is None else max(stale, STALE_GAPS * at.pair_interval)
    return Watch(keys=at.cells, stale_after=stale, pair_stale_after=pair_stale, turns=at.turns)


def before(view: View) -> Timing | None:
    """What status says of the spec that was judged last; None where none was, or where it makes no sense."""
    status = view.previous
    pairs = status.get("pairInterval")
    try:
        interval = parse_duration(status["interval"])
        pair_interval = parse_duration(pairs) if pairs else None
    except (KeyError, ValueError):
        return None
    keys = (CellKey(one["source"], one.get("destination"), one.get("protocol")) for one in status.get("cells", ()))
    return Timing(tuple(keys), interval, pair_interval)


def _windows(entries: Sequence[Maintenance], now: datetime) -> Iterator[Window]:
    for entry in entries:
        start, end = parse_time(entry.from_), parse_time(entry.to)
        if end > now - _BEHIND:
            yield Window(entry.name, start, end, frozenset(entry.endpoints), frozenset(entry.sites), entry.reason)
