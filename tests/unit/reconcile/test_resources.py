"""The store of custom resources, while a status is being written."""

from collections.abc import Callable
from typing import Any

import pytest

from datalake_operator.kube.errors import NotFound
from datalake_operator.kube.resource import XCACHE_NODES
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.resources import Resources

KEY = Key("XCacheNode", "ns", "x")
STATUS = {"observedGeneration": 1}


def body(version: int, **change: Any) -> dict[str, Any]:
    """The resource at a version; `change` replaces whole parts."""
    metadata = {"name": "x", "namespace": "ns", "uid": "u", "generation": 1, "resourceVersion": str(version)}
    return {
        "apiVersion": XCACHE_NODES.api_version,
        "kind": "XCacheNode",
        "spec": {"site": "A"},
        **change,
        "metadata": metadata | change.get("metadata", {}),
    }


class Server:
    """Answers a write of status; `meanwhile` happens before the answer arrives."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | Exception = body(2, status=STATUS)
        self.meanwhile: Callable[[], object] = lambda: None

    async def apply_status(self, _manifest: Any) -> dict[str, Any]:
        self.meanwhile()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def asked() -> list[Key]:
    return []


@pytest.fixture
def resources(server: Server, asked: list[Key]) -> Resources:
    resources = Resources(server, [XCACHE_NODES], asked.append)  # type: ignore[arg-type]
    resources.stores[XCACHE_NODES].put(body(1))
    asked.clear()
    return resources


async def write(resources: Resources) -> None:
    seen = resources.get(KEY)
    assert seen is not None
    await resources.write_status(KEY, seen, STATUS)


@pytest.mark.parametrize("echoed", [False, True])
async def test_the_echo_of_our_own_write_asks_for_no_pass(
    echoed: bool, resources: Resources, server: Server, asked: list[Key]
) -> None:
    store = resources.stores[XCACHE_NODES]
    if echoed:
        server.meanwhile = lambda: store.put(body(2, status=STATUS))
    await write(resources)
    store.put(body(2, status=STATUS))
    assert not asked


CHANGES: dict[str, dict[str, Any]] = {
    "spec": {"spec": {"site": "B"}, "metadata": {"generation": 2}},
    "annotation": {"metadata": {"annotations": {"datalake.projectescape.eu/reconcile-at": "now"}}},
    "deletion": {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("heard", [False, True])
async def test_a_change_that_comes_with_the_answer_to_our_own_write_asks_for_a_pass(
    change: dict[str, Any], heard: bool, resources: Resources, server: Server, asked: list[Key]
) -> None:
    store = resources.stores[XCACHE_NODES]
    server.answer = body(3, status=STATUS, **change)
    if heard:
        server.meanwhile = lambda: store.put(body(2, **change))
    await write(resources)
    assert asked == [KEY]
    store.put(body(2, **change))
    assert asked == [KEY]


async def test_a_change_that_follows_our_own_write_before_its_answer_asks_for_a_pass(
    resources: Resources, server: Server, asked: list[Key]
) -> None:
    store = resources.stores[XCACHE_NODES]
    server.meanwhile = lambda: store.put(body(3, status=STATUS, **CHANGES["spec"]))
    await write(resources)
    assert asked == [KEY]


async def test_a_resource_that_was_made_again_while_the_old_ones_status_was_written_asks_for_a_pass(
    resources: Resources, server: Server, asked: list[Key]
) -> None:
    store = resources.stores[XCACHE_NODES]

    def made_again() -> None:
        store.remove("ns", "x", 2)
        store.put(body(3, metadata={"uid": "another"}))

    server.meanwhile, server.answer = made_again, NotFound(404, "NotFound", "")
    with pytest.raises(NotFound):
        await write(resources)
    assert asked == [KEY]
