"""Numbers about one QoSProbe for its metrics, from its spec and status alone: a restart changes none of them."""

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

from datalake_operator.api.probe_verdict import TYPES
from datalake_operator.api.values import parse_duration
from datalake_operator.kube.store import Key, Store
from datalake_operator.metrics.probes import STATES, Page, Sample, write
from datalake_operator.probes import limits, marks
from datalake_operator.probes.model import STALE_GAPS
from datalake_operator.status.conditions import parse_time

log = logging.getLogger(__name__)

_DAY = 86400.0
_NAME = re.compile("[a-z][a-z0-9_]{0,62}")
"""Measurements of other programs that become a label."""
_REASON = re.compile("[A-Z][A-Za-z]{0,62}")
_OWN_FAMILY = {
    "throughput_bytes_per_second": "datalake_probe_throughput_bytes_per_second",
    "warm_speedup_ratio": "datalake_cache_warm_speedup_ratio",
}
"""Measurements that are a family of their own."""


class ProbePages:
    """Text of every probe, written anew only when its resource has another version.

    Args:
        store: of the QoSProbes; None where they are not served.
    """

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._written: dict[Key, tuple[int | None, Page]] = {}

    def __call__(self) -> Iterator[Page]:
        """Give the text of each probe that is there now; that of one that is gone is forgotten."""
        if self._store is None:
            return
        keys = tuple(self._store.keys())
        for gone in self._written.keys() - set(keys):
            del self._written[gone]
        for key in keys:
            version = self._store.version(*key)
            kept = self._written.get(key)
            if kept is None or kept[0] != version:
                body = self._store.get(*key)
                kept = version, {} if body is None else _page(key, body)
                self._written[key] = kept
            yield kept[1]


def _page(key: Key, body: Mapping[str, Any]) -> Page:
    """Write the text of one probe. One that cannot be read has no series, and hides no other."""
    try:
        return write(samples(body))
    except Exception:
        log.exception("QoSProbe %s/%s has no series, for it cannot be read", *key)
        return {}


def samples(body: Mapping[str, Any]) -> Iterator[Sample]:
    """Give every sample of one probe; what is not known has none.

    Args:
        body: the QoSProbe as the API server holds it.
    """
    spec, status = body.get("spec", {}), body.get("status", {})
    metadata = body["metadata"]
    kind = next((type_ for type_ in TYPES if type_ in spec), "")
    probe = (metadata["namespace"], metadata["name"], kind)
    yield "datalake_probe_suspended", probe, float(bool(spec.get("suspend")))
    yield from _at(probe, "created", metadata.get("creationTimestamp"))
    yield from _thresholds(probe, spec)
    yield from _schedule(probe, spec, status)
    yield from _runs(probe, status)
    yield from _control(probe, status)
    yield from _endpoints(probe, status)
    ended = _moment(status.get("lastRun", {}).get("completionTime"))
    for cell in status.get("cells", ()):
        yield from _cell(probe, cell, ended)


def _thresholds(probe: tuple[str, ...], spec: Mapping[str, Any]) -> Iterator[Sample]:
    found: dict[str, tuple[float | None, float | None]]
    found = {limit.measurement: (limit.warning, limit.critical) for limit in limits.DEFAULTS.get(probe[-1], ())}
    for one in spec.get("thresholds", ()):
        numbers = one.get("atLeast") or one.get("atMost") or {}
        found[one["measurement"]] = _number(numbers.get("warning")), _number(numbers.get("critical"))
    for measurement, values in found.items():
        for severity, value in zip(("warning", "critical"), values, strict=True):
            if value is not None:
                yield "datalake_probe_threshold", (*probe, measurement, severity), value


def _schedule(probe: tuple[str, ...], spec: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Sample]:
    gap = _seconds(status.get("interval"))
    pair = _seconds(status.get("pairInterval"))
    stale = _seconds(spec.get("policy", {}).get("staleAfter"))
    if gap is not None:
        yield "datalake_probe_interval_seconds", probe, gap
        yield "datalake_probe_stale_after_seconds", probe, STALE_GAPS * gap if stale is None else stale
    if pair is not None:
        yield "datalake_probe_pair_interval_seconds", probe, pair


