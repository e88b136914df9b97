"""What a verdict is made from, and what comes out: plain frozen values, so that it can be pure.

A *cell* is one square of the grid, a *run* is one Job that has ended, a *sample* is what one run says of one cell.
All times are aware; they are kept to the second, as status holds them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeAlias

Result: TypeAlias = Literal["ok", "bad", "skipped", "unknown"]
"""What one run says of one cell. Unknown: it was not measured, which is nobody's failure."""

State: TypeAlias = Literal["ok", "warning", "critical", "unknown", "notrun", "skipped", "maintenance"]
"""How a cell, an endpoint or a whole probe is."""

Role: TypeAlias = Literal["source", "destination", "both"]
"""As what an endpoint is meant: it reads badly, it writes badly, or it is down."""

HealthStatus: TypeAlias = Literal["True", "False", "Unknown"]
"""Status of the condition Healthy."""

CLUSTER_DNS = "cluster-dns"
"""Name of the control check that resolves a name in the cluster."""

STALE_GAPS = 2.5
"""Largest gaps of the schedule after which a result is stale (specification): one run may fail to start."""

HOLD_LIMIT = timedelta(hours=1)
"""How long planned work of a cache or a Rucio that a probe refers to counts as maintenance."""


class CellKey(NamedTuple):
    """Which cell. Without destination: an endpoint, target, cache or Rucio by itself."""

    source: str
    destination: str | None = None
    protocol: str | None = None


@dataclass(frozen=True)
class Sample:
    """What one run says of one cell."""

    result: Result
    reason: str | None = None
    """Of `reasons.REASONS`; None with ok."""
    measurements: Mapping[str, float] = field(default_factory=dict)
    """Figures by name, in base units."""


@dataclass(frozen=True)
class Run:
    """One run that has ended. `envelope.merge` makes it from the messages of the pods."""

    id: str
    """Name of its Job."""
    start: datetime
    """When the Job started, by the API server's clock."""
    end: datetime | None = None
    """When it ended."""
    samples: Mapping[CellKey, Sample] = field(default_factory=dict)
    """What was measured."""
    control: Mapping[str, bool] = field(default_factory=dict)
    """Control checks by name: do they work."""
    problem: str | None = None
    """Reason why nothing was measured at all: every cell is unknown with it."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Reason by source: cells of that source without a sample are unknown with it (a pod of many failed)."""
    interrupted: bool = False
    """Evicted or preempted: what is there counts, what is missing says nothing."""


@dataclass(frozen=True)
class Limit:
    """Limits of one measurement. `limits.of` fills in the defaults of a type."""

    measurement: str
    at_least: bool
    """True: the figure must reach them. False: it must not exceed them."""
    warning: float
    critical: float
    window: timedelta = timedelta(hours=6)
    min_samples: int = 3


@dataclass(frozen=True)
class Window:
    """A time of maintenance. With neither endpoints nor sites: all."""

    name: str
    start: datetime
    end: datetime
    endpoints: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    reason: str = ""


@dataclass(frozen=True)
class Hold:
    """Planned work of something that the probe refers to (a cache drains, a Rucio migrates or is suspended)."""

    reason: str
    """What the page shows."""
    since: datetime
    """It counts as maintenance for `HOLD_LIMIT` from then on."""


@dataclass(frozen=True)
class Turns:
    """How pairs take turns: a run that was due at a time (Unix seconds) has group `time // period % groups`."""

    groups: int
    period: int
    """Seconds."""
    of: Mapping[tuple[str, str | None], int]
    """Group by source and destination."""


@dataclass(frozen=True)
class Watch:
    """What is watched, and by which rules."""

    keys: Sequence[CellKey]
    """Every cell that is expected, in the order of the grid."""
    stale_after: timedelta
    """Age at which a result is no longer believed."""
    limits: tuple[Limit, ...] = ()
    """Of `limits.of`."""
    confirmations: int = 2
    recoveries: int = 2
    pair_stale_after: timedelta | None = None
    """The same for cells with a destination, where pairs take turns; None: they do not take turns."""
    turns: Turns | None = None
    """Which pairs have their turn when, where that is known."""
    sites: Mapping[str, str] = field(default_factory=dict)
    """Site by name of an endpoint."""
    maintenance: tuple[Window, ...] = ()
    on_hold: Mapping[str, Hold] = field(default_factory=dict)
    """Planned work by source (name of the cache or Rucio as the cells have it)."""
    history_runs: int = 20
    """Runs that the page shows; more are kept where a window needs them."""
    open: bool = False
    """Cells are whatever runs report (custom programs); `keys` may be empty."""


@dataclass(frozen=True)
class Verdict:
    """What status shall say."""

    fields: Mapping[str, Any]
    """state, summary, lastRun, runs, endpoints, control, cells, totals, as status holds them; complete: a field that
    is absent here goes."""
    healthy: tuple[HealthStatus, str, str]
    """Status, reason (`health.REASONS`) and message of the condition Healthy."""
    wake_at: datetime | None
    """When the verdict changes although nothing happens: a result gets stale, maintenance begins or ends."""
