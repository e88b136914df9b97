"""Pure: what was observed becomes conditions and status fields. Ordered chains of small functions."""

from datalake_operator.status.conditions import Condition, merge
from datalake_operator.status.reasons import EngineReason
from datalake_operator.status.view import Assessment, Observation, View

__all__ = ["Assessment", "Condition", "EngineReason", "Observation", "View", "merge"]
