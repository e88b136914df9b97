"""How a Rucio is asked: one login for many questions, and no secret in any word."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from datalake_operator.observe.rucio import Rucio
from datalake_operator.status.rucio.target import Target

PASSWORD = "correct-horse-battery"  # noqa: S105 - to be found nowhere
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATE = "%a, %d %b %Y %H:%M:%S UTC"
HEALTH = {"state": "current", "revision": "r", "head": "r", "message": "", "version": "41.5.1"}


class Server:
    """What Rucio answers, and what it was asked."""

    def __init__(self) -> None:
        self.health: Any = HEALTH
        self.ready = 200
        self.password = PASSWORD
        self.life = timedelta(hours=1)
        self.login_status = 200
        self.rows: Any = []
        self.list_status = 200
        self.tokens: set[str] = set()
        self.asked: list[str] = []

    async def answer_health(self, _request: web.Request) -> web.Response:
        return web.json_response(self.health, status=self.ready)

    async def log_in(self, request: web.Request) -> web.Response:
        self.asked.append("login")
        assert request.headers["X-Rucio-Account"] == "root"
        if self.login_status != 200:
            return web.Response(status=self.login_status, headers={"Location": "/elsewhere"})
        if request.headers["X-Rucio-Password"] != self.password:
            return web.Response(status=401)
        token = f"token-{len(self.asked)}"
        self.tokens.add(token)
        ends = (NOW + self.life).strftime(DATE)
        return web.Response(headers={"X-Rucio-Auth-Token": token, "X-Rucio-Auth-Token-Expires": ends})

    async def list(self, request: web.Request) -> web.Response:
        self.asked.append("list")
        if request.headers["X-Rucio-Auth-Token"] not in self.tokens:
            return web.Response(status=401)
        return web.json_response(self.rows, status=self.list_status)


class World:
    """A server, whoever asks it, and a clock."""

    def __init__(self, server: Server, url: str, session: aiohttp.ClientSession) -> None:
        self.server, self.url, self.session = server, url, session
        self.now = 0.0
        self.rucio = Rucio(lambda: self.now, lambda: NOW.timestamp() + self.now)

    async def ask(self, password: str = PASSWORD) -> dict[str, Any]:
        data, error = await self.rucio.ask(self.session, Target(self.url, self.url, "root", password))
        assert PASSWORD not in f"{data}{error}"
        assert error is None
        return dict(data or {})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    server, app = Server(), web.Application()
    app.router.add_get("/_health/ready", server.answer_health)
    app.router.add_get("/auth/userpass", server.log_in)
    app.router.add_get("/heartbeats", server.list)
    async with TestServer(app) as running, aiohttp.ClientSession() as session:
        yield World(server, str(running.make_url("")).rstrip("/"), session)


def row(executable: Any, host: Any, at: Any) -> dict[str, Any]:
    return {"readable": executable, "hostname": host, "updated_at": at, "pid": 1, "payload": None}


async def test_everything_is_asked_and_told(world: World) -> None:
    world.server.rows = [row("reaper", "x-reaper-1", NOW.strftime(DATE))]
    data = await world.ask()
    assert data["health"] == HEALTH
    assert data["login"] == "ok"
    assert data["heartbeats"] == [
        {"executable": "reaper", "hostname": "x-reaper-1", "updatedAt": "2026-01-01T00:00:00Z"}
    ]
    assert data["latencySeconds"].keys() == {"health", "login", "heartbeats"}


async def test_a_token_is_used_until_shortly_before_its_end(world: World) -> None:
    for now in (0, 10, 3000, 3530):
        world.now = now
        assert (await world.ask())["login"] == "ok"
    assert world.server.asked.count("login") == 1
    world.now = 3545
    await world.ask()
    assert world.server.asked.count("login") == 2


async def test_a_token_that_the_server_forgot_is_replaced_at_once(world: World) -> None:
    await world.ask()
    world.server.tokens.clear()
    data = await world.ask()
    assert (data["login"], data["heartbeats"]) == ("ok", [])
    assert world.server.asked == ["login", "list", "list", "login", "list"]


async def test_a_refused_login_is_tried_again_once_a_minute_or_with_new_credentials(world: World) -> None:
    world.server.password = "another"  # noqa: S105 - of nothing real
    for _ in range(3):
        data = await world.ask()
        assert (data["login"], "heartbeats" in data) == ("refused", False)
    assert world.server.asked == ["login"]
    assert (await world.ask("another"))["login"] == "ok"
    world.server.password = PASSWORD
    await world.ask()
    world.server.password = "third"  # noqa: S105 - of nothing real
    world.now += 61
    world.server.tokens.clear()
    assert (await world.ask())["login"] == "refused"


@pytest.mark.parametrize("status", [302, 500, 404])
async def test_a_login_that_fails_otherwise_is_tried_each_time(status: int, world: World) -> None:
    world.server.login_status = status
    for _ in range(2):
        data = await world.ask()
        assert data["login"] == "failed"
        assert str(status) in data["loginError"]
    assert world.server.asked == ["login", "login"]


async def test_a_server_that_is_not_ready_is_not_logged_in_to(world: World) -> None:
    world.server.ready, world.server.health = 503, {"state": "unreachable"}
    data = await world.ask()
    assert data["health"] == {"state": "unreachable"}
    assert data["login"] == "failed"
    assert not world.server.asked


async def test_a_password_that_no_header_can_carry_is_told_without_it(world: World) -> None:
    data = await world.ask(f"{PASSWORD}\nX-Other: 1")
    assert (data["login"], data["loginError"]) == ("failed", "ValueError")


@pytest.mark.parametrize("health", [[], "x", 7])
async def test_a_health_that_makes_no_sense_is_an_error_in_words(health: Any, world: World) -> None:
    world.server.health = health
    data, error = await world.rucio.ask(world.session, Target(world.url, world.url, "root", PASSWORD))
    assert data is None
    assert error == "HTTP 200 from the health port, and no health"


async def test_the_newest_heartbeat_of_each_pod_is_kept_and_nonsense_left_out(world: World) -> None:
    def at(minute: int) -> str:
        return (NOW + timedelta(minutes=minute)).strftime(DATE)

    world.server.rows = [
        row("reaper", "a", at(1)),
        row("reaper", "a", at(3)),
        row("reaper", "a", at(2)),
        row("minos", "a", at(0)),
        row(None, "a", at(0)),
        row("reaper", 7, at(0)),
        row("reaper", "a", "yesterday"),
        row("reaper", "a", None),
        {},
        "text",
    ]
    data = await world.ask()
    assert [(one["executable"], one["updatedAt"]) for one in data["heartbeats"]] == [
        ("minos", "2026-01-01T00:00:00Z"),
        ("reaper", "2026-01-01T00:03:00Z"),
    ]


@pytest.mark.parametrize("answer", [{}, "x"])
async def test_without_a_list_there_are_no_heartbeats(answer: Any, world: World) -> None:
    world.server.rows = answer
    data = await world.ask()
    assert (data["login"], "heartbeats" in data) == ("ok", False)
    world.server.list_status = 500
    assert "heartbeats" not in await world.ask()


def test_a_target_does_not_show_its_password() -> None:
    assert PASSWORD not in repr(Target("http://a", "http://b", "root", PASSWORD))
