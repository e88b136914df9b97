"""What a type of probe is to the runner: one module with two functions, and one row in `table.TYPES`."""

from collections.abc import Sequence
from typing import Protocol

from datalake_probe.outcome import Cell
from datalake_probe.plan import Plan
from datalake_probe.run import Run


class Plugin(Protocol):
    """A type. A module that has these two functions is one."""

    def cells(self, plan: Plan) -> Sequence[Cell]:
        """Name all that this run is to measure; what it does not reach is unknown/NotMeasured.

        Args:
            plan: `plan.section` holds what is the type's own.

        Raises:
            PlanError: the section makes no sense.
        """

    def measure(self, run: Run) -> None:
        """Measure, and report each cell as soon as it is known: `run.report(cell, outcome)`, or `run.step(...)`.

        It may use threads (`run.spread`). When the run's time is over it is not waited for: what was not reported by
        then is unknown. It need not catch `Stopped`, which `run.step` turns into an outcome.
        """
