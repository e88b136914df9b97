import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests.support.kubeconfig import Endpoint
from tests.support.proxy import Client, Proxy


class Upstream:
    """A server that remembers requests, answers what it was asked, and streams events on watches."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str]] = []
        self.events: asyncio.Queue[str] = asyncio.Queue()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs, request.headers.get("Impersonate-User", "")))
        if "watch" not in request.query:
            return web.json_response({"path": request.path_qs, "body": await request.text()})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write((json.dumps(await self.events.get()) + "\n").encode())


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    server = Upstream()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def proxy(upstream: Upstream) -> AsyncIterator[Proxy]:
    async with Proxy(Endpoint(upstream.url).acting_as("tester", "testers")) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: Proxy) -> Client:
    return await proxy.listen()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session
