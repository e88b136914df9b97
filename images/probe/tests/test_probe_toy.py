"""A new type is one plug-in and one row: this one counts to three. docs/extending.md shows it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from datalake_probe.__main__ import main
from datalake_probe.outcome import Bad, Cell, Reason, Skip
from datalake_probe.plan import Plan
from datalake_probe.run import Run
from datalake_probe.table import TYPES
from tests.support import probe_runs as runs


class Toy:
    """The plug-in; mostly it is a module."""

    def cells(self, plan: Plan) -> Sequence[Cell]:
        """Name the steps."""
        return [Cell(name) for name in plan.section["steps"]]

    def measure(self, run: Run) -> None:
        """Do them."""
        for name in run.plan.section["steps"]:
            run.step(Cell(name), partial(self._step, name))

    def _step(self, name: str, m: dict[str, float]) -> None:
        m["seconds"] = 1.5
        if name == "two":
            raise Bad(Reason.REFUSED, "a word for the log")
        if name == "three":
            raise Skip(Reason.NOT_PERMITTED)
        if name == "four":
            raise ZeroDivisionError("the runner's own fault blames nobody")


def test_a_type_is_one_plug_in_and_one_row(tmp_path: Path) -> None:
    environment = runs.write(tmp_path, runs.document("toy", {"steps": ["one", "two", "three", "four"]}))
    assert main(environment, {**TYPES, "toy": Toy()}) == 0
    found = runs.read(tmp_path / "message")
    assert runs.cells(found) == {
        "one": ("ok", None), "two": ("bad", "Refused"), "three": ("skipped", "NotPermitted"),
        "four": ("unknown", "NotMeasured"),
    }  # fmt: skip
    assert [cell.get("m") for cell in found["cells"]] == [{"seconds": 1.5}] * 3 + [None]
