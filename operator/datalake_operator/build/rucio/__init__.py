"""From a RucioServer, and what is wanted of it now, to its children."""

from datalake_operator.build.rucio.children import build
from datalake_operator.build.rucio.refusals import RucioRefusal
from datalake_operator.build.rucio.stage import Plan, Stage, Workloads, stamp

__all__ = ["Plan", "RucioRefusal", "Stage", "Workloads", "build", "stamp"]