def _runs(probe: tuple[str, ...], status: Mapping[str, Any]) -> Iterator[Sample]:
    for state, count in status.get("summary", {}).items():
        yield "datalake_probe_matrix_cells", (*probe, state), float(count)
    for total in status.get("totals", ()):
        if _REASON.fullmatch(total["name"]):
            yield "datalake_probe_failures_total", (*probe, total["name"]), float(total["count"])
    yield from _at(probe, "last_run", status.get("lastRun", {}).get("completionTime"))
    runs = status.get("runs", ())
    if not runs:
        return
    # An eviction says nothing about the probe.
    results = [run.get("result") for run in reversed(runs) if run.get("result") != "interrupted"]
    unmeasured = sum(1 for _ in takewhile(lambda result: result == "unknown", results))
    yield "datalake_probe_unmeasured_runs", probe, float(unmeasured)
    good = [place for cell in status.get("cells", ()) if (place := _last_good(cell, len(runs))) is not None]
    yield from _at(probe, "last_success", runs[max(good)]["time"] if good else None)


def _control(probe: tuple[str, ...], status: Mapping[str, Any]) -> Iterator[Sample]:
    for check in status.get("control", ()):
        yield "datalake_control_plane_up", (*probe[:2], check["name"]), float(check["ok"])
    if "cells" in status:
        judged = any(cell["state"] in {"ok", "warning", "critical"} for cell in status["cells"])
        central = not judged and any(cell.get("reason") == "CentralFault" for cell in status["cells"])
        yield "datalake_probe_central_fault", probe, float(central)


def _endpoints(probe: tuple[str, ...], status: Mapping[str, Any]) -> Iterator[Sample]:
    listed = set()
    for endpoint in status.get("endpoints", ()):
        listed.add(endpoint["name"])
        labels = (*probe[:2], endpoint["name"], endpoint.get("role", ""), endpoint.get("reason") or "")
        yield "datalake_endpoint_state", labels, float(STATES.get(endpoint["state"], STATES["unknown"]))
    # Who is not listed is ok; believed only of those that a cell was good with, so that nothing is green untested.
    good = {
        name
        for cell in status.get("cells", ())
        if cell["state"] in {"ok", "warning"}
        for name in (cell["source"], cell.get("destination"))
        if name
    }
    for name in sorted(good - listed):
        yield "datalake_endpoint_state", (*probe[:2], name, "both", ""), float(STATES["ok"])


def _cell(probe: tuple[str, ...], cell: Mapping[str, Any], ended: float | None) -> Iterator[Sample]:
    labels = (*probe, cell["source"], cell.get("destination") or "", cell.get("protocol") or "")
    yield "datalake_probe_state", labels, float(STATES.get(cell["state"], STATES["unknown"]))
    last = (cell.get("runs") or "").rstrip(marks.ABSENT)[-1:]
    if last and (came_out := marks.result(last)) in {"ok", "bad"}:
        yield "datalake_probe_success", labels, float(came_out == "ok")
    for result, count in marks.totals(cell.get("totals")).items():
        yield "datalake_probe_runs_total", (*labels, result), float(count)
    for one in cell.get("measurements", ()):
        value = _number(one["value"])
        if value is not None:
            yield from _measurement(labels, one["name"], value, ended)


def _measurement(labels: tuple[str, ...], name: str, value: float, ended: float | None) -> Iterator[Sample]:
    if name in _OWN_FAMILY:
        yield _OWN_FAMILY[name], labels, value
    elif name == "tls_days_left":
        if ended is not None:
            yield "datalake_probe_certificate_expiry_timestamp_seconds", labels, ended + value * _DAY
    elif name == "seconds" or name.endswith("_seconds"):
        operation = name.removesuffix("seconds").rstrip("_") or "total"
        yield "datalake_probe_operation_duration_seconds", (*labels, operation), value
    elif _NAME.fullmatch(name):
        yield "datalake_probe_measurement", (*labels, name), value


def _last_good(cell: Mapping[str, Any], runs: int) -> int | None:
    """Index into status.runs of the newest run that found the cell good."""
    text = cell.get("runs") or ""
    good = [place for place, mark in enumerate(text) if marks.result(mark) == "ok"]
    return good[-1] + runs - len(text) if good and good[-1] + runs >= len(text) else None


def _at(probe: tuple[str, ...], what: str, text: str | None) -> Iterator[Sample]:
    moment = _moment(text)
    if moment is not None:
        yield f"datalake_probe_{what}_timestamp_seconds", probe, moment


def _moment(text: str | None) -> float | None:
    at: datetime | None = parse_time(text) if text else None
    return None if at is None else at.timestamp()


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else parse_duration(text).total_seconds()
    except ValueError:
        return None


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
