import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import kubeconfig
from tests.support.calls import Answer, Delay, Drop, GoneEvent, Kill, Silence
from tests.support.proxy import Client, Proxy
from tests.support.waiting import eventually

PODS = "/api/v1/namespaces/n/pods"
WATCH = f"{PODS}?watch=true"


async def test_a_request_goes_through_unchanged_as_the_proxys_user(
    upstream: Any, client: Client, session: aiohttp.ClientSession
) -> None:
    async with session.post(f"{client.url}{PODS}?a=b%2Fc", data="body") as answer:
        assert await answer.json() == {"path": f"{PODS}?a=b/c", "body": "body"}
    assert upstream.requests == [("POST", f"{PODS}?a=b/c", "tester")]


async def test_writes_are_counted_by_client_and_reads_are_not(
    proxy: Proxy, client: Client, session: aiohttp.ClientSession
) -> None:
    other = await proxy.listen("other")
    await session.post(client.url + PODS)
    await session.get(client.url + PODS)
    await session.post(client.url + "/api/v1/namespaces/n/events")
    await session.delete(f"{other.url}{PODS}/p")
    assert [done.call.verb for done in proxy.writes("operator")] == ["create"]
    assert [done.call.verb for done in proxy.writes()] == ["create", "delete"]


async def test_a_watch_is_streamed_event_by_event(
    upstream: Any, client: Client, session: aiohttp.ClientSession
) -> None:
    async with session.get(client.url + WATCH) as answer:
        for event in ("one", "two"):
            upstream.events.put_nowait(event)
            assert json.loads(await answer.content.readline()) == event


async def test_an_error_is_answered_in_place_of_the_server(
    proxy: Proxy, upstream: Any, client: Client, session: aiohttp.ClientSession
) -> None:
    proxy.add(Answer(429, retry_after=3), verb="create")
    async with session.post(client.url + PODS) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
        body = await answer.json()
        assert (body["reason"], body["details"]) == ("TooManyRequests", {"retryAfterSeconds": 3})
    assert not upstream.requests
    async with session.post(client.url + PODS) as answer:
        assert answer.status == 200


async def test_a_delay_holds_the_request_back(proxy: Proxy, client: Client, session: aiohttp.ClientSession) -> None:
    proxy.add(Delay(0.2))
    before = time.monotonic()
    await session.get(client.url + PODS)
    assert time.monotonic() - before >= 0.2


@pytest.mark.parametrize(("answered", "seen"), [(False, 0), (True, 1)])
async def test_a_connection_is_dropped_before_or_after_the_work_is_done(
    answered: bool, seen: int, proxy: Proxy, upstream: Any, client: Client, session: aiohttp.ClientSession
) -> None:
    proxy.add(Drop(answered=answered))
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.post(client.url + PODS)
    assert len(upstream.requests) == seen


@pytest.mark.parametrize(("after", "seen"), [(False, 1), (True, 2)])
async def test_the_process_is_killed_before_or_after_its_nth_write(
    after: bool, seen: int, proxy: Proxy, upstream: Any, client: Client, session: aiohttp.ClientSession
) -> None:
    killed = []
    client.kill = lambda: killed.append(len(upstream.requests))
    proxy.add(Kill(after=after), verb="write", first=2)
    await session.post(client.url + PODS)
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.post(client.url + PODS)
    assert killed == [seen]


async def test_a_silent_watch_stays_open_and_says_nothing(
    proxy: Proxy, upstream: Any, client: Client, session: aiohttp.ClientSession
) -> None:
    proxy.add(Silence(), verb="watch")
    async with session.get(client.url + WATCH) as answer:
        upstream.events.put_nowait("lost")
        await eventually(upstream.events.empty)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer.content.readline(), 0.1)


async def test_an_open_watch_can_be_silenced_and_closed(
    proxy: Proxy, upstream: Any, client: Client, session: aiohttp.ClientSession
) -> None:
    async with session.get(client.url + WATCH) as answer:
        upstream.events.put_nowait("seen")
        await answer.content.readline()
        assert proxy.silence("pods") == 1
        upstream.events.put_nowait("lost")
        await eventually(upstream.events.empty)
        assert proxy.drop_watches("pods") == 1
        with pytest.raises(aiohttp.ClientError):
            await answer.content.readline()
    await eventually(lambda: not proxy.streams)


async def test_a_watch_can_be_told_that_its_version_is_gone(
    proxy: Proxy, client: Client, session: aiohttp.ClientSession
) -> None:
    proxy.add(GoneEvent(), verb="watch")
    async with session.get(client.url + WATCH) as answer:
        event = json.loads(await answer.content.readline())
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        assert await answer.content.read() == b""


async def test_one_client_is_cut_off_alone_and_mended(
    proxy: Proxy, client: Client, session: aiohttp.ClientSession
) -> None:
    other = await proxy.listen("other")
    async with session.get(client.url + WATCH) as watch:
        proxy.cut(client)
        with pytest.raises(aiohttp.ClientError):
            await watch.content.readline()
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.get(client.url + PODS)
    assert (await session.get(other.url + PODS)).status == 200
    proxy.mend(client)
    assert (await session.get(client.url + PODS)).status == 200


async def test_a_lost_route_answers_nothing(proxy: Proxy, client: Client, session: aiohttp.ClientSession) -> None:
    proxy.cut(client, hang=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(session.get(client.url + PODS), 0.1)


async def test_a_server_that_is_down_looks_like_a_lost_connection(session: aiohttp.ClientSession) -> None:
    async with Proxy(kubeconfig.Endpoint("http://127.0.0.1:1")) as proxy:
        client = await proxy.listen()
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(client.url + PODS)


async def test_the_kubeconfig_leads_to_the_listener(client: Client, tmp_path: Path) -> None:
    assert kubeconfig.read(client.kubeconfig(tmp_path / "config")).url == client.url
