"""What is true of a RucioServer: ordered chains of small pure functions."""

from datalake_operator.status.rucio.approvals import refusal
from datalake_operator.status.rucio.assess import assess
from datalake_operator.status.rucio.postgres import stuck_pods
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.rucio.stage import own_secrets, spent_jobs, stage
from datalake_operator.status.rucio.target import Target, target

__all__ = ["RucioReason", "Target", "assess", "own_secrets", "refusal", "spent_jobs", "stage", "stuck_pods", "target"]
