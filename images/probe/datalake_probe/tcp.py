"""The type tcp: can a connection be opened, and how fast."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from datalake_probe import net
from datalake_probe.outcome import Cell
from datalake_probe.plan import Plan
from datalake_probe.run import Run

AT_ONCE = 16
"""Targets at the same time: they do not share anything that could be crowded."""


def cells(plan: Plan) -> Sequence[Cell]:
    """Name the targets."""
    return [Cell(target["name"]) for target in plan.section["targets"]]


def measure(run: Run) -> None:
    """Open a connection to each target, and close it."""

    def one(target: Mapping[str, Any]) -> None:
        run.step(Cell(target["name"]), lambda m: _connect(run, target, m))

    run.spread([partial(one, target) for target in run.plan.section["targets"]], AT_ONCE)


def _connect(run: Run, target: Mapping[str, Any], m: dict[str, float]) -> None:
    seconds = run.seconds(net.CONNECT_SECONDS)
    connection = net.connect(target["host"], target["port"], target["ipFamily"], seconds)
    connection.socket.close()
    m["connect_seconds"] = connection.seconds
