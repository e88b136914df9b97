"""The operator's metrics; `docs/metrics.md` is their catalogue, and a test compares the two."""

from datalake_operator.metrics.collectors import Conditions, RucioFigures
from datalake_operator.metrics.registry import Metrics

__all__ = ["Conditions", "Metrics", "RucioFigures"]
