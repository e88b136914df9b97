"""What is made once and kept: passwords, replicas that somebody else sets, Jobs that are run again."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from datalake_operator.build import Context
from datalake_operator.build.generated import GENERATED
from datalake_operator.build.labels import AS_FOUND, REPLICAS, labels, owner
from datalake_operator.kube.errors import ApiError, Conflict, NotFound
from datalake_operator.kube.resource import DEPLOYMENTS, JOBS, RUCIO_SERVERS, SECRETS, Resource, of
from datalake_operator.reconcile.apply import Applier
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.compare import with_hash
from datalake_operator.reconcile.kind import Key, Kind, Manifest
from datalake_operator.reconcile.outcome import Taken, Vanished
from datalake_operator.status import Assessment, View

KEY = Key("RucioServer", "ns", "x")
OWNER: dict[str, Any] = {"metadata": {"name": "x", "namespace": "ns", "uid": "u"}}


def child(kind: Resource, name: str, *, owned: bool = True, **rest: Any) -> dict[str, Any]:
    """A desired child."""
    metadata: dict[str, Any] = {"name": name, "namespace": "ns", "labels": labels("rucio", "x", "server")}
    if owned:
        metadata["ownerReferences"] = [owner("RucioServer", "x", "u")]
    metadata |= rest.pop("metadata", {})
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **rest}


def secret(*, owned: bool = False) -> dict[str, Any]:
    return child(SECRETS, "x-root", owned=owned, stringData={"username": "root", "password": GENERATED})


class Toy(Kind[Any]):
    """Only what is watched matters."""

    resource = RUCIO_SERVERS
    app = "rucio"
    children = (SECRETS, DEPLOYMENTS, JOBS)

    def build(self, model: Any, context: Context, view: View) -> tuple[Manifest, ...]:
        return ()

    def assess(self, model: Any, context: Context, view: View, now: datetime) -> Assessment:
        raise NotImplementedError


class Server:
    """Holds objects, and tells which requests came."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.asked: list[tuple[str, Mapping[str, Any] | str]] = []
        self.version = 10
        self.before_create: Callable[[], object] = lambda: None

    def put(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.version += 1
        metadata = {"uid": "c", **body["metadata"], "resourceVersion": str(self.version)}
        found = {**body, "metadata": metadata}
        self.objects[body["kind"], metadata["name"]] = found
        return found

    async def get(self, resource: Resource, _namespace: str, name: str, **_: Any) -> Any:
        self.asked.append(("get", name))
        if (resource.kind, name) not in self.objects:
            raise NotFound(404, "NotFound", name)
        return self.objects[resource.kind, name]

    async def create(self, manifest: Mapping[str, Any]) -> Any:
        self.asked.append(("create", manifest))
        self.before_create()
        if (manifest["kind"], manifest["metadata"]["name"]) in self.objects:
            raise Conflict(409, "AlreadyExists", "taken")
        return self.put({part: value for part, value in manifest.items() if part != "stringData"} | {"data": {}})

    async def apply(self, manifest: Mapping[str, Any]) -> Any:
        self.asked.append(("apply", manifest))
        live = self.objects.get((manifest["kind"], manifest["metadata"]["name"]), {})
        expected = manifest["metadata"].get("resourceVersion")
        if expected and expected != live["metadata"]["resourceVersion"]:
            raise Conflict(409, "Conflict", "another version")
        return self.put({**live, **manifest, "metadata": {**live.get("metadata", {}), **manifest["metadata"]}})

    async def disown(self, resource: Resource, _namespace: str, name: str, _uid: str, owner_uid: str) -> Any:
        self.asked.append(("disown", name))
        live = self.objects[resource.kind, name]
        left = [one for one in live["metadata"]["ownerReferences"] if one["uid"] != owner_uid]
        return self.put({**live, "metadata": {**live["metadata"], "ownerReferences": left}})

    async def delete(self, _resource: Resource, _namespace: str, name: str, **_: Any) -> None:
        self.asked.append(("delete", name))

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.asked]


