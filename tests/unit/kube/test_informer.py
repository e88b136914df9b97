import asyncio
import logging

import pytest

from datalake_operator.kube import informer as informer_module
from datalake_operator.kube import transport
from datalake_operator.kube.backoff import Backoff
from datalake_operator.kube.informer import Informer
from datalake_operator.kube.resource import CONFIG_MAPS
from datalake_operator.kube.session import Api
from tests.support.waiting import eventually
from tests.unit.kube.fake import FakeServer, running


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(informer_module, "Backoff", lambda: Backoff(first=0.01, limit=0.05))


def names(informer: Informer) -> set[str]:
    return {name for _, name in informer.store.keys()}  # noqa: SIM118 - a Store is no dict


async def test_it_lists_and_then_follows(api: Api, server: FakeServer) -> None:
    server.page = 2
    for name in "abcde":
        await server.put(CONFIG_MAPS, name)
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        await informer.synced.wait()
        assert names(informer) == set("abcde")
        assert "managedFields" not in informer.store.get("ns", "a")["metadata"]  # type: ignore[index]
        await eventually(lambda: bool(server.streams))
        await server.put(CONFIG_MAPS, "f")
        await server.put(CONFIG_MAPS, "a", data={"x": "y"})
        await server.remove(CONFIG_MAPS, "b")
        await eventually(lambda: names(informer) == set("acdef"))
        assert informer.store.get("ns", "a")["data"] == {"x": "y"}  # type: ignore[index]
    assert informer.restarts == 0


async def test_a_cut_watch_goes_on_from_where_it_was(api: Api, server: FakeServer) -> None:
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        await eventually(lambda: bool(server.streams))
        await server.cut()
        await server.put(CONFIG_MAPS, "a")
        await eventually(lambda: names(informer) == {"a"})
    assert server.count("list", CONFIG_MAPS) == 1
    assert informer.restarts >= 1


async def test_what_vanished_while_the_version_got_too_old_is_removed(api: Api, server: FakeServer) -> None:
    await server.put(CONFIG_MAPS, "a")
    await server.put(CONFIG_MAPS, "b")
    informer = Informer(api, CONFIG_MAPS, "ns")
    gone: list[str] = []
    async with running(informer.run()):
        await eventually(lambda: bool(server.streams))
        informer.store.on_change(lambda _, old, new: gone.append(old["metadata"]["name"]) if old and not new else None)
        await server.cut()
        await server.remove(CONFIG_MAPS, "a")
        server.forget()
        await eventually(lambda: gone == ["a"])
        assert names(informer) == {"b"}
    assert server.count("list", CONFIG_MAPS) == 2


async def test_a_silent_watch_is_given_up(api: Api, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "INACTIVITY", 0.1)
    server.silent = True
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        await eventually(lambda: bool(server.streams))
        await server.put(CONFIG_MAPS, "a")
        server.silent = False
        await eventually(lambda: names(informer) == {"a"})


@pytest.mark.parametrize(
    "rubbish",
    [b"<html>oops</html>\n", b"[1]\n", b'{"type": "ADDED", "object": {}}\n', b'{"type": "ADDED", "object": {"meta'],
)
async def test_garbage_in_the_stream_ends_it_and_nothing_else(api: Api, server: FakeServer, rubbish: bytes) -> None:
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        await eventually(lambda: bool(server.streams))
        await server.streams[0].raw(rubbish)
        await asyncio.sleep(0.02)
        await server.cut()
        await server.put(CONFIG_MAPS, "a")
        await eventually(lambda: names(informer) == {"a"})


@pytest.mark.parametrize(
    ("verb", "code"), [("list", 500), ("list", 429), ("list", 410), ("watch", 429), ("watch", 410)]
)
async def test_refusals_are_retried(api: Api, server: FakeServer, verb: str, code: int) -> None:
    server.fail(verb, code, Retry_After="0")
    server.fail(verb, code, Retry_After="0")
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        await eventually(lambda: bool(server.streams))
        await server.put(CONFIG_MAPS, "a")
        await eventually(lambda: names(informer) == {"a"})


async def test_retry_after_is_obeyed(api: Api, server: FakeServer) -> None:
    server.fail("list", 429, Retry_After="0.3")
    informer = Informer(api, CONFIG_MAPS, "ns")
    began = asyncio.get_running_loop().time()
    async with running(informer.run()):
        await informer.synced.wait()
    assert asyncio.get_running_loop().time() - began >= 0.3


async def test_an_error_event_that_is_not_410_begins_with_a_new_list(api: Api, server: FakeServer) -> None:
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        await eventually(lambda: bool(server.streams))
        await server.streams[0].event("ERROR", {"kind": "Status", "code": 500, "message": "etcd has no leader"})
        await eventually(lambda: server.count("list", CONFIG_MAPS) == 2)


async def test_a_missing_kind_is_one_line_until_it_appears(
    api: Api, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "datalake_operator")
    server.served.discard(CONFIG_MAPS)
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        await eventually(lambda: server.count("list", CONFIG_MAPS) >= 4)
        assert informer.missing
        assert not informer.synced.is_set()
        server.served.add(CONFIG_MAPS)
        await informer.synced.wait()
        assert not informer.missing
    told = [record.message for record in caplog.records if record.name.startswith("datalake_operator")]
    assert list(told) == [
        "Cannot watch configmaps in ns: no such kind (is its CRD installed?). Trying on",
        "Watching configmaps in ns again",
    ]


async def test_a_server_that_ends_every_watch_at_once_is_not_flooded(api: Api, server: FakeServer) -> None:
    server.answers["watch"] = [(200, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}, {})] * 1000
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        await asyncio.sleep(0.3)
    assert server.count("watch", CONFIG_MAPS) < 60


async def test_no_change_leaves_a_traceback(api: Api, server: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    informer = Informer(api, CONFIG_MAPS, "ns")
    async with running(informer.run()):
        for _ in range(3):
            await eventually(lambda: bool(server.streams))
            await server.cut()
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.WARNING]
