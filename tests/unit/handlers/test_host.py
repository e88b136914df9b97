import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from datalake_operator.handlers import host as host_module
from datalake_operator.handlers.host import Host
from datalake_operator.kube import config as config_module
from datalake_operator.kube.backoff import Backoff
from datalake_operator.kube.resource import CUSTOM_RESOURCES, RUCIO_SERVERS, XCACHE_NODES, Resource
from datalake_operator.kube.session import Api
from datalake_operator.kube.store import Store
from tests.support.waiting import eventually, stays
from tests.unit.kube.fake import FakeServer, connected


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "Backoff", lambda first=0.01, limit=0.05: Backoff(min(first, 0.01), 0.05))  # noqa: ARG005
    monkeypatch.setattr(host_module, "_LEAST_PAUSE", 0.01)
    monkeypatch.setattr(config_module, "_RELOAD_PAUSE", 0.0)


@dataclass
class Running:
    """A host that watches a fake server."""

    api: Api
    host: Host
    stores: dict[Resource, Store]
    started: list[float] = field(default_factory=list)

    def names(self) -> set[str]:
        return {name for _, name in self.stores[XCACHE_NODES].keys()}  # noqa: SIM118 - a store is no dict


@asynccontextmanager
async def hosting(server: FakeServer) -> AsyncIterator[Running]:
    stores = {resource: Store(resource) for resource in CUSTOM_RESOURCES}
    stop = asyncio.Event()
    started: list[float] = []
    async with connected(server) as api:
        loop = asyncio.get_running_loop()
        host = Host(api, stores, ["ns"], on_started=lambda: started.append(loop.time()))
        task = asyncio.ensure_future(host.run(stop))
        try:
            yield Running(api, host, stores, started)
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)


def watching(server: FakeServer) -> Callable[[], bool]:
    return lambda: len({stream.resource for stream in server.streams}) == len(CUSTOM_RESOURCES)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


async def test_it_is_synced_when_all_that_exists_has_come(server: FakeServer) -> None:
    server.page = 3
    for number in range(10):
        await server.put(XCACHE_NODES, f"x{number}")
    async with hosting(server) as running:
        await asyncio.wait_for(running.host.synced.wait(), 10)
        assert len(running.names()) == 10
        assert len(running.started) == 1


async def test_bodies_come_as_they_change_and_go(server: FakeServer) -> None:
    async with hosting(server) as running:
        await eventually(watching(server))
        assert running.host.synced.is_set()
        await server.put(XCACHE_NODES, "x", spec={"site": "a"})
        await eventually(lambda: running.names() == {"x"})
        await server.put(XCACHE_NODES, "x", spec={"site": "b"})
        await eventually(lambda: running.stores[XCACHE_NODES].get("ns", "x")["spec"] == {"site": "b"})  # type: ignore[index]
        await server.remove(XCACHE_NODES, "x")
        await eventually(lambda: not running.names())
        assert running.host.restarts == 0


async def test_the_only_one_that_vanished_while_the_watch_was_down_is_forgotten(server: FakeServer) -> None:
    await server.put(XCACHE_NODES, "x")
    async with hosting(server) as running:
        await eventually(watching(server))
        await eventually(lambda: running.names() == {"x"})
        await server.cut()
        await server.remove(XCACHE_NODES, "x")
        server.forget()
        await eventually(lambda: not running.names())
        assert running.host.restarts >= 1


async def test_one_that_is_deleted_on_the_way_does_not_hold_up_the_sync(server: FakeServer) -> None:
    await server.put(XCACHE_NODES, "x")
    await server.put(XCACHE_NODES, "y")
    server.silent = True

    def delete_after_first_list(verb: str, resource: object) -> None:
        if verb == "watch" and resource == XCACHE_NODES:
            server.silent = False

    async with hosting(server) as running:
        await eventually(lambda: running.names() == {"x", "y"})
        server.before = delete_after_first_list
        await server.remove(XCACHE_NODES, "x")
        await server.cut()
        await eventually(lambda: running.names() == {"y"})
        assert running.host.synced.is_set()


