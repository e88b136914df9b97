"""Status of a QoSProbe."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.meta import ATOMIC, Items, Model, Timestamp
from datalake_operator.api.status import Status

Text: TypeAlias = Annotated[str, Field(max_length=256)]
Count: TypeAlias = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]
State: TypeAlias = Literal["ok", "warning", "critical", "unknown", "notrun", "skipped", "maintenance"]

MAX_CELLS = 4096
"""64 sources to 64 destinations; a mesh that size is refused long before."""


class Measurement(Model):
    """One figure of the last run."""

    name: Text
    """Its name."""
    value: Text
    """Its value as text."""


class Cell(Model):
    """One cell of the grid."""

    source: Text
    """Source, or the single target."""
    destination: Text | None = None
    """Destination of a transfer."""
    protocol: Text | None = None
    """Protocol, or what was checked."""
    state: State
    """State after all judges."""
    reason: Text | None = None
    """One word: why; docs/probes.md lists them."""
    since: Timestamp | None = None
    """When the state began."""
    runs: Annotated[str, Field(max_length=64)] | None = None
    """One character for each entry of status.runs: o good, w good but beyond a limit, s too slow, x failed, - skipped,
    ? unknown, m failed in maintenance, . not in that run."""
    reasons: Annotated[str, Field(max_length=64)] | None = None
    """One character for each of w, s, x, -, ? and m: why, by the table in docs/probes.md. The last one holds for all
    that follow."""
    past: Text | None = None
    """What is still needed of runs that are older than status.runs."""
    buckets: Annotated[str, Field(max_length=1024)] | None = None
    """Good and bad runs that are older than status.runs, by time, for the windows."""
    totals: Text | None = None
    """How many runs were good (o), failed (x), skipped (-) and unknown (?) ever, e.g. o96x2."""
    measurements: Annotated[Items[Measurement], Field(max_length=4), ATOMIC] | None = None
    """Figures of the last run."""


class Summary(Model):
    """Cells by state."""

    ok: Count = 0
    """Cells that are ok."""
    warning: Count = 0
    """Cells with a warning."""
    critical: Count = 0
    """Cells that are critical."""
    unknown: Count = 0
    """Cells without a verdict."""
    skipped: Count = 0
    """Cells that were left out because something before them failed."""
    maintenance: Count = 0
    """Cells in maintenance."""
    notrun: Count = 0
    """Cells without any run yet."""


class LastRun(Model):
    """The last run."""

    id: Text | None = None
    """Its id."""
    start_time: Timestamp | None = None
    """When it began."""
    completion_time: Timestamp | None = None
    """When it ended."""
    result: Text | None = None
    """How it ended: ok, bad, unknown or interrupted."""
    reason: Text | None = None
    """One word: why it is not ok; docs/probes.md lists them."""


class RunEntry(Model):
    """One run of the history."""

    id: Text
    """Its id."""
    time: Timestamp
    """When it began."""
    result: Text | None = None
    """How it ended."""


class EndpointState(Model):
    """How an endpoint is, seen over all its cells."""

    name: Text
    """Its name."""
    role: Literal["source", "destination", "both"]
    """As what: source (it reads badly), destination (it writes badly) or both."""
    state: State
    """Its state."""
    reason: Text | None = None
    """One word: why; docs/probes.md lists them."""
    since: Timestamp | None = None
    """When the state began."""


class ControlCheck(Model):
    """One control check of the last run."""

    name: Text
    """Its name."""
    ok: bool
    """Whether it works."""


class Total(Model):
    """One counter."""

    name: Text
    """A result in lower case, or a reason."""
    count: Count
    """How often, over all cells, since the probe exists."""


class ActiveMaintenance(Model):
    """Maintenance that holds now."""

    name: Text
    """Its name."""
    to: Timestamp
    """When it ends."""
    reason: Text | None = None
    """What its author wrote."""


class QoSProbeStatus(Status):
    """What was measured."""

    state: State | None = None
    """Worst state of all cells."""
    summary: Summary | None = None
    """Cells by state."""
    last_run: LastRun | None = None
    """The last run."""
    interval: Text | None = None
    """Largest time between two runs by the schedule."""
    pair_interval: Text | None = None
    """Time between two runs of the same pair, where pairs take turns."""
    runs: Annotated[Items[RunEntry], Field(max_length=64), ATOMIC] | None = None
    """The runs that cells[].runs speaks about, newest last."""
    endpoints: Annotated[Items[EndpointState], Field(max_length=256), ATOMIC] | None = None
    """Endpoints that are not ok, each with what is the matter with it."""
    control: Annotated[Items[ControlCheck], Field(max_length=16), ATOMIC] | None = None
    """What must work for any verdict, as the last run found it."""
    maintenance: Annotated[Items[ActiveMaintenance], Field(max_length=64), ATOMIC] | None = None
    """Maintenance that holds now."""
    totals: Annotated[Items[Total], Field(max_length=128), ATOMIC] | None = None
    """Results and reasons, counted over all cells."""
    cells: Annotated[Items[Cell], Field(max_length=MAX_CELLS), ATOMIC] | None = None
    """Every cell of the grid."""
