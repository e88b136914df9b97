"""`datalake-probe`: one run of a probe.

Environment: `PROBE_RUN` (its id), `JOB_COMPLETION_INDEX` (of a pod of an indexed Job), `PROBE_NOW` (somebody waits for
it, so it begins at once), `PROBE_PLAN`, `PROBE_WORK` (a folder to write to), `TERMINATION_LOG`. It exits with 0 when it
measured, whatever came out, with 1 when it could not, and the envelope says why.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from datalake_probe import control, plan, programs, trust
from datalake_probe.deadline import Deadline
from datalake_probe.outcome import Cell, Reason
from datalake_probe.plan import Plan, PlanError, Turn
from datalake_probe.plugin import Plugin
from datalake_probe.report import Report
from datalake_probe.run import Run, watch
from datalake_probe.table import TYPES

log = logging.getLogger("datalake_probe")

CONTROL_SECONDS = control.SECONDS + 1
"""At the end of a run's time, kept for a second look at the controls: what broke in between blames nobody."""


def main(environment: Mapping[str, str] = os.environ, types: Mapping[str, Plugin] = TYPES) -> int:
    """Run once; returns the exit code."""
    path = Path(environment.get("TERMINATION_LOG") or "/dev/termination-log")
    index = environment.get("JOB_COMPLETION_INDEX")
    number = int(index) if index else None
    name = environment.get("PROBE_RUN") or "unnamed"
    try:
        found = replace(_plan(environment, types), turn=Turn(name, number, time.time()))
    except PlanError as error:
        return _refuse(Report(path, name, number, "custom"), error)
    report = Report(path, name, number, found.type)
    try:
        due = types[found.type].cells(found)
        anchors = trust.gather(found.trust, Path(environment.get("PROBE_WORK") or "/run/probe") / "trust.pem")
    except (PlanError, trust.TrustError, LookupError, TypeError, ValueError) as error:
        return _refuse(report, error)
    threading.Event().wait(0 if environment.get("PROBE_NOW") else found.jitter)
    deadline = Deadline(found.deadline - min(CONTROL_SECONDS, found.deadline / 5))
    run = Run(found, name, number, deadline, anchors, environment, report)
    return _measure(run, types[found.type], due)


def _measure(run: Run, plugin: Plugin, due: Sequence[Cell]) -> int:
    """Look at the controls before and after: what fails in between may be their fault."""

    def look() -> None:
        run.envelope.control(control.look(run.plan.control, run.environment))

    before = threading.Thread(target=look, daemon=True, name="control")
    before.start()
    ended, error = watch(lambda: plugin.measure(run), run.deadline.left())
    run.envelope.close()
    programs.end_all()
    if error is not None:
        log.error("the runner failed", exc_info=error)
    before.join(control.SECONDS)
    look()
    if error is not None and not run.envelope.measured():
        run.envelope.problem(Reason.NOT_MEASURED, f"the runner failed: {type(error).__name__}")
        return 1
    if not ended:
        log.warning("the run's time is over")
    run.envelope.end(due)
    return 0


def _plan(environment: Mapping[str, str], types: Mapping[str, Plugin]) -> Plan:
    found = plan.load(Path(environment.get("PROBE_PLAN") or "/etc/probe/plan.json"))
    if found.type not in types:
        raise PlanError(f"this image has no type {found.type!r}: the operator and it do not belong together")
    return found


def _refuse(report: Report, error: Exception) -> int:
    log.error("%s", error)
    report.problem(Reason.CONFIG_ERROR, f"{error}")
    return 1


def _interrupted(*_: object) -> NoReturn:
    """The pod is taken away: what is known is written already, and says that it is not all."""
    programs.end_all()
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, _interrupted)
    code = main()
    logging.shutdown()
    os._exit(code)  # a thread that hangs in the resolver would be waited for