async def test_kinds_that_are_missing_at_the_start_are_awaited_with_one_line(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "datalake_operator")
    server.served -= {XCACHE_NODES, RUCIO_SERVERS}
    async with hosting(server) as running:
        await stays(lambda: not running.host.synced.is_set(), 0.5)
        server.served |= {XCACHE_NODES, RUCIO_SERVERS}
        await server.put(XCACHE_NODES, "x")
        await eventually(lambda: running.names() == {"x"})
    group = "datalake.projectescape.eu"
    assert told(caplog) == [f"Waiting for the definitions of rucioservers.{group}, xcachenodes.{group}"]


async def test_a_definition_that_goes_and_comes_back_is_watched_again(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    await server.put(XCACHE_NODES, "x")
    async with hosting(server) as running:
        await eventually(watching(server))
        server.served.discard(XCACHE_NODES)
        await server.cut()
        await eventually(lambda: any("Waiting for the definitions" in line for line in told(caplog)))
        server.served.add(XCACHE_NODES)
        await server.put(XCACHE_NODES, "y")
        await eventually(lambda: running.names() == {"x", "y"})
        assert len(running.started) == 2
    assert not [record for record in caplog.records if record.exc_info and record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"<html>oops</html>\n",
        b'{"type": "ADDED", "object": {"meta',
        b'{"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "etcd has no leader"}}\n',
    ],
)
async def test_what_ends_kopf_only_makes_it_begin_anew(
    server: FakeServer, caplog: pytest.LogCaptureFixture, rubbish: bytes
) -> None:
    async with hosting(server) as running:
        await eventually(watching(server))
        stream = next(stream for stream in server.streams if stream.resource == XCACHE_NODES)
        await stream.raw(rubbish)
        if not rubbish.endswith(b"\n"):
            await stream.response.write_eof()
        await eventually(lambda: len(running.started) == 2)
        await server.put(XCACHE_NODES, "x")
        await eventually(lambda: running.names() == {"x"})
    assert [line.split(":")[0] for line in told(caplog)] == ["The watch of custom resources ended and begins anew"]
    assert not [record for record in caplog.records if record.exc_info and record.levelno >= logging.WARNING]


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize("code", [403, 429, 500])
async def test_refusals_are_retried_without_an_end_and_told_once(
    server: FakeServer, caplog: pytest.LogCaptureFixture, verb: str, code: int
) -> None:
    for _ in range(12):
        server.fail(verb, code)
    async with hosting(server) as running:
        await eventually(watching(server))
        await server.put(XCACHE_NODES, "x")
        await eventually(lambda: running.names() == {"x"})
        assert len(running.started) == 1
    assert 1 <= len(told(caplog)) <= len(CUSTOM_RESOURCES)
    assert all(line.startswith("Cannot watch") and f"HTTP {code}" in line for line in told(caplog))


async def test_a_rotated_token_is_followed(server: FakeServer) -> None:
    server.token = "old"  # noqa: S105 - a test
    async with hosting(server) as running:
        await eventually(watching(server))
        server.token = "new"  # noqa: S105 - a test
        await server.cut()
        await server.put(XCACHE_NODES, "x")
        await eventually(lambda: running.names() == {"x"})
        assert len(running.started) == 1


async def test_kopf_asks_to_watch_nothing_but_our_kinds_and_writes_nothing(server: FakeServer) -> None:
    await server.put(XCACHE_NODES, "x")
    async with hosting(server) as running:
        await eventually(watching(server))
        await eventually(lambda: running.names() == {"x"})
    assert {verb for verb, _ in server.requests} == {"list", "watch"}
    assert {plural for _, plural in server.requests} == {resource.plural for resource in CUSTOM_RESOURCES}


async def test_tasks_of_ours_outlive_kopf(server: FakeServer) -> None:
    async with hosting(server) as running:
        await eventually(watching(server))
        ours = asyncio.ensure_future(asyncio.sleep(3600))
        await server.streams[0].raw(b"rubbish\n")
        await eventually(lambda: len(running.started) == 2)
        assert not ours.done()
        ours.cancel()


async def test_its_last_attempt_is_never_long_ago(server: FakeServer) -> None:
    async with hosting(server) as running:
        await eventually(watching(server))
        assert asyncio.get_running_loop().time() - running.host.last_attempt < 5
