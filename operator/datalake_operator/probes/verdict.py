"""The verdict on a probe: what status said before, and new runs, give what status says now.

Everything that is needed is in status, so a restart changes nothing; a run that was taken in already changes nothing
either. Without new runs only the clock speaks: results get stale, maintenance begins and ends.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from datalake_operator.api.values import parse_time
from datalake_operator.probes import limits, marks
from datalake_operator.probes.column import column, outcome
from datalake_operator.probes.endpoints import endpoints
from datalake_operator.probes.figures import figures, put
from datalake_operator.probes.health import health
from datalake_operator.probes.history import MIN_RUNS, History, Rules, Stored, Timeline, fold, keep
from datalake_operator.probes.judge import Opinion, judge
from datalake_operator.probes.maintenance import Cover, active, covering, next_change
from datalake_operator.probes.model import HOLD_LIMIT, CellKey, Limit, Run, State, Verdict, Watch, Window
from datalake_operator.probes.reasons import BY_LETTER
from datalake_operator.probes.times import seconds, text

MAX_OPEN = 256
"""Cells of a custom program that are kept."""

AHEAD = timedelta(hours=1)
"""Time that clocks may differ: a run is taken in with the operator's at the latest."""

RANK: tuple[State, ...] = ("critical", "warning", "unknown", "notrun", "ok", "maintenance", "skipped")
"""States, worst first: the first one that any cell has is the state of the probe."""


def verdict(watch: Watch, before: Mapping[str, Any], runs: Sequence[Run], now: datetime) -> Verdict:
    """Say how a probe is.

    Args:
        watch: What is watched, and by which rules.
        before: `status` as the API server holds it.
        runs: Runs that have ended, in any order; those of `before.runs` are passed over.
        now: The clock.
    """
    entries = _entries(before, now)
    new = _new(entries, runs)
    olds = {key_of(cell): cell for cell in before.get("cells") or ()}
    keys = _keys(watch, olds, new)
    columns = [column(run, keys, watch) for run in new]
    counts = [Counter(found) for found in columns]
    line, entries = _timeline(watch, entries, new, counts, len(keys))
    desk = _Desk(watch, line, seconds(now), covering(watch, now, now))
    cells, opinions = desk.cells(keys, olds, new, columns)
    control = _control(before, entries, new)
    sick = endpoints(cells, opinions, desk.cover, before.get("endpoints") or ())
    fields: dict[str, Any] = {
        "state": worst(cells),
        "summary": summary(cells),
        "lastRun": _last_run(before, entries, new, counts),
        "runs": entries,
        "endpoints": sick,
        "control": [{"name": name, "ok": ok} for name, ok in sorted(control.items())],
        "maintenance": _maintenance(watch, now),
        "totals": _totals(before, counts, new),
        "cells": cells,
    }
    always = ("state", "summary", "cells")
    return Verdict(
        {name: value for name, value in fields.items() if value or name in always},
        health(cells, sick, control),
        _wake(opinions, desk.cover, watch, now),
    )


def key_of(cell: Mapping[str, Any]) -> CellKey:
    """Which cell an entry of status is about."""
    return CellKey(str(cell.get("source")), cell.get("destination"), cell.get("protocol"))


