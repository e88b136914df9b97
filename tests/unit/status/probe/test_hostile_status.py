"""A status that somebody wrote by hand, as far as the schema lets them: nothing of it stops us, and it heals."""

import random
from datetime import timedelta
from typing import Any

import pytest

from datalake_operator.metrics.probes import write
from datalake_operator.reconcile.probe_figures import samples
from datalake_operator.status import View
from datalake_operator.status.probe import assess, without_spec
from datalake_operator.web import details, grid, page
from datalake_operator.web import probe as rows
from datalake_operator.web.commands import Check
from datalake_operator.web.model import document
from tests.unit.status.probe.conftest import CONTEXT, NOW, TCP, make_probe

TIMES = (
    "2026-11-25T11:50:00Z",
    "2999-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:00",
    "0000-01-01T00:00:00Z",
    "2026-11-25T10:00:00+99:99",
    "2026-11-25t10:00:00x5z",
)
"""What the API server takes for a date-time."""
TEXTS = (
    *("", "<b>\u2028", 'a"\\\n', "Stale", "nan", "1e400", "15m"),
    *("900 999999999999:9*64", "o999x9", "112234;lo253402300799"),
)
STATES = ("ok", "warning", "critical", "unknown", "notrun", "skipped", "maintenance")
TRANSFER = {
    "transfer": {"sources": ["A", "B"], "destinations": ["A", "B"]},
    "endpoints": [
        {"name": name, "site": name, "urls": [{"protocol": "root", "url": f"root://{name}.org//d"}]} for name in "AB"
    ],
}


def hostile(chance: random.Random) -> dict[str, Any]:
    pick = chance.choice

    def some(**fields: Any) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if chance.random() < 0.8}

    def marks() -> str:
        return "".join(pick("owsx-?m.Z\u00c0") for _ in range(chance.randrange(64)))

    cells = [
        {"source": pick("ABa"), "state": pick(STATES)}
        | some(destination=pick("AB"), protocol="root", reason=pick(TEXTS), since=pick(TIMES))
        | some(runs=marks(), reasons=marks(), past=pick(TEXTS), buckets=pick(TEXTS), totals=pick(TEXTS))
        | some(measurements=[{"name": pick(("seconds", "tls_days_left")), "value": pick(TEXTS)}])
        for _ in range(chance.randrange(8))
    ]
    healthy = {"type": "Healthy", "status": "Unknown", "reason": "CentralFault", "message": pick(TEXTS)}
    return some(
        state=pick(STATES),
        lastRun=some(id="x", startTime=pick(TIMES), completionTime=pick(TIMES), reason=pick(TEXTS)),
        interval=pick(TEXTS),
        pairInterval=pick(TEXTS),
        runs=[{"id": str(number), "time": pick(TIMES)} for number in range(chance.randrange(12))],
        endpoints=[{"name": pick("ABa"), "role": "both", "state": pick(STATES)} | some(since=pick(TIMES))],
        maintenance=[{"name": "m", "to": pick(TIMES)}],
        totals=[{"name": pick(TEXTS), "count": 2**63 - 1}],
        cells=cells,
        conditions=[{**healthy, "lastTransitionTime": pick(TIMES)}],
    )


@pytest.mark.parametrize("spec", [TCP, {**TRANSFER, "tcp": None}])
def test_nothing_that_the_schema_lets_pass_stops_the_verdict_the_page_or_the_metrics(spec: dict[str, Any]) -> None:
    chance = random.Random(7)  # noqa: S311 - the same each time
    probe = make_probe(**spec)
    metadata = {"name": "x", "namespace": "ns", "uid": "u"}
    for _ in range(150):
        status = hostile(chance)
        body = {"metadata": metadata, "spec": {"interval": "15m", **spec}, "status": status}
        view = View(previous=status)
        assess(probe, CONTEXT, view, NOW)
        without_spec(view, NOW)
        write(samples(body))
        drawn = document(grid.overview([rows.read(body)], [], []))
        page.page(drawn.plain, drawn.tag, NOW)
        details.details([body], Check("A", "B"), lambda *_: None)
        details.details([body], Check("a"), lambda *_: None)


def test_nothing_stays_green_until_a_time_that_somebody_wrote() -> None:
    status = {
        "interval": "15m",
        "runs": [{"id": "forged", "time": "2999-01-01T00:00:00Z", "result": "ok"}],
        "cells": [{"source": "a", "state": "ok", "runs": "o"}],
    }
    found = assess(make_probe(), CONTEXT, View(previous=status), NOW + timedelta(days=1))
    assert [cell["state"] for cell in found.fields["cells"]] == ["notrun"]
    assert "runs" not in found.fields
