"""A type of probe that nobody needs: looks whether numbers are even. docs/extending.md is about how one is added.

Its plug-in is this module, its model the class `ToyCheck`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import Field

from datalake_operator.api.meta import MAP_BY_NAME, Items, Model
from datalake_operator.api.probe_endpoints import EndpointName
from datalake_probe.outcome import Bad, Cell, Reason, Skip
from datalake_probe.plan import Plan
from datalake_probe.run import Run

# --- the plug-in in the runner: images/probe/datalake_probe/toy.py


def cells(plan: Plan) -> Sequence[Cell]:
    """Name the targets."""
    return [Cell(target["name"]) for target in plan.section["targets"]]


def measure(run: Run) -> None:
    """Look at each."""
    for target in run.plan.section["targets"]:
        run.step(Cell(target["name"]), partial(_look, target["number"]))


def _look(number: int, m: dict[str, float]) -> None:
    if number < 0:
        raise Skip(Reason.NOT_PERMITTED)
    m["half"] = number / 2
    if number % 2:
        raise Bad(Reason.UNEXPECTED_BODY, "odd")


# --- the model: operator/datalake_operator/api/probe_checks.py


class ToyTarget(Model):
    """A number."""

    name: EndpointName
    """Name of the row."""
    number: int
    """The number."""


class ToyCheck(Model):
    """Are numbers even."""

    targets: Annotated[Items[ToyTarget], Field(min_length=1, max_length=64), MAP_BY_NAME]
    """Which."""


# --- the row in `MEASUREMENTS`: operator/datalake_operator/api/probe_verdict.py

ROW = ("success_ratio", "half")
