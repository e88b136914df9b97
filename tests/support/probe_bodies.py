"""QoSProbes as the API server would hold them, with a status as if they had run: for metrics, rules and the page."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2027, 1, 31, 8, tzinfo=UTC)


def at(minutes: float, now: datetime = NOW) -> str:
    """A moment so many minutes ago, as status holds it."""
    return (now - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def body(
    name: str,
    spec: Mapping[str, Any],
    cells: Sequence[Mapping[str, Any]],
    *,
    namespace: str = "lake",
    now: datetime = NOW,
    results: str = "oooo",
    **status: Any,
) -> dict[str, Any]:
    """A QoSProbe.

    Args:
        name: of it.
        spec: without interval.
        cells: of its status.
        namespace: of it.
        now: when its last run has just ended.
        results: of its runs, one every quarter of an hour: o is ok, ? unknown, x bad.
        status: more of its status, or other values than these.
    """
    words = {"o": "ok", "?": "unknown", "x": "bad"}
    runs = [
        {"id": f"{name}-{number}", "time": at(15 * (len(results) - 1 - number) + 1, now), "result": words[letter]}
        for number, letter in enumerate(results)
    ]
    states = [cell["state"] for cell in cells]
    last = {"id": runs[-1]["id"], "startTime": at(1, now), "completionTime": at(0, now), "result": runs[-1]["result"]}
    return {
        "apiVersion": "datalake.projectescape.eu/v1alpha1",
        "kind": "QoSProbe",
        "metadata": {
            "name": name, "namespace": namespace, "uid": f"uid-{namespace}-{name}", "resourceVersion": "1",
            "creationTimestamp": at(1440, now), "generation": 1,
        },
        "spec": {"interval": "15m", **spec},
        "status": {
            "state": next((state for state in ("critical", "warning", "unknown") if state in states), "ok"),
            "summary": {state: states.count(state) for state in dict.fromkeys((*states, "ok", "critical"))},
            "interval": "15m",
            "lastRun": last,
            "runs": runs,
            "control": [{"name": "api-server", "ok": True}, {"name": "cluster-dns", "ok": True}],
            "totals": [{"name": "ok", "count": 90}, {"name": "Refused", "count": 3}],
            "cells": list(cells),
            **status,
        },
    }  # fmt: skip


def cell(
    source: str, destination: str | None = None, protocol: str | None = None, state: str = "ok", **more: Any
) -> dict[str, Any]:
    """A cell of a status; `measurements` may be given as a mapping."""
    measurements = [{"name": name, "value": value} for name, value in more.pop("measurements", {}).items()]
    runs = {"ok": "oooo", "critical": "ooxx", "warning": "oxoo", "unknown": "oo??", "skipped": "oo--"}.get(
        state, "...o"
    )
    where = {"source": source, "destination": destination, "protocol": protocol}
    return {
        **{name: value for name, value in where.items() if value is not None},
        "state": state, "since": at(60), "runs": runs, "totals": "o94x2",
        **({"measurements": measurements} if measurements else {}),
        **more,
    }  # fmt: skip


def mesh(size: int, name: str = "mesh", protocols: Sequence[str] = ("root",), **more: Any) -> dict[str, Any]:
    """A mesh of so many endpoints to each other, each alone too; all is well."""
    names = [f"SITE-{number:02}" for number in range(size)]
    figures = {"throughput_bytes_per_second": "52428800"}
    cells = [cell(one, None, protocol) for one in names for protocol in protocols]
    cells += [
        cell(source, destination, protocol, measurements=figures)
        for source in names
        for destination in names
        for protocol in protocols
        if source != destination
    ]
    return body(name, {"transfer": {"sources": names, "destinations": names}}, cells, **more)
