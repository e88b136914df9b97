"""Times in which failures are expected: written in the spec, in ConfigMaps, or because a service is being changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from datalake_operator.probes.model import HOLD_LIMIT, CellKey, Watch, Window
from datalake_operator.probes.reasons import REASONS


@dataclass(frozen=True)
class Cover:
    """What is in maintenance at some time: reason and begin by name of an endpoint."""

    everything: tuple[str, datetime] | None = None
    names: Mapping[str, tuple[str, datetime]] = field(default_factory=dict)

    def of(self, key: CellKey) -> tuple[str, datetime] | None:
        """Reason and begin of the maintenance of a cell; None: there is none."""
        found = [self.everything, self.names.get(key.source), self.names.get(key.destination or "")]
        return min((entry for entry in found if entry), key=lambda entry: entry[1], default=None)

    def __bool__(self) -> bool:
        return self.everything is not None or bool(self.names)


def covering(watch: Watch, start: datetime, end: datetime) -> Cover:
    """What is in maintenance at some moment from `start` to `end`, both included."""
    everything: tuple[str, datetime] | None = None
    names: dict[str, tuple[str, datetime]] = {}

    def put(name: str, entry: tuple[str, datetime]) -> None:
        if name not in names or entry[1] < names[name][1]:
            names[name] = entry

    for one in active(watch.maintenance, start, end):
        entry = ("Maintenance", one.start)
        if not one.endpoints and not one.sites:
            everything = min(everything or entry, entry, key=lambda found: found[1])
        for name in _endpoints(one, watch.sites):
            put(name, entry)
    for name, hold in watch.on_hold.items():
        if start < hold.since + HOLD_LIMIT and end >= hold.since:
            put(name, (hold.reason if hold.reason in REASONS else "PlannedWork", hold.since))
    return Cover(everything, names)


def _endpoints(one: Window, sites: Mapping[str, str]) -> Iterable[str]:
    yield from one.endpoints
    yield from (name for name, site in sites.items() if site in one.sites)


def active(windows: Iterable[Window], start: datetime, end: datetime) -> list[Window]:
    """Windows that hold at some moment from `start` to `end`; a window's own end is no longer part of it."""
    return [one for one in windows if one.start <= end and start < one.end]


def next_change(watch: Watch, now: datetime) -> datetime | None:
    """When the next time of maintenance begins or ends."""
    moments = [moment for one in watch.maintenance for moment in (one.start, one.end)]
    moments += [hold.since + HOLD_LIMIT for hold in watch.on_hold.values()]
    return min((moment for moment in moments if moment > now), default=None)
