"""The cache's exporter as the operator sees it: `GET /state` at the pod's address."""

import json
import secrets
from types import TracebackType
from typing import Any, Self

from aiohttp import web

PORT = 9931


class Exporter:
    """Answers on a loopback address of its own, so that several can live side by side; an async context manager.

    Attributes:
        address: what a pod has to have as its IP address.
        state: what is answered; may be changed at any time.
        text: what is answered instead of it, where set.
        status: HTTP status of the answer.
        asked: how often the operator asked.
    """

    def __init__(self) -> None:
        self.address = f"127.{1 + secrets.randbelow(250)}.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"
        self.text: str | None = None
        self.status = 200
        self.asked = 0
        self.state: dict[str, Any] = {
            "version": 1,
            "xrootd": {"version": "v5.8.1", "startTime": "2026-01-01T00:00:00Z"},
            "draining": False,
            "openFiles": 0,
            "cache": {"usedBytes": 0, "files": 0},
            "disks": [{"space": "data", "name": "d0", "capacityBytes": 10 * 2**30, "usedBytes": 0}],
            "hour": {"servedBytes": 0, "originBytes": 0, "hitPercent": None},
            "origin": {"opens": 0, "openErrors": 0, "lastSuccessTime": None, "lastErrorTime": None},
            "stream": {"packets": 1, "lost": 0, "lastReceivedTime": "2026-01-01T00:00:00Z"},
        }

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/state", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.address, PORT).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response(text=json.dumps(self.state) if self.text is None else self.text, status=self.status)
