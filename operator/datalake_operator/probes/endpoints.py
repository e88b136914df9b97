"""How each endpoint is, seen over all its cells; those that are ok are left out."""

from collections.abc import Mapping, Sequence
from typing import Any

from datalake_operator.probes.blame import Blame, Link, blame
from datalake_operator.probes.judge import Opinion
from datalake_operator.probes.maintenance import Cover
from datalake_operator.probes.model import CellKey
from datalake_operator.probes.times import seconds, text

MOST = 256
"""Endpoints that status takes: only a custom program knows more, and the red ones matter most."""

_RANK = ("critical", "warning", "unknown", "notrun", "ok", "skipped")


def endpoints(
    cells: Sequence[Mapping[str, Any]],
    opinions: Mapping[CellKey, Opinion],
    cover: Cover,
    before: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """`status.endpoints`: blamed ones, those whose own check is not ok, and those in maintenance, by name.

    Args:
        cells: `status.cells`.
        opinions: What is thought of each of them.
        cover: What is in maintenance.
        before: `status.endpoints` until now.
    """
    by_key = dict(zip(opinions, cells, strict=True))
    own: dict[str, list[Mapping[str, Any]]] = {}
    links = []
    for key, opinion in opinions.items():
        cell = by_key[key]
        if key.destination is None:
            own.setdefault(key.source, []).append(cell)
        elif opinion.known and cell["state"] != "maintenance":
            links.append(Link(key, opinion.bad_link))
    down = [name for name, alone in own.items() if any(cell["state"] == "critical" for cell in alone)]
    blamed = blame(links, down)
    found = []
    for name in sorted(_names(opinions)):
        planned = cover.of(CellKey(name)) if cover else None
        entry = _planned(planned) if planned else _judged(own.get(name, ()), blamed.get(name), by_key)
        if entry:
            found.append({"name": name, **entry})
    found = sorted(found, key=lambda entry: entry["state"] != "critical")[:MOST]
    return [_since(entry, before) for entry in sorted(found, key=lambda entry: str(entry["name"]))]


def _names(keys: Mapping[CellKey, Opinion]) -> set[str]:
    return {name for key in keys for name in (key.source, key.destination) if name is not None}


def _planned(planned: tuple[str, Any]) -> dict[str, Any]:
    return {"role": "both", "state": "maintenance", "reason": planned[0], "since": text(seconds(planned[1]))}


def _judged(
    alone: Sequence[Mapping[str, Any]], fault: Blame | None, by_key: Mapping[CellKey, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """An endpoint's entry without its name; None: it is ok."""
    if fault is not None and fault.links:
        red = [by_key[key] for key in fault.links]
        worst = [cell for cell in alone if cell["state"] == "critical"] or red
        return _entry(fault.role, "critical", worst)
    state = min((cell["state"] for cell in alone if cell["state"] in _RANK), key=_RANK.index, default="ok")
    if state == "ok":
        return None
    return _entry("both", state, [cell for cell in alone if cell["state"] == state])


def _entry(role: str, state: str, cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    reasons = [str(cell["reason"]) for cell in cells if cell.get("reason")]
    since = min((str(cell["since"]) for cell in cells if cell.get("since")), default=None)
    reason = min(set(reasons), key=lambda name: (-reasons.count(name), name), default=None)
    entry = {"role": role, "state": state, "reason": reason, "since": since}
    return {name: value for name, value in entry.items() if value}


def _since(entry: dict[str, Any], before: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Keep when it began, as long as its state stays."""
    for old in before:
        if old.get("name") == entry["name"] and old.get("state") == entry["state"] and old.get("since"):
            return entry | {"since": old["since"]}
    return entry
