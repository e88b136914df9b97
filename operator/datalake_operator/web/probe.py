"""One QoSProbe's body as the page needs it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from datalake_operator.api import probe_verdict
from datalake_operator.api.meta import parse_time
from datalake_operator.api.values import parse_duration
from datalake_operator.probes.model import STALE_GAPS
from datalake_operator.web import words
from datalake_operator.web.bodies import Body

_FIRST = ("transfer", "storage", "cache", "rucio", "http", "tcp")
TYPES = (*_FIRST, *(kind for kind in probe_verdict.TYPES if kind not in _FIRST))
"""What a probe can be, in the order of the page; exactly one of these is in its spec."""

OF_STORAGE = ("transfer", "storage")
"""Types whose endpoints are blamed; what others measure are single targets, which are told by their checks."""

_FIGURES = ("throughput_bytes_per_second", "warm_speedup_ratio", "connect_seconds", "seconds")
"""The first of these that was measured is shown in a roomy cell."""


@dataclass(frozen=True)
class Probe:
    """What the page says of one probe."""

    namespace: str
    name: str
    type: str
    facts: Mapping[str, Any]
    """Its row in the list of probes."""
    sites: Mapping[str, str]
    """Site of each of its endpoints."""
    cells: tuple[Mapping[str, Any], ...]
    """Its cells: source, destination where it is a link, protocol, state, reason, since, figure."""
    blamed: tuple[Mapping[str, Any], ...]
    """Its endpoints that are not ok: name, role, state, reason, since."""
    central: Mapping[str, Any] | None
    """Reason, message and time of a fault of our own that hides all results."""
    shown: bool = True
    """Whether its body could be read at all."""


def read(body: Body) -> Probe:
    """Give what the page says of a probe. Nothing secret is in it: only names, states, times and figures."""
    metadata, spec, status = body["metadata"], body["spec"], body.get("status", {})
    kind = type_of(spec)
    cells = tuple(_cell(cell) for cell in status.get("cells", ()))
    return Probe(
        namespace=metadata["namespace"],
        name=metadata["name"],
        type=kind,
        facts=_facts(body, kind, [cell["state"] for cell in cells]),
        sites={endpoint["name"]: endpoint["site"] for endpoint in spec.get("endpoints", ())},
        cells=cells,
        blamed=tuple(_blamed(endpoint) for endpoint in status.get("endpoints", ())),
        central=_central(body),
    )


def unshown(namespace: str, name: str) -> Probe:
    """Give what the page says of a probe whose body cannot be read: that it is there."""
    facts = {"namespace": namespace, "name": name, "type": "unknown", "state": "unknown", "counts": {}}
    return Probe(namespace, name, "unknown", facts, sites={}, cells=(), blamed=(), central=None, shown=False)


def type_of(spec: Mapping[str, Any]) -> str:
    """Give what a probe measures: the member of the union that its spec has."""
    return next((kind for kind in TYPES if kind in spec), "custom")


def condition(body: Body, name: str) -> Mapping[str, Any] | None:
    """Give one condition of a resource, None where it has none of that type."""
    said = body.get("status", {}).get("conditions", ())
    return next((one for one in said if one["type"] == name), None)


def told(one: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Give what the page shows of a condition."""
    if one is None:
        return None
    return {
        "status": one["status"],
        "reason": one.get("reason", ""),
        "message": one.get("message", ""),
        "since": one.get("lastTransitionTime"),
    }


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    measured = {one["name"]: one["value"] for one in cell.get("measurements", ())}
    shown = next((name for name in _FIGURES if name in measured), None)
    return present(
        source=cell["source"],
        destination=cell.get("destination"),
        protocol=cell.get("protocol"),
        state=words.known(cell.get("state")),
        reason=cell.get("reason"),
        since=cell.get("since"),
        figure=words.figure(shown, measured[shown]) if shown else None,
    )


def _blamed(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    return present(
        name=endpoint["name"],
        role=endpoint.get("role", "both"),
        state=words.known(endpoint.get("state")),
        reason=endpoint.get("reason"),
        since=endpoint.get("since"),
    )


def _facts(body: Body, kind: str, states: list[str]) -> dict[str, Any]:
    metadata, spec, status = body["metadata"], body["spec"], body.get("status", {})
    last = status.get("lastRun") or {}
    return present(
        namespace=metadata["namespace"],
        name=metadata["name"],
        type=kind,
        state=words.known(status.get("state", "notrun")),
        counts={state: number for state in words.STATES if (number := states.count(state))},
        schedule=spec.get("schedule") or (f"every {spec['interval']}" if "interval" in spec else None),
        interval=status.get("interval"),
        pairInterval=status.get("pairInterval"),
        lastRun=last.get("completionTime") or last.get("startTime"),
        lastResult=last.get("result"),
        freshUntil=_fresh_until(spec, status),
        suspended=True if spec.get("suspend") else None,
        ready=told(condition(body, "Ready")),
        healthy=told(condition(body, "Healthy")),
    )


def _fresh_until(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str | None:
    """Give the time from which on the last run is too old to be believed, as far as it can be told."""
    try:
        ended = parse_time(status["lastRun"]["completionTime"])
        age = spec.get("policy", {}).get("staleAfter")
        return (ended + (parse_duration(age) if age else STALE_GAPS * parse_duration(status["interval"]))).isoformat()
    except (KeyError, ValueError, OverflowError):
        return None


def _central(body: Body) -> dict[str, Any] | None:
    healthy = condition(body, "Healthy")
    return told(healthy) if healthy is not None and healthy.get("reason") == "CentralFault" else None


def present(**fields: Any) -> dict[str, Any]:
    """Give the fields that have a value: what is absent is left out of the JSON."""
    return {name: value for name, value in fields.items() if value is not None}


def blamed_as(probe: Probe, *roles: str) -> Iterator[Mapping[str, Any]]:
    """Give the endpoints of a probe that are blamed in one of these roles."""
    return (endpoint for endpoint in probe.blamed if endpoint["role"] in roles)
