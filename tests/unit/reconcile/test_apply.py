"""What the API server's answers to reads and writes of children come to."""

from typing import Any

import pytest

from datalake_operator.build.labels import labels, owner
from datalake_operator.kube.errors import ApiError, Conflict, Forbidden, Invalid, NotFound, Unreachable
from datalake_operator.kube.resource import PODS, SERVICES, XCACHE_NODES, Resource
from datalake_operator.reconcile.apply import Applier
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.compare import APPLIED_HASH, with_hash
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.outcome import Stalled, Taken
from datalake_operator.reconcile.xcache import XCacheKind

KEY = Key("XCacheNode", "ns", "x")
OWNER: dict[str, Any] = {"metadata": {"name": "x", "namespace": "ns", "uid": "u"}}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "x",
        "namespace": "ns",
        "labels": labels("xcache", "x", "cache"),
        "ownerReferences": [owner("XCacheNode", "x", "u")],
    },
}
LIVE = SERVICE | {"metadata": SERVICE["metadata"] | {"uid": "s", "resourceVersion": "1"}}
POD: dict[str, Any] = {"metadata": {"name": "x-0", "namespace": "ns", "uid": "p"}}
WORDS = 'services "x" is forbidden: no such right'


class Server:
    """Refuses a verb."""

    def __init__(self) -> None:
        self.refused: dict[str, ApiError] = {}
        self.applied = 0

    def _answer(self, verb: str) -> None:
        if verb in self.refused:
            raise self.refused[verb]

    async def get(self, resource: Resource, _namespace: str, _name: str, **_: Any) -> Any:
        self._answer("get")
        raise NotFound(404, "NotFound", str(resource))

    async def apply(self, _manifest: Any) -> Any:
        self._answer("apply")
        self.applied += 1
        return LIVE

    async def delete(self, *_: Any, **__: Any) -> None:
        self._answer("delete")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def children(server: Server) -> Children:
    return Children(server, [XCacheKind()], lambda _: None)  # type: ignore[arg-type]


@pytest.fixture
def applier(server: Server, children: Children) -> Applier:
    return Applier(server, children)  # type: ignore[arg-type]


async def step(applier: Applier, children: Children, name: str) -> None:
    """Do what uses one verb."""
    if name == "remove pods":
        await applier.remove_pods([POD])
    elif name == "prune":
        children.stores[SERVICES].put(LIVE)
        await applier.prune(KEY, OWNER, [], rolled=True)
    else:
        await applier.apply(KEY, OWNER, XCACHE_NODES, [SERVICE])


STEPS = [("get", "apply"), ("apply", "apply"), ("delete", "prune"), ("delete", "remove pods")]


@pytest.mark.parametrize("error", [Forbidden(403, "Forbidden", WORDS), Invalid(422, "Invalid", WORDS)], ids=str)
@pytest.mark.parametrize(("verb", "name"), STEPS)
async def test_a_refusal_at_any_step_is_told_in_status_and_tried_again(
    verb: str, name: str, error: ApiError, applier: Applier, children: Children, server: Server
) -> None:
    server.refused[verb] = error
    with pytest.raises(Stalled, match=WORDS) as stalled:
        await step(applier, children, name)
    assert stalled.value.reason == "ApplyRefused"
    assert stalled.value.retry is error
    assert ("Pod x-0" if name == "remove pods" else "Service x") in stalled.value.message


@pytest.mark.parametrize(("verb", "name"), STEPS)
async def test_what_another_try_may_mend_is_no_refusal(
    verb: str, name: str, applier: Applier, children: Children, server: Server
) -> None:
    server.refused[verb] = Unreachable("cut")
    with pytest.raises(Unreachable):
        await step(applier, children, name)


@pytest.mark.parametrize("error", [NotFound(404, "NotFound", ""), Conflict(409, "Conflict", "")], ids=str)
async def test_what_is_gone_or_of_another_uid_needs_no_deletion(
    error: ApiError, applier: Applier, children: Children, server: Server
) -> None:
    server.refused["delete"] = error
    await step(applier, children, "prune")
    await applier.remove_pods([{**POD, "kind": PODS.kind}])


def left(manifest: Any, **metadata: Any) -> dict[str, Any]:
    """What the API server holds of a child of ours that lost its owner reference."""
    whole = with_hash(manifest)
    return {**whole, "metadata": {**whole["metadata"], "resourceVersion": "1", "ownerReferences": [], **metadata}}


async def test_a_child_that_lost_only_its_owner_reference_is_taken_back(
    applier: Applier, children: Children, server: Server
) -> None:
    children.stores[SERVICES].put(left(SERVICE))
    await step(applier, children, "apply")
    assert server.applied == 1


STRANGE: dict[str, dict[str, Any]] = {
    "of another hash": {"annotations": {APPLIED_HASH: "0"}},
    "of another controller": {"ownerReferences": [{"kind": "Other", "name": "o", "uid": "o", "controller": True}]},
    "of other labels": {"labels": labels("xcache", "another", "cache")},
    "never applied by us": {"annotations": {}},
}


@pytest.mark.parametrize("change", STRANGE.values(), ids=STRANGE)
async def test_an_object_without_our_owner_reference_is_left_untouched_otherwise(
    change: dict[str, Any], applier: Applier, children: Children, server: Server
) -> None:
    children.stores[SERVICES].put(left(SERVICE, **change))
    with pytest.raises(Taken) as taken:
        await step(applier, children, "apply")
    assert not server.applied
    told = '"uid": "u"' in taken.value.message
    assert told == (change == STRANGE["of another hash"]), taken.value.message
