"""Times in which failures are expected: written in the spec, in ConfigMaps, or because a service is being changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import yaml

from datalake_operator.api.parse import validated
from datalake_operator.api.probe_verdict import Maintenance
from datalake_operator.api.problems import InvalidResource
from datalake_operator.api.values import parse_time
from datalake_operator.probes.model import HOLD_LIMIT, CellKey, Watch, Window
from datalake_operator.probes.reasons import REASONS

MOST_ENTRIES = 1000
"""Entries of one ConfigMap that are read."""

MOST_TEXT = 1 << 20
"""Bytes of a ConfigMap that are read: what one can hold."""


class Trouble(NamedTuple):
    """An entry of a ConfigMap that cannot be used."""

    entry: str
    """Which: its name or its number, counted from 1; empty: the whole text."""
    message: str
    """What is the matter, and how to mend it."""


def window(entry: Maintenance) -> Window:
    """A time of maintenance as the verdict takes it."""
    return Window(
        entry.name,
        parse_time(entry.from_),
        parse_time(entry.to),
        frozenset(entry.endpoints),
        frozenset(entry.sites),
        entry.reason,
    )


def read(text: str) -> tuple[tuple[Window, ...], tuple[Trouble, ...]]:
    """The entries of a ConfigMap's key: a YAML or JSON list of the shape of `spec.maintenance`.

    What is wrong with one entry never takes the others away.

    Args:
        text: Anything at all.
    """
    try:
        found = yaml.safe_load(text[:MOST_TEXT]) if len(text) <= MOST_TEXT else None
    except (yaml.YAMLError, ValueError, RecursionError):
        found = None
    if found is None and text.strip():
        return (), (Trouble("", "is no YAML; write a list of entries with name, from and to"),)
    if not isinstance(found or [], list):
        return (), (Trouble("", "must be a list; begin each entry with '- name:'"),)
    windows: list[Window] = []
    troubles: list[Trouble] = []
    for number, entry in enumerate((found or [])[:MOST_ENTRIES], start=1):
        try:
            windows.append(window(validated(Maintenance, _as_text(entry))))
        except (InvalidResource, RecursionError) as error:
            troubles.append(Trouble(_name(entry, number), str(error)))
    if len(found or []) > MOST_ENTRIES:
        troubles.append(Trouble("", f"has more than {MOST_ENTRIES} entries; remove those that are over"))
    return tuple(windows), tuple(troubles)


def _as_text(entry: Any) -> Any:
    """YAML reads an unquoted time as a time; a model wants its text."""
    if not isinstance(entry, dict):
        return entry
    return {key: _time(value) if isinstance(value, datetime) else value for key, value in entry.items()}


def _time(value: datetime) -> str:
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(entry: Any, number: int) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name[:63] if isinstance(name, str) and name else str(number)


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
