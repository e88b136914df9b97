"""The OpenAPI document of `/api/v1/`."""

from typing import Any

from datalake_operator import __version__
from datalake_operator.web import words

_TIME = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_STATE = {"type": "string", "enum": list(words.STATES)}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_CONDITION = _object("status reason message since", type=_TEXT, status=_TEXT, reason=_TEXT, message=_TEXT, since=_TIME)

_PART = {"probe": _TEXT, "protocol": _TEXT, "state": _STATE, "reason": _TEXT, "since": _TIME, "figure": _TEXT}
_OPERAND = {
    "namespace": _TEXT,
    "name": _TEXT,
    "state": _STATE,
    "word": {"type": "string", "description": "The state in words."},
    "reason": _TEXT,
    "message": _TEXT,
    "since": _TIME,
    "version": _TEXT,
    "endpoints": _list(_TEXT),
    "conditions": _list(_ref("Condition")),
}

_SCHEMAS: dict[str, Any] = {
    "State": {**_STATE, "description": "How something is, worst first."},
    "Counts": {"type": "object", "additionalProperties": _COUNT, "description": "Number of checks by state."},
    "Condition": {**_CONDITION, "required": ["status", "reason", "message"]},
    "Part": {**_object("probe state", **_PART), "description": "What one probe says of a cell for one protocol."},
    "Header": {
        **_object("name", name=_TEXT, site=_TEXT, state=_STATE, reason=_TEXT, since=_TIME, role=_TEXT),
        "description": "An endpoint; with state where it is blamed.",
    },
    "Grid": _object(
        "namespace rows columns cells",
        namespace=_TEXT,
        rows=_list(_ref("Header")),
        columns=_list(_ref("Header")),
        cells=_list(_object("row column parts", row=_COUNT, column=_COUNT, parts=_list(_ref("Part")))),
    ),
    "Targets": _object(
        "group rows",
        group=_TEXT,
        rows=_list(_object("namespace name parts", namespace=_TEXT, name=_TEXT, site=_TEXT, parts=_list(_ref("Part")))),
    ),
    "Problem": _object(
        "kind state namespace subject protocols",
        kind={"type": "string", "enum": ["central", "endpoint", "server", "cache", "link", "target", "probe"]},
        state=_STATE,
        namespace=_TEXT,
        subject=_TEXT,
        phrase={"type": "string", "description": "Goes on from the subject: 'refuses connections'."},
        reason=_TEXT,
        message=_TEXT,
        since=_TIME,
        probe=_TEXT,
        protocols=_list(_TEXT),
        source=_TEXT,
        destination=_TEXT,
        site=_TEXT,
    ),
    "Cache": _object(
        "namespace name state word conditions",
        **_OPERAND,
        used=_TEXT,
        usedPercent=_COUNT,
        files=_COUNT,
        byteHitPercent=_COUNT,
        measured=_TIME,
    ),
    "Server": _object(
        "namespace name state word conditions", **_OPERAND, schema=_TEXT, daemons=_TEXT, lastBackup=_TIME
    ),
    "Probe": _object(
        "namespace name type state counts",
        namespace=_TEXT,
        name=_TEXT,
        type=_TEXT,
        state=_STATE,
        counts=_ref("Counts"),
        schedule=_TEXT,
        interval={"type": "string", "description": "Longest time between two runs."},
        pairInterval={"type": "string", "description": "Time between two runs of a pair, where pairs take turns."},
        lastRun=_TIME,
        lastResult=_TEXT,
        freshUntil={**_TIME, "description": "From when on the last run is too old to be believed."},
        suspended={"type": "boolean"},
        ready=_ref("Condition"),
        healthy=_ref("Condition"),
    ),
    "WholeProbe": {
        "allOf": [
            _ref("Probe"),
            _object(
                "endpoints cells",
                endpoints={**_list(_ref("Header")), "description": "Endpoints that are not ok."},
                cells=_list(_object("source state", source=_TEXT, destination=_TEXT, **_PART)),
            ),
        ]
    },
    "Details": _object(
        "source blamed parts",
        source=_TEXT,
        destination=_TEXT,
        site=_TEXT,
        destinationSite=_TEXT,
        blamed=_list(
            _object(
                "probe name role state words",
                probe=_TEXT,
                name=_TEXT,
                role=_TEXT,
                state=_STATE,
                reason=_TEXT,
                words=_TEXT,
                since=_TIME,
            )
        ),
        links={"type": "object", "additionalProperties": _ref("Counts")},
        parts=_list(
            _object(
                "probe type state words runs measurements rules planned commands",
                **_PART,
                type=_TEXT,
                words={"type": "string", "description": "The reason in words."},
                advice=_TEXT,
                runs=_list(_object("state word", state=_STATE, word=_TEXT, why=_TEXT, time=_TIME)),
                measurements=_list(_object("name value", name=_TEXT, value=_TEXT)),
                rules=_list(_TEXT),
                planned=_list(_object("name to", name=_TEXT, to=_TIME, reason=_TEXT)),
                commands=_list(_object("title lines", title=_TEXT, lines=_list(_TEXT))),
            )
        ),
    ),
    "Overview": _object(
        "headline counts problems grids targets caches servers probes reasons",
        headline=_object(
            "state text parts", state=_STATE, text=_TEXT, parts=_list(_object("", text=_TEXT, time=_TIME))
        ),
        counts=_ref("Counts"),
        problems=_list(_ref("Problem")),
        grids=_list(_ref("Grid")),
        targets=_list(_ref("Targets")),
        caches=_list(_ref("Cache")),
        servers=_list(_ref("Server")),
        probes=_list(_ref("Probe")),
        reasons={"type": "object", "additionalProperties": _TEXT, "description": "Each reason in words."},
    ),
    "Error": _object("error", error=_TEXT, missing=_list(_TEXT)),
}


