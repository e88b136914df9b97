"""How a QoSProbe is: its Jobs become runs, these and its status a verdict, and that becomes status again."""

from datalake_operator.api.probe import QoSProbe
from datalake_operator.status.probe import jobs
from datalake_operator.status.probe.assess import assess, without_spec
from datalake_operator.status.probe.jobs import rolled
from datalake_operator.status.probe.reasons import ProbeReason
from datalake_operator.status.probe.runs import told
from datalake_operator.status.view import View

__all__ = ["ProbeReason", "active", "assess", "rolled", "told", "without_spec"]


def active(probe: QoSProbe, view: View) -> bool:
    """Whether a run goes on."""
    return any(map(jobs.is_active, jobs.jobs(probe, view)))
