from typing import Any

import pytest

from datalake_operator.kube.references import Reference, References
from datalake_operator.kube.resource import CONFIG_MAPS, SECRETS
from datalake_operator.kube.session import Api
from tests.support.waiting import eventually
from tests.unit.kube.fake import FakeServer, running

PASSWORD = Reference(SECRETS, "ns", "password")
SETTINGS = Reference(CONFIG_MAPS, "ns", "settings")


class Told(list[tuple[str, set[Any]]]):
    def __call__(self, reference: Reference, owners: frozenset[Any]) -> None:
        self.append((reference.name, set(owners)))


@pytest.fixture
def told() -> Told:
    return Told()


async def test_owners_hear_when_it_is_known_changes_and_goes(api: Api, server: FakeServer, told: Told) -> None:
    await server.put(SECRETS, "password", data={"p": "old"})
    await server.put(SECRETS, "another")
    references = References(api, told)
    async with running(references.run()):
        references.want("cr", [PASSWORD])
        assert not references.known(PASSWORD)
        await eventually(lambda: list(told) == [("password", {"cr"})])
        assert references.known(PASSWORD)
        assert references.get(PASSWORD)["data"] == {"p": "old"}  # type: ignore[index]
        await eventually(lambda: bool(server.streams))
        await server.put(SECRETS, "password", data={"p": "new"})
        await eventually(lambda: len(told) == 2)
        assert references.get(PASSWORD)["data"] == {"p": "new"}  # type: ignore[index]
        await server.remove(SECRETS, "password")
        await eventually(lambda: len(told) == 3)
        assert references.get(PASSWORD) is None


async def test_absence_is_told_once_it_is_known(api: Api, told: Told) -> None:
    references = References(api, told)
    async with running(references.run()):
        references.want("cr", [PASSWORD])
        await eventually(lambda: list(told) == [("password", {"cr"})])
        assert references.known(PASSWORD)
        assert references.get(PASSWORD) is None


async def test_two_owners_share_one_watch_and_the_last_ends_it(api: Api, server: FakeServer, told: Told) -> None:
    references = References(api, told)
    async with running(references.run()):
        references.want("one", [PASSWORD, SETTINGS])
        references.want("two", [PASSWORD])
        await eventually(lambda: references.known(PASSWORD) and references.known(SETTINGS))
        assert server.count("list", SECRETS) == 1
        await eventually(lambda: len(server.streams) == 2)
        references.want("one", [])
        assert len(references.informers()) == 1
        told.clear()
        await server.put(SECRETS, "password")
        await eventually(lambda: list(told) == [("password", {"two"})])
        references.want("two", [])
        assert references.informers() == []
        assert not references.known(PASSWORD)
        references.want("two", [PASSWORD])
        await eventually(lambda: references.known(PASSWORD))
        assert server.count("list", SECRETS) == 2


async def test_what_was_wanted_before_it_runs_is_watched_too(api: Api, told: Told) -> None:
    references = References(api, told)
    references.want("cr", [PASSWORD])
    async with running(references.run()):
        await eventually(lambda: references.known(PASSWORD))


async def test_why_nothing_is_heard_of_it_is_told(api: Api, server: FakeServer, told: Told) -> None:
    server.fail("list", 403)
    references = References(api, told)
    async with running(references.run()):
        references.want("cr", [PASSWORD])
        assert references.silence(PASSWORD)[1] == "no answer yet"
        await eventually(lambda: "403" in references.silence(PASSWORD)[1])
        assert references.silence(PASSWORD)[0] > 0
        assert not references.known(PASSWORD)
