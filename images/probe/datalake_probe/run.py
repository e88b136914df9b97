"""A run as a type's plug-in sees it."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from datalake_probe.deadline import Deadline
from datalake_probe.outcome import NOT_MEASURED, Cell, Outcome, Stopped
from datalake_probe.plan import Plan
from datalake_probe.report import Report
from datalake_probe.trust import Anchors

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What a plug-in has.

    Attributes:
        plan: what to do.
        id: of the run; names of files carry it.
        index: of the pod in an indexed Job.
        deadline: how much time is left; every step takes its time from it.
        anchors: the CA certificates that are believed, for our own TLS and for programs.
        environment: the process's.
        envelope: what is reported to; use `report` and `step`.
    """

    plan: Plan
    id: str
    index: int | None
    deadline: Deadline
    anchors: Anchors
    environment: Mapping[str, str]
    envelope: Report

    def seconds(self, most: float) -> float:
        """Return the time for a step: this, but a third of the run's at most, so that who hangs is told before its end.

        Raises:
            Unmeasured: no time is left.
        """
        return self.deadline.step(min(most, self.plan.deadline / 3))

    def report(self, cell: Cell, outcome: Outcome) -> None:
        """Say what came out of a cell. A later word on the same cell replaces the earlier one."""
        log.info("%s: %s %s", "/".join(filter(None, cell)), outcome.result, outcome.reason or "")
        self.envelope.put(cell, outcome)

    def step(self, cell: Cell, work: Callable[[dict[str, float]], None]) -> Outcome:
        """Measure a cell and report it.

        Args:
            cell: which.
            work: does it, puts measurements into what it is given as soon as it has them, and raises `Stopped` (`Bad`,
                `Skip`, `Unmeasured`) where it ends early; returning means ok. Another exception is the runner's own
                fault and makes the cell unknown.
        """
        outcome = self.outcome(work, cell)
        self.report(cell, outcome)
        return outcome

    def outcome(self, work: Callable[[dict[str, float]], None], cell: Cell | None = None) -> Outcome:
        """The same without reporting; the cell is for the log."""
        measurements: dict[str, float] = {}
        try:
            work(measurements)
        except Stopped as stopped:
            log.info("%s: %s", "/".join(filter(None, cell or ())), stopped)
            if stopped.result == "bad" and not self.deadline.left():
                return NOT_MEASURED  # its time was cut short by the run's end
            return Outcome(stopped.result, stopped.reason, measurements)
        except Exception:
            log.exception("a fault of the runner's own")
            return NOT_MEASURED
        return Outcome("ok", None, measurements)

    def spread(self, works: Iterable[Callable[[], object]], at_once: int) -> None:
        """Do several things at once, at most so many; returns when all are done."""
        with ThreadPoolExecutor(at_once, thread_name_prefix="work") as pool:
            for future in [pool.submit(work) for work in works]:
                future.result()


def watch(work: Callable[[], None], seconds: float) -> tuple[bool, BaseException | None]:
    """Do something in a thread of its own, and wait for it no longer than this.

    Returns:
        Whether it has ended, and the exception that ended it. A thread that has not ended goes on: end the process.
    """
    found: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=guarded, daemon=True, name="plug-in")
    thread.start()
    thread.join(seconds)
    return not thread.is_alive(), found[0] if found else None
