"""A proxy in front of a real API server that injects faults.

Clients speak plain HTTP to a loopback port of their own, so that one can be cut off alone; the proxy speaks to the API
server as the user of its `Endpoint`. What it does to which request is said by `Rule`s (see `calls`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from tests.support import kubeconfig
from tests.support.calls import Action, Answer, Call, Delay, Drop, GoneEvent, Kill, Rule, Silence, parse

HOP_HEADERS = frozenset({"connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
"""Headers that belong to one connection (RFC 9110, section 7.6.1), and the host."""
REASONS = {
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}
"""`reason` of a Status by its code (k8s.io/apimachinery, meta/v1/types.go)."""


@dataclass(frozen=True)
class Done:
    """A request that went through, as the client may have seen it."""

    call: Call
    code: int
    started: float
    ended: float


@dataclass(eq=False)
class Stream:
    """An open watch."""

    call: Call
    transport: asyncio.Transport | None
    silent: bool = False


@dataclass(eq=False)
class Client:
    """One listener of the proxy, and the process behind it."""

    name: str
    url: str
    kill: Callable[[], None] | None = None
    """Kills the process and returns when it is gone; for `Kill` rules."""
    refused: bool = False
    hanging: bool = False
    transports: set[asyncio.Transport] = field(default_factory=set)

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that leads to this listener."""
        return kubeconfig.write(path, self.url)


class Proxy:
    """The proxy; an async context manager."""

    def __init__(self, upstream: kubeconfig.Endpoint) -> None:
        self.upstream = upstream
        self.rules: list[Rule] = []
        self.done: list[Done] = []
        self.streams: set[Stream] = set()
        self.clients: dict[str, Client] = {}
        self._runners: list[web.AppRunner] = []
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients.values():
            self.cut(client)
        for runner in self._runners:
            await runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def listen(self, name: str = "operator") -> Client:
        """Open a listener on a free loopback port."""
        client = Client(name, url="")

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(client, request)

        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        client.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.clients[name] = client
        return client

    def add(self, action: Action, **match: object) -> Rule:
        """Add a rule (the keywords are `Rule`'s fields); rules are tried in order, the first that claims wins."""
        rule = Rule(action, **match)  # type: ignore[arg-type]
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget all rules and mend every cut."""
        self.rules.clear()
        for client in self.clients.values():
            self.mend(client)

    def cut(self, client: Client, *, hang: bool = False) -> None:
        """Close the client's connections and answer nothing from now on; `hang`: leave it waiting instead."""
        client.hanging, client.refused = hang, not hang
        if hang:
            for stream in self._of(client):
                stream.silent = True
            return
        for transport in client.transports:
            transport.abort()

    def mend(self, client: Client) -> None:
        """End a cut; what hangs goes on hanging until the client gives up, as with a lost route."""
        client.hanging = client.refused = False

    def silence(self, resource: str = "") -> int:
        """Stop forwarding on open watches without closing them; return how many there were."""
        streams = [stream for stream in self.streams if resource in ("", stream.call.resource)]
        for stream in streams:
            stream.silent = True
        return len(streams)

    def drop_watches(self, resource: str = "") -> int:
        """Close the connections of open watches; return how many there were."""
        streams = [stream for stream in self.streams if resource in ("", stream.call.resource)]
        for stream in streams:
            if stream.transport is not None:
                stream.transport.abort()
        return len(streams)

    def writes(self, client: str = "") -> list[Done]:
        """Return the counted writes that the API server answered, oldest first."""
        return [done for done in self.done if done.call.is_write and client in ("", done.call.client)]

    def _of(self, client: Client) -> list[Stream]:
        return [stream for stream in self.streams if stream.call.client == client.name]

    async def _handle(self, client: Client, request: web.Request) -> web.StreamResponse:
        call = parse(client.name, request.method, request.raw_path)
        if client.refused:
            return _abort(request)
        if client.hanging:
            await asyncio.Event().wait()
        async with _remembered(client, request):
            action = next((rule.action for rule in self.rules if rule.claims(call)), None)
            match action:
                case Delay(seconds):
                    await asyncio.sleep(seconds)
                case Drop(answered=False):
                    return _abort(request)
                case Kill(after=False):
                    _kill(client)
                    return _abort(request)
                case Answer():
                    return _status(action)
                case GoneEvent():
                    return await _gone(request)
            return await self._forward(client, call, request, action)

    async def _forward(
        self, client: Client, call: Call, request: web.Request, action: Action | None
    ) -> web.StreamResponse:
        assert self._session is not None
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_HEADERS]
        started = time.monotonic()
        try:
            async with self._session.request(
                request.method,
                URL(self.upstream.url + request.raw_path, encoded=True),
                headers=[*headers, *self.upstream.headers.items()],
                data=await request.read() or None,
                ssl=self.upstream.tls or True,
                allow_redirects=False,
                skip_auto_headers=("Accept-Encoding", "Content-Type", "User-Agent"),
            ) as answer:
                if call.verb == "watch" and answer.status == 200:
                    return await self._stream(call, request, answer, silent=isinstance(action, Silence))
                body = await answer.read()
        except aiohttp.ClientError:
            return _abort(request)
        self.done.append(Done(call, answer.status, started, time.monotonic()))
        if isinstance(action, Kill):
            _kill(client)
        if isinstance(action, Kill | Drop) or client.refused:
            return _abort(request)
        if client.hanging:
            await asyncio.Event().wait()
        return web.Response(status=answer.status, body=body, headers=_kept(answer))

    async def _stream(
        self, call: Call, request: web.Request, answer: aiohttp.ClientResponse, *, silent: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=_kept(answer))
        await response.prepare(request)
        stream = Stream(call, request.transport, silent)
        self.streams.add(stream)
        try:
            async for chunk in answer.content.iter_any():
                if not stream.silent:
                    await response.write(chunk)
            if stream.silent:
                await asyncio.Event().wait()
            await response.write_eof()
        except (aiohttp.ClientError, ConnectionError):
            return _abort(request)
        finally:
            self.streams.discard(stream)
        return response


@asynccontextmanager
async def _remembered(client: Client, request: web.Request) -> AsyncIterator[None]:
    """Keep the connection in reach of `cut` while a request is on it."""
    transport = request.transport
    if transport is not None:
        client.transports.add(transport)
    try:
        yield
    finally:
        if transport is not None:
            client.transports.discard(transport)


def _kill(client: Client) -> None:
    assert client.kill is not None, f"a Kill rule needs the process of {client.name}"
    client.kill()


def _kept(answer: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    dropped = HOP_HEADERS | {"content-length"}
    return [(name, value) for name, value in answer.headers.items() if name.lower() not in dropped]


def _abort(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)  # never seen: the connection is gone


def _status(answer: Answer) -> web.Response:
    reason = answer.reason or REASONS.get(answer.status, "")
    body: dict[str, object] = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": answer.status,
        "reason": reason,
        "message": answer.message,
    }
    headers = {}
    if answer.retry_after is not None:
        body["details"] = {"retryAfterSeconds": answer.retry_after}
        headers["Retry-After"] = str(answer.retry_after)
    return web.json_response(body, status=answer.status, headers=headers)


async def _gone(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    status = '{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410,"message":"too old"}'
    await response.write(f'{{"type":"ERROR","object":{status}}}\n'.encode())
    await response.write_eof()
    return response