def _get(summary: str, schema: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    def answer(description: str, found: dict[str, Any]) -> dict[str, Any]:
        return {"description": description, "content": {"application/json": {"schema": found}}}

    answers = {
        "200": answer(summary, schema),
        "304": {"description": "Nothing changed since the ETag in If-None-Match."},
        "503": answer("The operator is starting and does not know everything yet.", _ref("Error")),
    }
    if parameters:
        answers["404"] = answer("There is no such thing.", _ref("Error"))
    if any(one["in"] == "query" for one in parameters):
        answers["400"] = answer("A parameter is missing.", _ref("Error"))
    return {"get": {"summary": summary, "parameters": list(parameters), "responses": answers}}


def _parameter(name: str, place: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": _TEXT}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Data lake",
        "version": __version__,
        "description": "What the operator knows of probes, caches and Rucio servers. Read-only; nothing secret.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    },
    "servers": [{"url": "../../"}],
    "paths": {
        "/api/v1/overview": _get("Everything that the page draws.", _ref("Overview")),
        "/api/v1/probes": _get("All probes.", _object("items", items=_list(_ref("Probe")))),
        "/api/v1/probes/{namespace}/{name}": _get(
            "One probe with its cells.", _ref("WholeProbe"), _parameter("namespace", "path"), _parameter("name", "path")
        ),
        "/api/v1/details": _get(
            "All about a link, or without destination about an endpoint or single target.",
            _ref("Details"),
            _parameter("namespace", "query"),
            _parameter("source", "query"),
            _parameter("destination", "query", required=False),
        ),
        "/api/v1/caches": _get("All caches.", _object("items", items=_list(_ref("Cache")))),
        "/api/v1/servers": _get("All Rucio servers.", _object("items", items=_list(_ref("Server")))),
    },
    "components": {"schemas": _SCHEMAS},
}
"""The document, OpenAPI 3.1."""