class World:
    """An applier, its stores and its API server."""

    def __init__(self) -> None:
        self.server = Server()
        self.children = Children(self.server, [Toy()], lambda _: None)  # type: ignore[arg-type]
        self.applier = Applier(self.server, self.children)  # type: ignore[arg-type]

    async def apply(self, *desired: Mapping[str, Any]) -> None:
        await self.applier.apply(KEY, OWNER, RUCIO_SERVERS, desired)

    def live(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Have an object there, known to the operator."""
        found = self.server.put(body)
        self.children.stores[of(body)].put(found)
        return found


@pytest.fixture
def world() -> World:
    return World()


async def test_a_secret_is_created_once_with_values_made_up_and_never_written_again(world: World) -> None:
    for _ in range(3):
        await world.apply(secret())
    assert world.server.verbs() == ["get", "create"]
    _, made = world.server.asked[1]
    assert isinstance(made, Mapping)
    assert made["stringData"]["username"] == "root"
    assert len(made["stringData"]["password"]) == 43
    assert GENERATED not in str(made)


async def test_two_secrets_have_two_passwords(world: World) -> None:
    for name in ("x-root", "x-database"):
        await world.apply({**secret(), "metadata": {**secret()["metadata"], "name": name}})
    made = [body for verb, body in world.server.asked if verb == "create"]
    passwords = {body["stringData"]["password"] for body in made if isinstance(body, Mapping)}
    assert len(passwords) == 2


async def test_a_retained_secret_of_ours_is_used_as_it_is(world: World) -> None:
    world.server.put(with_hash(child(SECRETS, "x-root", owned=False)) | {"data": {"password": "b2xk"}})
    await world.apply(secret())
    assert world.server.verbs() == ["get"]


async def test_a_secret_that_appears_meanwhile_is_read_and_used(world: World) -> None:
    world.server.before_create = lambda: world.server.put(with_hash(child(SECRETS, "x-root", owned=False)))
    await world.apply(secret())
    assert world.server.verbs() == ["get", "create", "get"]


@pytest.mark.parametrize("meanwhile", [False, True])
async def test_a_strangers_secret_is_left_untouched(world: World, *, meanwhile: bool) -> None:
    stranger = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x-root", "namespace": "ns"}}
    if meanwhile:
        world.server.before_create = lambda: world.server.put(stranger)
    else:
        world.server.put(stranger)
    with pytest.raises(Taken, match="Secret x-root"):
        await world.apply(secret())
    assert "apply" not in world.server.verbs()


async def test_another_policy_changes_the_owner_of_a_secret_and_never_its_values(world: World) -> None:
    await world.apply(secret())
    await world.apply(secret(owned=True))
    verb, applied = world.server.asked[-1]
    assert verb == "apply"
    assert not {"data", "stringData"} & set(applied)
    await world.applier.release(KEY, OWNER)
    assert world.server.verbs() == ["get", "create", "apply", "disown"]
    await world.applier.release(KEY, OWNER)
    await world.apply(secret())
    assert world.server.verbs().count("disown") == 1


async def test_a_secret_is_never_pruned(world: World) -> None:
    world.live(child(SECRETS, "x-old"))
    world.live(child(DEPLOYMENTS, "x-gone"))
    await world.applier.prune(KEY, OWNER, [], rolled=True)
    assert world.server.asked == [("delete", "x-gone")]


def deployment(replicas: int, image: str = "one", *, scaled: bool = True) -> dict[str, Any]:
    annotations = {"annotations": {REPLICAS: AS_FOUND}} if scaled else {}
    return child(DEPLOYMENTS, "x-server", metadata=annotations, spec={"replicas": replicas, "image": image})


async def test_replicas_that_a_scaler_sets_make_no_difference(world: World) -> None:
    await world.apply(deployment(2))
    live = world.server.objects["Deployment", "x-server"]
    world.live({**live, "spec": {**live["spec"], "replicas": 7}})
    await world.apply(deployment(2))
    assert world.server.verbs() == ["get", "apply"]
    await world.apply(deployment(7, "two"))
    _, applied = world.server.asked[-1]
    assert isinstance(applied, Mapping)
    assert applied["spec"]["replicas"] == 7
    assert applied["metadata"]["resourceVersion"]


async def test_a_scaler_that_was_faster_wins(world: World) -> None:
    await world.apply(deployment(2))
    live = world.server.objects["Deployment", "x-server"]
    world.server.put({**live, "spec": {**live["spec"], "replicas": 9}})  # not heard of yet
    with pytest.raises(ApiError):
        await world.apply(deployment(2, "two"))
    assert world.server.objects["Deployment", "x-server"]["spec"]["replicas"] == 9


async def test_replicas_of_ours_are_repaired(world: World) -> None:
    await world.apply(deployment(2, scaled=False))
    live = world.server.objects["Deployment", "x-server"]
    world.live({**live, "spec": {**live["spec"], "replicas": 7}})
    await world.apply(deployment(2, scaled=False))
    assert world.server.objects["Deployment", "x-server"]["spec"]["replicas"] == 2


async def test_only_a_job_of_ours_is_removed_and_once(world: World) -> None:
    world.live(child(JOBS, "x-db-1"))
    world.live(child(JOBS, "theirs", owned=False))
    world.live(child(JOBS, "going", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}))
    await world.applier.remove_jobs(KEY, OWNER, ["x-db-1", "theirs", "going", "never-was"])
    assert world.server.asked == [("delete", "x-db-1")]
    there = [live["metadata"]["name"] for _, live in world.children.of(KEY)]
    assert there == ["going", "theirs"], "the next pass must not believe what it found, however late the watch is"


async def test_a_job_that_is_there_is_not_applied_again_since_it_cannot_change(world: World) -> None:
    await world.apply(child(JOBS, "x-db-1", spec={"image": "one"}))
    await world.apply(child(JOBS, "x-db-1", spec={"image": "two"}))
    assert world.server.verbs() == ["get", "apply"]


async def test_the_owner_is_looked_at_before_a_child_is_made_again_and_before_no_other(world: World) -> None:
    old = {**OWNER, "status": {"observedGeneration": 1}}
    new = child(JOBS, "x-db-1")
    await world.applier.apply(KEY, old, RUCIO_SERVERS, [new])
    assert world.server.verbs() == ["get", "apply"]
    live = world.server.objects.pop(("Job", "x-db-1"))
    world.children.stores[JOBS].remove("ns", "x-db-1", live["metadata"]["resourceVersion"])
    with pytest.raises(Vanished):
        await world.applier.apply(KEY, old, RUCIO_SERVERS, [new])
    with pytest.raises(Vanished):
        await world.applier.apply(KEY, old, RUCIO_SERVERS, [secret()])
    assert world.server.verbs() == ["get", "apply", "get", "get"]
