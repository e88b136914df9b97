"""The operands' own words."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from datalake_operator.observe import Poller

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Operand:
    """Answers what it is told to, and counts the questions."""

    def __init__(self) -> None:
        self.answer: Any = {"draining": False}
        self.asked = asyncio.Semaphore(0)

    async def is_asked(self, times: int) -> None:
        """Wait until it was asked so often from now on."""
        self.asked = asyncio.Semaphore(0)
        for _ in range(times):
            await asyncio.wait_for(self.asked.acquire(), 2)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.release()
        if isinstance(self.answer, list) and all(isinstance(part, bytes) for part in self.answer):
            return await self._in_parts(request, self.answer)
        if isinstance(self.answer, web.Response):
            return web.Response(status=self.answer.status, text=self.answer.text)
        return web.json_response(self.answer)

    async def _in_parts(self, request: web.Request, parts: list[bytes]) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in parts:
            await response.write(part)
            await asyncio.sleep(0.01)
        return response


@pytest.fixture
def operand() -> Operand:
    return Operand()


@pytest.fixture
async def url(operand: Operand) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/state", operand.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/state"))


class Changes:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    async def next(self) -> str:
        return await asyncio.wait_for(self.queue.get(), 2)


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
async def poller(changes: Changes) -> AsyncIterator[Poller[str]]:
    def accept(_: str, data: Mapping[str, Any]) -> object:
        if not isinstance(data.get("draining"), bool):
            raise ValueError  # noqa: TRY004 - what a poller is told
        return data["draining"]

    poller = Poller(changes.queue.put_nowait, accept, lambda: NOW, interval=0.01)
    yield poller
    await poller.close()


async def test_the_first_answer_is_news(poller: Poller[str], changes: Changes, url: str) -> None:
    poller.watch("a", url)
    assert await changes.next() == "a"
    observation = poller.get("a")
    assert observation is not None
    assert (observation.data, observation.error, observation.time) == ({"draining": False}, None, NOW)


async def test_only_a_notable_change_is_news_but_the_newest_answer_is_kept(
    poller: Poller[str], changes: Changes, url: str, operand: Operand
) -> None:
    poller.watch("a", url)
    await changes.next()
    operand.answer = {"draining": False, "packets": 7}
    await operand.is_asked(3)
    assert changes.queue.empty()
    observation = poller.get("a")
    assert observation is not None
    assert observation.data == operand.answer
    operand.answer = {"draining": True}
    assert await changes.next() == "a"


async def test_a_failure_keeps_the_last_good_answer_and_is_told_once(
    poller: Poller[str], changes: Changes, url: str, operand: Operand
) -> None:
    poller.watch("a", url)
    await changes.next()
    operand.answer = web.Response(status=500)
    assert await changes.next() == "a"
    observation = poller.get("a")
    assert observation is not None
    assert (observation.error, observation.data) == ("HTTP 500", {"draining": False})
    await operand.is_asked(3)
    assert changes.queue.empty()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (web.Response(text="{"), "the answer is no JSON"),
        (web.Response(text="[" * 100_000), "the answer is no JSON"),
        ([1], "the answer is no JSON object"),
        ({"draining": "perhaps"}, "the answer makes no sense"),
        ({"draining": True, "filling": "x" * 300_000}, "the answer is too long"),
        (web.Response(status=302), "HTTP 302"),
    ],
)
async def test_a_strange_answer_is_an_error_in_words(
    poller: Poller[str], changes: Changes, url: str, operand: Operand, answer: Any, error: str
) -> None:
    operand.answer = answer
    poller.watch("a", url)
    await changes.next()
    observation = poller.get("a")
    assert observation is not None
    assert (observation.error, observation.data) == (error, None)
    operand.answer = {"draining": False}
    await changes.next()
    observation = poller.get("a")
    assert observation is not None
    assert (observation.error, observation.data) == (None, operand.answer)


async def test_an_answer_in_several_packets_is_read_to_its_end(
    poller: Poller[str], changes: Changes, url: str, operand: Operand
) -> None:
    operand.answer = [b'{"draini', b'ng": true', b"}"]
    poller.watch("a", url)
    await changes.next()
    observation = poller.get("a")
    assert observation is not None
    assert (observation.data, observation.error) == ({"draining": True}, None)


async def test_an_operand_that_is_not_there_is_an_error_in_words(poller: Poller[str], changes: Changes) -> None:
    poller.watch("a", "http://127.0.0.1:1/state")
    await changes.next()
    observation = poller.get("a")
    assert observation is not None
    assert observation.error == "ClientConnectorError"


async def test_what_is_no_longer_watched_is_forgotten(poller: Poller[str], changes: Changes, url: str) -> None:
    poller.watch("a", url)
    await changes.next()
    poller.watch("a", None)
    poller.watch("a", None)
    assert poller.get("a") is None
