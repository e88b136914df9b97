"""The type http: does an address answer as it should, how fast, and how long is its certificate valid."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from datalake_probe import failures, web
from datalake_probe.outcome import Bad, Cell, Reason
from datalake_probe.plan import Plan
from datalake_probe.run import Run

AT_ONCE = 16

SECONDS = 30.0
"""Time for an answer, redirects included."""


def cells(plan: Plan) -> Sequence[Cell]:
    """Name the targets."""
    return [Cell(target["name"]) for target in plan.section["targets"]]


def measure(run: Run) -> None:
    """Get each target."""

    def one(target: Mapping[str, Any]) -> None:
        run.step(Cell(target["name"]), lambda m: _get(run, target, m))

    run.spread([partial(one, target) for target in run.plan.section["targets"]], AT_ONCE)


def _get(run: Run, target: Mapping[str, Any], m: dict[str, float]) -> None:
    begun = time.monotonic()
    expected: Sequence[int] = target["expectStatus"]
    # Who expects a redirect wants to see it.
    redirects = 0 if any(300 <= status < 400 for status in expected) else web.REDIRECTS
    request = web.Request("GET", target["url"], run.anchors, run.seconds(SECONDS), redirects=redirects)
    with web.ask(request) as answer:
        m["http_status"] = answer.status
        if answer.connect_seconds is not None:
            m["connect_seconds"] = answer.connect_seconds
        if answer.tls_days_left is not None:
            m["tls_days_left"] = answer.tls_days_left
        body = answer.read()
        m["seconds"] = time.monotonic() - begun
    if answer.status not in expected:
        raise failures.of_status(answer.status)
    wanted = target["expectBody"]
    if wanted is not None and wanted.encode() not in body:
        raise Bad(Reason.UNEXPECTED_BODY, f"not in the first {len(body)} bytes")
