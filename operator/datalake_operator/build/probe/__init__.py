"""From a QoSProbe, and where its references are, to its children."""

from datalake_operator.build.probe.cells import CellKey, cells
from datalake_operator.build.probe.children import build, now_job
from datalake_operator.build.probe.refusals import ProbeRefusal
from datalake_operator.build.probe.targets import Targets, placeholders, reference, resolve

__all__ = [
    "CellKey",
    "ProbeRefusal",
    "Targets",
    "build",
    "cells",
    "now_job",
    "placeholders",
    "reference",
    "resolve",
]
