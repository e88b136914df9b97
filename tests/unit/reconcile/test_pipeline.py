"""One reconcile over fakes: what a pass goes on observing when the newest spec is not valid."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from datalake_operator.build import Context
from datalake_operator.kube.errors import ApiError, NamespaceTerminating
from datalake_operator.kube.references import Reference
from datalake_operator.kube.resource import CLAIMS, PODS, STATEFUL_SETS, XCACHE_NODES
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.peers import Peers
from datalake_operator.reconcile.pipeline import Reconciler
from datalake_operator.reconcile.resources import Resources
from datalake_operator.reconcile.xcache import XCacheKind
from datalake_operator.status import View
from tests.support.objects import condition, xcache

KEY = Key("XCacheNode", "ns", "x")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
THEIRS = Reference(CLAIMS, "ns", "theirs")
STORAGE = {"data": [{"name": "d0", "existingClaim": {"name": "theirs"}}], "maxCacheSize": "1Gi"}
GOOD: dict[str, Any] = {"storage": STORAGE}
BAD: dict[str, Any] = {"storage": STORAGE, "origin": {"url": "roots://origin.example.org:1094"}}


class Server:
    """An API server that takes every status and every child."""

    def __init__(self) -> None:
        self.resources: Resources | None = None
        self.children: Children | None = None
        self.version = 1000
        self.refused: ApiError | None = None
        self.statuses = 0

    async def apply_status(self, manifest: Mapping[str, Any]) -> Any:
        assert self.resources is not None
        self.statuses += 1
        return self.newer({**(self.resources.get(KEY) or {}), "status": manifest["status"]})

    async def apply(self, manifest: Mapping[str, Any]) -> Any:
        if self.refused is not None:
            raise self.refused
        return self.newer({**manifest, "metadata": {"uid": "child", **manifest["metadata"]}})

    async def get(self, resource: Any, _namespace: str, name: str, **_: Any) -> Any:
        assert self.resources is not None
        if resource == XCACHE_NODES:
            return self.resources.get(KEY)
        return self.newer(
            {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "metadata": {
                    "name": name,
                    "uid": "child",
                    "namespace": "ns",
                    "ownerReferences": [{"kind": "XCacheNode", "name": "x", "uid": "u", "controller": True}],
                    "resourceVersion": "1",
                },
            }
        )

    async def disown(self, resource: Any, _namespace: str, name: str, uid: str, owner_uid: str) -> Any:
        assert self.children is not None
        live = self.children.get(resource, "ns", name)
        assert live is not None
        assert live["metadata"]["uid"] == uid
        references = [one for one in live["metadata"]["ownerReferences"] if one["uid"] != owner_uid]
        return self.newer({**live, "metadata": {**live["metadata"], "ownerReferences": references}})

    def newer(self, body: Mapping[str, Any]) -> Any:
        self.version += 1
        return {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}


class Named:
    """Objects that specs name."""

    def __init__(self) -> None:
        self.there: dict[Reference, Any] = {THEIRS: {"metadata": {"name": "theirs"}, "status": {"phase": "Bound"}}}
        self.wanted: set[Reference] = set()
        self.silent: float | None = None

    def silence(self, _reference: Reference) -> tuple[float, str]:
        return self.silent or 0.0, "403 Forbidden: no right to list"

    def want(self, _owner: object, references: Iterable[Reference]) -> None:
        self.wanted = set(references)

    def known(self, reference: Reference) -> bool:
        return reference in self.wanted and self.silent is None

    def get(self, reference: Reference) -> Any:
        return self.there.get(reference) if reference in self.wanted else None


class Observed:
    """Where operands are asked."""

    def __init__(self) -> None:
        self.url: Hashable | None = None

    def watch(self, _key: Key, target: Hashable | None) -> None:
        self.url = target

    def get(self, _key: Key) -> None:
        return None


class World:
    """A reconciler, and the stores that it reads."""

    def __init__(self) -> None:
        kind, server = XCacheKind(), Server()
        self.wake: float | None = None
        self.named, self.observed = Named(), Observed()
        self.resources = server.resources = Resources(server, [XCACHE_NODES], lambda _: None)  # type: ignore[arg-type]
        self.children = server.children = Children(server, [kind], lambda _: None)  # type: ignore[arg-type]
        self.server = server
        self.reconciler = Reconciler(
            api=server,  # type: ignore[arg-type]
            kinds={"XCacheNode": kind},
            resources=self.resources,
            children=self.children,
            references=self.named,  # type: ignore[arg-type]
            observations=self.observed,
            peers=Peers([kind], self.resources.stores, lambda _: None),
            events=self,  # type: ignore[arg-type]
            context=lambda: Context(xcache_image="example.org/xcache:1", operator_namespace="o", pod_monitor=False),
            clock=lambda: NOW,
        )

    def emit(self, *_: Any) -> None:
        """Take an event."""

    async def reconcile(
        self, spec: dict[str, Any], generation: int, uid: str = "u", failures: int = 0
    ) -> Mapping[str, Any]:
        """Write a spec, run one pass, and return the resource."""
        body = xcache("x", "ns", **spec)
        old = self.resources.get(KEY) or {}
        status = old.get("status", {}) if old and old["metadata"]["uid"] == uid else {"observedGeneration": -1}
        metadata = {**body["metadata"], "uid": uid, "generation": generation}
        self.resources.stores[XCACHE_NODES].put(self.server.newer({**body, "status": status, "metadata": metadata}))
        self.wake = await self.reconciler.reconcile(KEY, failures)
        found = self.resources.get(KEY)
        assert found is not None
        return found

    def pod(self, address: str) -> None:
        """Give the pod an address."""
        labels = self.children.stores[STATEFUL_SETS].get("ns", "x")["metadata"]["labels"]  # type: ignore[index]
        owner = {"kind": "StatefulSet", "name": "x", "uid": "child", "controller": True}
        metadata = {"name": "x-0", "namespace": "ns", "uid": "p", "labels": labels, "ownerReferences": [owner]}
        self.children.stores[PODS].put(self.server.newer({"metadata": metadata, "status": {"podIP": address}}))


@pytest.fixture
def world() -> World:
    return World()


async def test_a_spec_that_is_not_valid_any_more_leaves_the_named_claim_observed(world: World) -> None:
    good = await world.reconcile(GOOD, 1)
    assert condition(good, "StorageBound")["status"] == "True"
    bad = await world.reconcile(BAD, 2)
    assert condition(bad, "Stalled")
    assert condition(bad, "StorageBound")["status"] == "True"
    world.named.there[THEIRS]["status"]["phase"] = "Lost"
    assert condition(await world.reconcile(BAD, 3), "StorageBound")["reason"] == "ClaimLost"


async def test_while_a_spec_is_not_valid_a_new_pod_is_asked_at_its_own_address(world: World) -> None:
    await world.reconcile(GOOD, 1)
    world.pod("10.0.0.1")
    await world.reconcile(GOOD, 1)
    world.pod("10.0.0.2")
    await world.reconcile(BAD, 2)
    assert world.observed.url == "http://10.0.0.2:9931/state"


async def test_a_resource_that_was_made_again_is_not_taken_for_the_one_before(world: World) -> None:
    await world.reconcile(GOOD, 1)
    again = await world.reconcile(BAD, 1, uid="another")
    assert condition(again, "Stalled")
    assert not condition(again, "StorageBound")


WITH_CLAIM: dict[str, Any] = {"storage": {"data": [{"name": "d0", "claim": {"size": "1Gi"}}]}}
MISSING: dict[str, Any] = {"name": "d1", "existingClaim": {"name": "missing"}}
TROUBLES: dict[str, dict[str, Any]] = {
    "stalled": WITH_CLAIM | {"origin": BAD["origin"]},
    "a dependency is missing": {"storage": {"data": [*WITH_CLAIM["storage"]["data"], MISSING], "maxCacheSize": "1Gi"}},
}


def owners(world: World) -> list[str]:
    claim = world.children.get(CLAIMS, "ns", "x-d0")
    assert claim is not None
    return [one["uid"] for one in claim["metadata"].get("ownerReferences", [])]


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
async def test_claims_are_released_whatever_else_is_wrong(trouble: dict[str, Any], world: World) -> None:
    await world.reconcile(WITH_CLAIM | {"deletionPolicy": "Delete"}, 1)
    await world.reconcile(trouble | {"deletionPolicy": "Delete"}, 2)
    assert owners(world) == ["u"]
    await world.reconcile(trouble | {"deletionPolicy": "Retain", "suspend": True}, 3)
    assert owners(world) == ["u"], "suspend stops every write"
    body = await world.reconcile(trouble | {"deletionPolicy": "Retain"}, 4)
    assert condition(body, "Ready")["status"] == "False"
    assert owners(world) == []


async def test_failures_are_told_when_they_last_and_once(world: World) -> None:
    error = world.server.refused = ApiError(500, "InternalError", "etcd is away")
    for failures in (0, 1):
        with pytest.raises(ApiError):
            await world.reconcile(WITH_CLAIM, 1, failures=failures)
    body = world.resources.get(KEY)
    assert body is not None
    assert "conditions" not in body["status"]
    for failures in (2, 3):
        with pytest.raises(ApiError) as raised:
            await world.reconcile(WITH_CLAIM, 1, failures=failures)
        assert raised.value is error
    body = world.resources.get(KEY)
    assert body is not None
    assert condition(body, "Reconciling")["reason"] == "Retrying"
    assert "etcd is away" in condition(body, "Ready")["message"]
    assert world.server.statuses == 1
    world.server.refused = None
    assert condition(await world.reconcile(WITH_CLAIM, 1, failures=4), "Ready")["reason"] != "Retrying"


async def test_a_namespace_that_is_being_deleted_is_waited_for(world: World) -> None:
    world.server.refused = NamespaceTerminating(403, "Forbidden", "it is being terminated")
    body = await world.reconcile(WITH_CLAIM, 1)
    assert condition(body, "Reconciling")["reason"] == "NamespaceTerminating"
    assert not condition(body, "Stalled")


async def test_a_reference_that_nothing_is_heard_of_is_told_after_a_while(world: World) -> None:
    world.named.silent = 4.0
    body = await world.reconcile(GOOD, 1)
    assert "conditions" not in body["status"]
    assert world.wake == 6.0
    world.named.silent = 10.0
    body = await world.reconcile(GOOD, 1)
    assert condition(body, "Reconciling")["reason"] == "DependencyUnknown"
    for word in ("PersistentVolumeClaim theirs", "no right to list"):
        assert word in condition(body, "Ready")["message"]
    world.named.silent = None
    assert condition(await world.reconcile(GOOD, 1), "Ready")["reason"] != "DependencyUnknown"


class Keeping(XCacheKind):
    """Keeps what it has until its Service has been applied, as a kind whose state becomes known during a pass."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked = 0

    def keeps(self, model: Any, context: Context, view: View) -> bool:
        self.asked += 1
        return not any(kind == "Service" for kind, _ in view.children)


async def test_what_is_kept_is_judged_by_the_moment_that_what_is_desired_is_of(world: World) -> None:
    kind = Keeping(world)
    world.reconciler._kinds = {"XCacheNode": kind}
    pruned: list[str] = []

    async def delete(_resource: Any, _namespace: str, name: str, **_: Any) -> None:
        pruned.append(name)

    world.server.delete = delete  # type: ignore[attr-defined]
    body = xcache("x", "ns", **WITH_CLAIM)
    reference = {"kind": "XCacheNode", "name": "x", "uid": "u", "controller": True}
    labels = {"app.kubernetes.io/name": "xcache", "app.kubernetes.io/instance": "x"}
    old = {"name": "old", "namespace": "ns", "uid": "o", "labels": labels, "ownerReferences": [reference]}
    world.children.stores[STATEFUL_SETS].put(world.server.newer({"kind": "StatefulSet", "metadata": old, "status": {}}))
    await world.reconcile(body["spec"], 1)
    assert (kind.asked, pruned) == (1, [])
    await world.reconcile(body["spec"], 1)
    assert pruned == ["old"]
