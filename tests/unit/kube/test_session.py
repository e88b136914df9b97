import logging

import pytest
from aiohttp.test_utils import TestServer, unused_port
from kubernetes.aio.client import Configuration

from datalake_operator.kube import config as config_module
from datalake_operator.kube import errors
from datalake_operator.kube.config import Config
from datalake_operator.kube.resource import CONFIG_MAPS, SECRETS, XCACHE_NODES
from datalake_operator.kube.session import Api
from tests.unit.kube.fake import FakeServer, connected

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "ns", "name": "c"}, "data": {"a": "b"}}


async def test_an_object_goes_through_its_life(api: Api) -> None:
    made = await api.apply(CONFIG)
    assert made["data"] == {"a": "b"}
    assert (await api.get(CONFIG_MAPS, "ns", "c"))["metadata"]["uid"] == made["metadata"]["uid"]
    with pytest.raises(errors.Conflict):
        await api.create(CONFIG)
    with pytest.raises(errors.Conflict):
        await api.update({**CONFIG, "metadata": {**CONFIG["metadata"], "resourceVersion": "1"}})  # type: ignore[dict-item]
    await api.delete(CONFIG_MAPS, "ns", "c", uid=made["metadata"]["uid"])
    with pytest.raises(errors.NotFound):
        await api.get(CONFIG_MAPS, "ns", "c")


async def test_a_list_is_read_page_by_page_and_its_items_know_their_kind(api: Api, server: FakeServer) -> None:
    server.page = 3
    for number in range(7):
        await server.put(SECRETS, f"s{number}")
    listing = await api.list(SECRETS, "ns")
    assert [item["metadata"]["name"] for item in listing.items] == [f"s{number}" for number in range(7)]
    assert {(item["apiVersion"], item["kind"]) for item in listing.items} == {("v1", "Secret")}
    assert listing.resource_version == str(server.version)
    assert server.count("list", SECRETS) == 3


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Gone),
        (422, errors.Invalid),
        (429, errors.Throttled),
        (500, errors.ApiError),
    ],
)
async def test_every_refusal_is_an_error_of_its_own(
    api: Api, server: FakeServer, code: int, kind: type[errors.ApiError]
) -> None:
    server.fail("list", code, "Because", Retry_After="7")
    with pytest.raises(kind) as caught:
        await api.list(CONFIG_MAPS, "ns")
    assert (caught.value.status, caught.value.reason, caught.value.retry_after) == (code, "Because", 7.0)
    assert str(caught.value) == f"{code} Because: no list now"


async def test_patience_is_read_from_the_body_too(api: Api, server: FakeServer) -> None:
    status = {"kind": "Status", "code": 429, "details": {"retryAfterSeconds": 3}}
    server.answers["list"] = [(429, status, {}), (429, {"html": "from a proxy"}, {"Retry-After": "Wed, 21 Oct 2026"})]
    with pytest.raises(errors.Throttled) as caught:
        await api.list(CONFIG_MAPS, "ns")
    assert caught.value.retry_after == 3
    with pytest.raises(errors.Throttled, match="HTTP 429") as caught:
        await api.list(CONFIG_MAPS, "ns")
    assert caught.value.retry_after is None


async def test_an_answer_that_is_no_list_is_no_answer(api: Api, server: FakeServer) -> None:
    server.answers["list"] = [(200, {"hello": "world"}, {})]
    with pytest.raises(errors.Unreachable):
        await api.list(CONFIG_MAPS, "ns")


async def test_silence_is_told_once_when_it_begins_and_once_when_it_ends(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "datalake_operator")
    codes: list[int] = []
    port = unused_port()
    async with Api(
        Config(Configuration(host=f"http://127.0.0.1:{port}"), never), lambda *call: codes.append(call[2])
    ) as api:
        for _ in range(3):
            with pytest.raises(errors.Unreachable):
                await api.list(CONFIG_MAPS, "ns")
        async with TestServer(server.app(), port=port):
            await api.list(CONFIG_MAPS, "ns")
            await api.list(CONFIG_MAPS, "ns")
    assert codes == [0, 0, 0, 200, 200]
    told = [record.message.split(":")[0] for record in caplog.records if record.name.startswith("datalake_operator")]
    assert told[0] == "The API server http"
    assert told[1].startswith("The API server answers again after")
    assert len(told) == 2


async def never(_: Configuration) -> None:
    raise AssertionError("nobody refused the credentials")


async def test_discovery_must_name_the_kind(api: Api, server: FakeServer) -> None:
    assert await api.serves(XCACHE_NODES)
    server.served.discard(XCACHE_NODES)
    assert not await api.serves(XCACHE_NODES)
    server.served = {CONFIG_MAPS}
    assert not await api.serves(XCACHE_NODES)


async def test_a_new_token_is_used_after_a_401(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "_RELOAD_PAUSE", 0.0)
    server.token = "old"  # noqa: S105 - a test
    async with connected(server) as api:
        await api.list(CONFIG_MAPS, "ns")
        server.token = "new"  # noqa: S105 - a test
        await api.list(CONFIG_MAPS, "ns")
    assert server.count("list", CONFIG_MAPS) == 2