def _entries(before: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """The runs of status; none if somebody wrote a time there that is none, or one that would stay fresh for long."""
    entries = [dict(entry) for entry in before.get("runs") or ()]
    try:
        ahead = any(parse_time(entry["time"]) > now + AHEAD for entry in entries)
    except (ValueError, OverflowError):
        return []
    return [] if ahead else entries


def _place(run: Run | Mapping[str, Any]) -> tuple[int, str]:
    """Where a run stands among others."""
    if isinstance(run, Run):
        return seconds(run.start), run.id
    return seconds(parse_time(run["time"])), run["id"]


def _new(entries: Sequence[Mapping[str, Any]], runs: Iterable[Run]) -> list[Run]:
    """Runs to take in, in order. Those older than all that is kept are passed over: they are in the past already."""
    known = {entry["id"] for entry in entries}
    new = {run.id: run for run in runs if run.id not in known}
    oldest = _place(entries[0]) if len(entries) >= MIN_RUNS else (0, "")
    return sorted((run for run in new.values() if _place(run) > oldest), key=_place)


def _keys(watch: Watch, olds: Mapping[CellKey, Mapping[str, Any]], new: Iterable[Run]) -> Sequence[CellKey]:
    if not watch.open:
        return tuple(dict.fromkeys(watch.keys))
    seen = {key for key, cell in olds.items() if set(cell.get("runs") or "") - {marks.ABSENT}}
    seen |= {key for run in new for key in run.samples}
    return sorted(seen, key=lambda key: tuple(part or "" for part in key))[:MAX_OPEN]


def _timeline(
    watch: Watch, entries: list[dict[str, Any]], new: Sequence[Run], counts: Sequence[Mapping[str, int]], cells: int
) -> tuple[Timeline, list[dict[str, Any]]]:
    """Old and new runs in order, and the entries of status for those that are kept."""
    rows = entries + [
        {"id": run.id, "time": text(seconds(run.start)), "result": outcome(run, found)[0]}
        for run, found in zip(new, counts, strict=True)
    ]
    order = sorted(range(len(rows)), key=lambda i: _place(rows[i]))
    rows = [rows[i] for i in order]
    times = tuple(_place(row)[0] for row in rows)
    longest = int(limits.longest(watch.limits).total_seconds())
    cut = keep(times, watch.history_runs, longest, cells) if new else 0
    in_order = all(place == i for place, i in enumerate(order))
    return Timeline(times, None if in_order else tuple(order), cut), rows[cut:]


def _rules(watch: Watch) -> Rules:
    success = next((limit for limit in watch.limits if limit.measurement == limits.SUCCESS), None)
    others = [limit for limit in watch.limits if limit.measurement != limits.SUCCESS]
    figure = None
    if others:
        most = max(limit.min_samples for limit in others)
        figure = Limit("", True, 0, 0, limits.longest(others), most)
    return Rules(watch.confirmations, watch.recoveries, success, figure)


@dataclass
class _Desk:
    """Where all cells of one verdict are judged. Cells with the same history are judged once."""

    watch: Watch
    line: Timeline
    now: int
    cover: Cover

    def __post_init__(self) -> None:
        self.rules = _rules(self.watch)
        self.stale = int(self.watch.stale_after.total_seconds())
        self.pair_stale = int((self.watch.pair_stale_after or self.watch.stale_after).total_seconds())
        self.known: dict[tuple[Stored, tuple[str, ...], int], tuple[History, Opinion]] = {}

    def cells(
        self,
        keys: Sequence[CellKey],
        olds: Mapping[CellKey, Mapping[str, Any]],
        new: Sequence[Run],
        columns: Sequence[Sequence[str]],
    ) -> tuple[list[dict[str, Any]], dict[CellKey, Opinion]]:
        """Every cell as status holds it, and what was thought of it."""
        rows = zip(*columns, strict=True) if columns else ((),) * len(keys)
        cells, opinions, measured = [], {}, []
        for key, row in zip(keys, rows, strict=True):
            old = olds.get(key, {})
            history, opinion = self._judge(key, old, tuple(row))
            opinions[key] = opinion
            cell = self._cell(key, old, history, opinion)
            cells.append(cell)
            measured.append(figures(self._measured(key, old, opinion, new), self.watch.limits))
        put(cells, measured)
        return cells, opinions

    def _judge(self, key: CellKey, old: Mapping[str, Any], row: tuple[str, ...]) -> tuple[History, Opinion]:
        stored = Stored(*(old.get(name) or "" for name in Stored._fields))
        stale = self.stale if key.destination is None else self.pair_stale
        found = self.known.get((stored, row, stale))
        if found is None:
            history = fold(stored, row, self.line, self.rules)
            found = history, judge(history, self.line.times[self.line.cut :], self.rules, stale, self.now)
            self.known[stored, row, stale] = found
        return found

    def _cell(self, key: CellKey, old: Mapping[str, Any], history: History, opinion: Opinion) -> dict[str, Any]:
        state, reason, begin = opinion.state, opinion.reason, opinion.begin
        planned = self.cover.of(key) if self.cover else None
        if planned:
            state, reason, begin = "maintenance", planned[0], seconds(planned[1])
        cell: dict[str, Any] = {"source": key.source}
        if key.destination is not None:
            cell["destination"] = key.destination
        if key.protocol is not None:
            cell["protocol"] = key.protocol
        cell["state"] = state
        if reason:
            cell["reason"] = reason
        since = old.get("since") if old.get("state") == state else None
        since = since or (text(begin) if begin is not None else None)
        if since:
            cell["since"] = since
        cell |= {name: value for name, value in history.stored._asdict().items() if value}
        return cell

    def _measured(
        self, key: CellKey, old: Mapping[str, Any], opinion: Opinion, new: Sequence[Run]
    ) -> Mapping[str, float] | Sequence[Mapping[str, str]]:
        """Figures of the run that measured the cell last; as status holds them if that is no new one."""
        if opinion.measured_in is not None and new:
            place = opinion.measured_in + self.line.cut
            at = (self.line.order[place] if self.line.order else place) - (len(self.line.times) - len(new))
            if at >= 0:
                sample = new[at].samples.get(key)
                return sample.measurements if sample else {}
        return old.get("measurements") or ()


def summary(cells: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many cells are in each state."""
    counts = Counter(cell["state"] for cell in cells)
    return {state: counts[state] for state in RANK}


def worst(cells: Iterable[Mapping[str, Any]]) -> State:
    """The state of the probe."""
    states = {cell["state"] for cell in cells}
    return next((state for state in RANK if state in states), "notrun")


def _last_run(
    before: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    new: Sequence[Run],
    counts: Sequence[Mapping[str, int]],
) -> Mapping[str, Any] | None:
    for run, found in zip(new, counts, strict=True):
        if run.id == entries[-1]["id"]:
            result, reason = outcome(run, found)
            last = {
                "id": run.id,
                "startTime": text(seconds(run.start)),
                "completionTime": text(seconds(run.end)) if run.end else None,
                "result": result,
                "reason": reason,
            }
            return {name: value for name, value in last.items() if value}
    return before.get("lastRun")


def _control(before: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], new: Sequence[Run]) -> dict[str, bool]:
    last = next((run for run in new if run.id == entries[-1]["id"]), None)
    if last is not None and (last.control or not last.problem):
        return dict(last.control)
    return {str(entry["name"]): bool(entry["ok"]) for entry in before.get("control") or ()}


def _totals(
    before: Mapping[str, Any], found: Sequence[Mapping[str, int]], new: Sequence[Run]
) -> list[dict[str, str | int]]:
    counts = Counter({entry["name"]: int(entry["count"]) for entry in before.get("totals") or ()})
    for mark, count in ((mark, count) for one in found for mark, count in one.items()):
        result = marks.result(mark)
        if result is None:
            continue
        counts[result] += count
        reason = BY_LETTER.get(mark[1])
        if reason and mark[0] != marks.SKIPPED:
            counts[reason] += count
    counts["interrupted"] += sum(run.interrupted for run in new)
    return [{"name": name, "count": counts[name]} for name in sorted(counts) if counts[name]]


def _maintenance(watch: Watch, now: datetime) -> list[dict[str, str]]:
    windows = active(watch.maintenance, now, now)
    windows += active(
        [Window(name, one.since, one.since + HOLD_LIMIT, reason=one.reason) for name, one in watch.on_hold.items()],
        now,
        now,
    )
    return [
        {"name": one.name, "to": text(seconds(one.end))} | ({"reason": one.reason} if one.reason else {})
        for one in windows[:64]
    ]


def _wake(opinions: Mapping[CellKey, Opinion], cover: Cover, watch: Watch, now: datetime) -> datetime | None:
    hidden = {key for key in opinions if cover.of(key)} if cover else set()
    ends = {opinion.until for key, opinion in opinions.items() if opinion.until and key not in hidden}
    moments = [datetime.fromtimestamp(moment, UTC) for moment in ends]
    change = next_change(watch, now)
    return min([moment for moment in moments if moment > now] + ([change] if change else []), default=None)
