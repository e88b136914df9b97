"""Status of a QoSProbe."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.meta import ATOMIC, Items, Model, Timestamp
from datalake_operator.api.status import Status

Text: TypeAlias = Annotated[str, Field(max_length=256)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
State: TypeAlias = Literal["ok", "warning", "critical", "unknown", "notrun", "skipped", "maintenance"]


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
    """Protocol."""
    state: State
    """State after all judges."""
    reason: Text | None = None
    """One word: why."""
    since: Timestamp | None = None
    """When the state began."""
    runs: Annotated[str, Field(max_length=64)] | None = None
    """The last runs, one character each, newest last."""
    buckets: Annotated[Items[Text], Field(max_length=64), ATOMIC] | None = None
    """Counters of good and bad runs by time, for the windows."""
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
    maintenance: Count = 0
    """Cells in maintenance."""


class Run(Model):
    """The last run."""

    id: Text | None = None
    """Its id."""
    start_time: Timestamp | None = None
    """When it began."""
    completion_time: Timestamp | None = None
    """When it ended."""
    result: Text | None = None
    """How it ended."""


class QoSProbeStatus(Status):
    """What was measured."""

    state: State | None = None
    """Worst state of all cells."""
    summary: Summary | None = None
    """Cells by state."""
    last_run: Run | None = None
    """The last run."""
    pair_interval: Text | None = None
    """Timestamp between two runs of the same pair, where pairs take turns."""
    cells: Annotated[Items[Cell], Field(max_length=4096), ATOMIC] | None = None
    """Every cell of the grid."""
