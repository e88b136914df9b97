"""One small HTTP server per process."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from datalake_operator.metrics import Metrics
from datalake_operator.web.api import routes
from datalake_operator.web.bodies import NOTHING, Bodies
from datalake_operator.web.model import Model


@dataclass(frozen=True)
class Health:
    """What is wrong right now: each function gives one line for each fault, nothing where all is well."""

    alive: Callable[[], Iterable[str]]
    """Faults that only a restart mends; an API server that cannot be reached is none of them."""
    ready: Callable[[], Iterable[str]]
    """What is still to come before this process can take over."""


@asynccontextmanager
async def serve(
    host: str, port: int, health: Health, metrics: Metrics, bodies: Bodies = NOTHING
) -> AsyncIterator[None]:
    """Serve /healthz, /readyz, /metrics, the page and its JSON while the context is open.

    Raises:
        OSError: the address is taken.
    """

    async def healthz(_: web.Request) -> web.Response:
        return _verdict(health.alive())

    async def readyz(_: web.Request) -> web.Response:
        return _verdict(health.ready())

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", exposition)])
    app.add_routes(routes(Model(bodies), health.ready))
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


def _verdict(faults: Iterable[str]) -> web.Response:
    lines = list(faults)
    return web.Response(text="\n".join(lines or ["ok"]) + "\n", status=503 if lines else 200)
