"""Routes of the page and of `/api/v1/`: GET only, nothing is changed by any of them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from datalake_operator.web import openapi, page
from datalake_operator.web.commands import Check
from datalake_operator.web.model import CACHES, PROBES, SERVERS, Document, Model, document

_HEADERS = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer: asked again each time, told to nobody, and taken for what it is."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


Answer = Callable[[Model, web.Request], web.Response]


def routes(model: Model, starting: Callable[[], Iterable[str]]) -> list[web.RouteDef]:
    """Give the routes.

    Args:
        model: what is known.
        starting: what is still to come before all is known: while there is something, answers are incomplete (503).
    """

    def whole(answer: Answer) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            missing = list(starting())
            return _problem(503, "The operator is starting.", missing=missing) if missing else answer(model, request)

        return handler

    async def description(request: web.Request) -> web.StreamResponse:
        return _json(request, document(openapi.DOCUMENT))

    async def html(_: web.Request) -> web.StreamResponse:
        missing = list(starting())
        if missing:
            return _html(page.waiting(missing), 503)
        known = model.overview()
        return _html(page.page(known.plain, known.tag, datetime.now(UTC)))

    return [
        web.get("/", html),
        web.get("/api/v1/openapi.json", description),
        *(web.get(path, whole(answer)) for path, answer in _ANSWERS.items()),
    ]


def _overview(model: Model, request: web.Request) -> web.Response:
    return _json(request, model.overview())


def _probe(model: Model, request: web.Request) -> web.Response:
    found = model.probe(request.match_info["namespace"], request.match_info["name"])
    return _json(request, document(found)) if found else _problem(404, "There is no such QoSProbe.")


def _details(model: Model, request: web.Request) -> web.Response:
    asked = request.query
    if not asked.get("namespace") or not asked.get("source"):
        return _problem(400, "The parameters namespace and source are needed.")
    check = Check(asked["source"], asked.get("destination") or None)
    found = model.details(asked["namespace"], check)
    return _json(request, document(found)) if found else _problem(404, "No probe measures that.")


def _items(kind: str) -> Answer:
    return lambda model, request: _json(request, document({"items": model.items(kind)}))


_ANSWERS: Mapping[str, Answer] = {
    "/api/v1/overview": _overview,
    "/api/v1/probes": _items(PROBES),
    "/api/v1/probes/{namespace}/{name}": _probe,
    "/api/v1/details": _details,
    "/api/v1/caches": _items(CACHES),
    "/api/v1/servers": _items(SERVERS),
}


def _html(text: str, status: int = 200) -> web.Response:
    answer = web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={**_HEADERS, "Content-Security-Policy": page.policy()},
    )
    answer.enable_compression()
    return answer


def _json(request: web.Request, found: Document) -> web.Response:
    headers = {**_HEADERS, "ETag": found.tag, "Vary": "Accept-Encoding"}
    if found.tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=found.packed, content_type="application/json", headers=headers)
    return web.Response(body=found.plain, content_type="application/json", headers=headers)


def _problem(status: int, message: str, **more: Any) -> web.Response:
    found = document({"error": message, **more})
    return web.Response(body=found.plain, status=status, content_type="application/json", headers=_HEADERS)
