"""PodMonitor comes and goes, in every namespace or in some."""

import asyncio
from typing import Any

import pytest

from datalake_operator.kube.errors import ApiError, Forbidden, NotFound
from datalake_operator.kube.informer import Informer
from datalake_operator.kube.resource import NAMESPACES, POD_MONITORS
from datalake_operator.kube.session import Listing
from datalake_operator.kube.store import Store
from datalake_operator.reconcile.capabilities import Identity, PodMonitors

MONITOR = {"metadata": {"name": "x", "namespace": "a", "resourceVersion": "7"}}


class Server:
    """Lists PodMonitors, or refuses to in some namespaces."""

    def __init__(self) -> None:
        self.refused: dict[str, ApiError] = {}

    async def list(self, _resource: Any, namespace: str, **_: Any) -> Listing:
        self._answer(namespace)
        return Listing([], "9")

    async def pages(self, _resource: Any, namespace: str, **_: Any) -> Any:
        self._answer(namespace)
        yield Listing([MONITOR] if namespace == "a" else [], "9")

    async def watch(self, *_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()
        yield

    def _answer(self, namespace: str) -> None:
        if namespace in self.refused:
            raise self.refused[namespace]


class World:
    def __init__(self) -> None:
        self.server, self.store, self.changes = Server(), Store(POD_MONITORS), 0
        self.monitors = PodMonitors(self.server, ["a", "b"], self._informers, self._changed, patience=0.05)  # type: ignore[arg-type]

    def _informers(self) -> list[Informer]:
        return [Informer(self.server, POD_MONITORS, namespace, store=self.store) for namespace in "ab"]  # type: ignore[arg-type]

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("error", [NotFound(404, "NotFound", ""), Forbidden(403, "Forbidden", "")], ids=str)
async def test_monitors_that_can_no_longer_be_seen_are_forgotten_so_that_nobody_deletes_them(
    error: ApiError, world: World
) -> None:
    await world.monitors.refresh()
    assert world.monitors.served
    assert world.store.get("a", "x")
    world.server.refused["a"] = error
    await world.monitors.refresh()
    assert not world.monitors.served
    assert not len(world.store)
    world.server.refused.clear()
    await world.monitors.refresh()
    assert world.store.get("a", "x")
    assert world.changes == 3
    await world.monitors.close()


async def test_a_namespace_whose_monitors_cannot_be_listed_holds_nobody_up(world: World) -> None:
    world.server.refused["b"] = Forbidden(403, "Forbidden", "")
    await world.monitors.refresh()
    assert not world.monitors.served
    assert not world.monitors.running
    assert world.changes == 0
    world.server.refused.clear()
    await world.monitors.refresh()
    assert world.monitors.served
    assert world.changes == 1
    await world.monitors.close()


class Homes:
    """Lists the namespace that identifies a cluster."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.asked: list[tuple[Any, Any]] = []

    async def list(self, resource: Any, namespace: Any = None, **selectors: Any) -> Listing:
        self.asked.append((resource, selectors["field_selector"]))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Listing(answer, "9")


async def test_what_identifies_a_cluster_is_asked_for_until_it_is_known_and_then_never_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Homes()
    identity = Identity(server)  # type: ignore[arg-type]
    denied = Forbidden(403, "Forbidden", "no right to list namespaces")
    server.answers = [denied, denied, [], [{"metadata": {"uid": "7"}}]]
    assert [await identity.learn() for _ in range(5)] == [True, False, True, True, False]
    assert (identity.uid, identity.trouble) == ("7", "")
    assert set(server.asked) == {(NAMESPACES, "metadata.name=kube-system")}
    assert len(server.asked) == 4
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "no right to list namespaces" in caplog.text
