"""Pure: what opens when a cell or a header is chosen: everything that is known of it, and how to repeat it by hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from datalake_operator.api.parse import parse
from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.problems import InvalidResource
from datalake_operator.build.probe import targets
from datalake_operator.build.refused import Refused
from datalake_operator.web import words
from datalake_operator.web.bodies import Body
from datalake_operator.web.commands import Check, commands
from datalake_operator.web.planned import planned
from datalake_operator.web.probe import OF_STORAGE, present, read, type_of
from datalake_operator.web.runs import runs
from datalake_operator.web.thresholds import rules

Find = Callable[[str, str], Body | None]
"""Gives a resource of the probe's namespace by kind and name."""


def details(bodies: Sequence[Body], check: Check, find: Find) -> dict[str, Any] | None:
    """Give everything that is known of a link, or of an endpoint or single target; None where nothing is.

    Args:
        bodies: of all probes of the namespace.
        check: source, with destination for a link; its protocol is not looked at.
        find: gives the cache or the server that a probe names.
    """
    parts = [part for body in bodies for part in _parts(body, check, find)]
    blamed = [] if check.destination else _blamed(bodies, check.source)
    if not parts and not blamed:
        return None
    return present(
        source=check.source,
        destination=check.destination,
        site=_site(bodies, check.source),
        destinationSite=_site(bodies, check.destination),
        blamed=blamed,
        links=None if check.destination else _links(bodies, check.source),
        parts=sorted(parts, key=lambda part: (part.get("protocol", ""), part["probe"])),
    )


def _site(bodies: Iterable[Body], name: str | None) -> str | None:
    ours = (one for body in bodies for one in body["spec"].get("endpoints", ()) if one["name"] == name)
    return next((one["site"] for one in ours), None)


def _parts(body: Body, check: Check, find: Find) -> Iterable[dict[str, Any]]:
    cells = [
        cell
        for cell in body.get("status", {}).get("cells", ())
        if cell["source"] == check.source and cell.get("destination") == check.destination
    ]
    if not cells:
        return
    probe, resolved = _model(body, find)
    names = (check.source, check.destination) if check.destination else (check.source,)
    for cell in cells:
        told = _told(body, cell)
        if probe is not None:
            told["commands"] = commands(probe, Check(check.source, check.destination, cell.get("protocol")), resolved)
            told["rules"] = rules(probe, told["type"], body["status"])
            if told["state"] == "maintenance":
                told["planned"] = planned(probe, names, body["status"])
        yield told


def _told(body: Body, cell: Mapping[str, Any]) -> dict[str, Any]:
    """Give what status alone says of a cell."""
    state, reason = words.known(cell.get("state")), cell.get("reason")
    return present(
        probe=body["metadata"]["name"],
        type=type_of(body["spec"]),
        protocol=cell.get("protocol"),
        state=state,
        reason=reason,
        words=words.meaning(state, reason),
        advice=words.advice(reason),
        since=cell.get("since"),
        runs=runs(cell, body["status"]),
        measurements=[
            {"name": words.label(one["name"]), "value": words.figure(one["name"], one["value"])}
            for one in cell.get("measurements", ())
        ],
        rules=[],
        planned=[],
        commands=[],
    )


def _model(body: Body, find: Find) -> tuple[QoSProbe | None, targets.Targets]:
    """Give the probe as a model and what it names, as far as both are sound."""
    try:
        probe = parse(body)
    except InvalidResource:
        return None, targets.Targets()
    assert isinstance(probe, QoSProbe)  # noqa: S101 - the kind was asked for
    named = targets.reference(probe)
    try:
        return probe, targets.resolve(probe, {named: find(*named)} if named else {})
    except (KeyError, Refused):
        return probe, targets.Targets()


def _blamed(bodies: Iterable[Body], name: str) -> list[dict[str, Any]]:
    return [
        {**one, "probe": body["metadata"]["name"], "words": words.meaning(one["state"], one.get("reason"))}
        for body in bodies
        if type_of(body["spec"]) in OF_STORAGE
        for one in read(body).blamed
        if one["name"] == name
    ]


def _links(bodies: Iterable[Body], name: str) -> dict[str, Mapping[str, int]] | None:
    """Give how the links of an endpoint are, by state, as source and as destination."""
    counted: dict[str, dict[str, int]] = {"source": {}, "destination": {}}
    for body in bodies:
        for cell in read(body).cells:
            for role in counted if "destination" in cell else ():
                if cell[role] == name:
                    counted[role][cell["state"]] = counted[role].get(cell["state"], 0) + 1
    return {role: counts for role, counts in counted.items() if counts} or None
