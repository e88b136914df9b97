"""Passes over a QoSProbe: what they write while runs begin, end, or cannot begin."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from datalake_operator.build.labels import labels
from datalake_operator.kube.errors import Conflict, NotFound
from datalake_operator.kube.references import Reference
from datalake_operator.kube.resource import CONFIG_MAPS, CRON_JOBS, JOBS, PODS, QOS_PROBES, XCACHE_NODES, Resource, of
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.peers import Peers
from datalake_operator.reconcile.pipeline import Reconciler
from datalake_operator.reconcile.probe import ProbeKind
from datalake_operator.reconcile.report import RECONCILE_AT
from datalake_operator.reconcile.resources import Resources
from datalake_operator.status.conditions import rfc3339
from tests.support.objects import condition, probe
from tests.support.probe_jobs import cell, envelope
from tests.unit.status.probe.conftest import CONTEXT, NOW, pod

KEY = Key("QoSProbe", "ns", "x")

Object = dict[str, Any]


class Server:
    """An API server with one probe and its children; tells what was written."""

    def __init__(self) -> None:
        self.version = 1000
        self.written: list[str] = []
        self.world: World | None = None

    def newer(self, body: Mapping[str, Any]) -> Object:
        self.version += 1
        metadata = {"uid": f"uid-{body['metadata']['name']}", **body["metadata"], "resourceVersion": str(self.version)}
        return {**body, "metadata": metadata}

    def live(self, resource: Resource, name: str) -> Any:
        assert self.world is not None
        return self.world.children.stores[resource].get("ns", name)

    async def get(self, resource: Resource, _namespace: str, name: str, **_: Any) -> Any:
        assert self.world is not None
        if resource == QOS_PROBES:
            return self.world.resources.get(KEY)
        live = self.live(resource, name)
        if live is None:
            raise NotFound(404, "NotFound", name)
        return live

    async def apply(self, manifest: Mapping[str, Any], **_: Any) -> Any:
        self.written.append(f"apply {manifest['kind']}")
        return self.newer({**(self.live(of(manifest), manifest["metadata"]["name"]) or {}), **manifest})

    async def create(self, manifest: Mapping[str, Any]) -> Any:
        self.written.append(f"create {manifest['kind']}")
        if self.live(of(manifest), manifest["metadata"]["name"]) is not None:
            raise Conflict(409, "AlreadyExists", "taken")
        return self.newer({**manifest, "metadata": {**manifest["metadata"], "creationTimestamp": rfc3339(NOW)}})

    async def overwrite(self, manifest: Mapping[str, Any], uid: str) -> Any:
        live = self.live(of(manifest), manifest["metadata"]["name"])
        assert live["metadata"]["uid"] == uid
        self.written.append(f"change {manifest['kind']} {manifest['spec']}")
        return self.newer({**live, "spec": live["spec"] | manifest["spec"]})

    async def apply_status(self, manifest: Mapping[str, Any]) -> Any:
        assert self.world is not None
        self.written.append("status")
        return self.newer({**(self.world.resources.get(KEY) or {}), "status": manifest["status"]})

    async def delete(self, resource: Resource, _namespace: str, name: str, **_: Any) -> None:
        assert self.world is not None
        self.written.append(f"delete {resource.kind} {name}")
        self.version += 1
        self.world.children.stores[resource].remove("ns", name, self.version)


class World:
    """A reconciler, and the stores that it reads."""

    def __init__(self) -> None:
        kind, self.server = ProbeKind(), Server()
        self.server.world = self
        self.resources = Resources(self.server, [QOS_PROBES], lambda _: None)  # type: ignore[arg-type]
        self.children = Children(self.server, [kind], lambda _: None)  # type: ignore[arg-type]
        self.there: dict[Reference, Any] = {}
        self.now = NOW
        self.wake: float | None = None
        self.reconciler = Reconciler(
            api=self.server,  # type: ignore[arg-type]
            kinds={"QoSProbe": kind},
            resources=self.resources,
            children=self.children,
            references=self,  # type: ignore[arg-type]
            observations=self,
            peers=Peers([kind], self.resources.stores, lambda _: None),
            events=self,  # type: ignore[arg-type]
            context=lambda: CONTEXT,
            clock=lambda: self.now,
        )

    def want(self, _owner: object, _references: Iterable[Reference]) -> None:
        """Watch by name."""

    def known(self, _reference: Reference) -> bool:
        return True

    def get(self, what: Any) -> Any:
        return self.there.get(what)

    def watch(self, *_: Any) -> None:
        """Ask an operand."""

    def emit(self, *_: Any) -> None:
        """Take an event."""

    def write(self, *, annotation: str = "", generation: int = 1, **spec: Any) -> None:
        """Write the probe."""
        body = probe("x", "ns", **spec)
        old = self.resources.get(KEY) or {"status": {"observedGeneration": -1}}
        annotations = {RECONCILE_AT: annotation} if annotation else {}
        metadata = {**body["metadata"], "uid": "u", "generation": generation, "annotations": annotations}
        self.resources.stores[QOS_PROBES].put(
            self.server.newer({**body, "metadata": metadata, "status": old["status"]})
        )

    async def reconcile(self) -> list[str]:
        """One pass; return what it wrote."""
        self.server.written.clear()
        self.wake = await self.reconciler.reconcile(KEY)
        return self.server.written

    @property
    def body(self) -> Mapping[str, Any]:
        """The probe."""
        found = self.resources.get(KEY)
        assert found is not None
        return found

    @property
    def status(self) -> Mapping[str, Any]:
        """Its status."""
        found: Mapping[str, Any] = self.body["status"]
        return found

    def cron(self) -> Object:
        """Its CronJob."""
        return dict(self.server.live(CRON_JOBS, "x"))

    def begin(self, name: str = "x-1") -> Object:
        """Let the CronJob make a Job."""
        cron = self.cron()
        template = cron["spec"]["jobTemplate"]
        owner = {"kind": "CronJob", "name": "x", "uid": cron["metadata"]["uid"], "controller": True}
        metadata = {
            "name": name,
            "namespace": "ns",
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner],
        }
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}
        metadata["creationTimestamp"] = rfc3339(self.now)
        return self.put(JOBS, {**job, "status": {"startTime": rfc3339(self.now)}})

    def pod(self, job: Object, **fields: Any) -> None:
        """Let its pod be so."""
        made = pod(job, **fields)
        made["metadata"] |= {
            "namespace": "ns",
            "labels": {**labels("probe", "x", "runner"), **made["metadata"]["labels"]},
        }
        self.put(PODS, made)

    def end(self, job: Object, message: str, **fields: Any) -> None:
        """Let a Job end with a message."""
        self.pod(job, message=message, **fields)
        done = {"type": "Complete", "status": "True", "lastTransitionTime": rfc3339(self.now)}
        self.put(JOBS, {**job, "status": {**job["status"], "conditions": [done]}})

    def put(self, resource: Resource, body: Object) -> Object:
        """Let the store hear of a child."""
        live = self.server.newer(body)
        self.children.stores[resource].put(live)
        return live


@pytest.fixture
def world() -> World:
    return World()


async def settled(world: World, **spec: Any) -> None:
    """A probe that is made and at rest."""
    world.write(**spec)
    assert await world.reconcile() == ["apply ConfigMap", "apply CronJob", "status"]
    assert await world.reconcile() == []


async def test_a_run_costs_one_write_and_the_same_run_is_never_counted_twice(world: World) -> None:
    await settled(world)
    assert condition(world.body, "Ready")["reason"] == "Scheduled"
    job = world.begin()
    world.pod(job)
    assert await world.reconcile() == []
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    assert world.status["cells"][0]["state"] == "ok"
    assert await world.reconcile() == []
    assert [run["id"] for run in world.status["runs"]] == ["x-1"]


async def test_a_job_whose_pod_was_not_heard_of_yet_is_looked_at_again(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.pod(job)
    done = {"type": "Complete", "status": "True", "lastTransitionTime": rfc3339(NOW)}
    world.put(JOBS, {**job, "status": {**job["status"], "conditions": [done]}})
    assert await world.reconcile() == []
    assert world.wake == 30.0
    world.pod(job, message=envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    assert world.status["summary"]["ok"] == 1


async def test_a_job_whose_pod_is_gone_is_an_unknown_run(world: World) -> None:
    await settled(world)
    job = world.begin()
    done = {"type": "Failed", "status": "True", "lastTransitionTime": rfc3339(NOW)}
    world.put(JOBS, {**job, "status": {**job["status"], "conditions": [done]}})
    assert await world.reconcile() == []
    world.now += timedelta(seconds=31)
    assert await world.reconcile() == ["status"]
    assert (world.status["lastRun"]["result"], world.status["lastRun"]["reason"]) == ("unknown", "NoMessage")
    assert condition(world.body, "Ready")["reason"] == "NoMessage"
    assert "kubectl describe job x-1" in condition(world.body, "Ready")["message"]


async def test_a_job_that_waits_for_its_image_is_told_of_and_then_deleted(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.pod(job, waiting="ErrImagePull")
    assert await world.reconcile() == ["status"]
    ready = condition(world.body, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ImageUnavailable")
    assert "example.org/probe:1" in ready["message"]
    assert world.wake == 0.0, "the next run must not wait for this one"
    assert await world.reconcile() == ["delete Job x-1"]
    assert await world.reconcile() == []
    assert condition(world.body, "Ready")["reason"] == "ImageUnavailable", "until a run has measured"
    world.now += timedelta(minutes=15)
    world.end(world.begin("x-2"), envelope("x-2", [cell("a")], start=rfc3339(world.now), end=rfc3339(world.now)))
    assert await world.reconcile() == ["status"]
    assert condition(world.body, "Ready")["status"] == "True"


async def test_a_run_on_request_is_made_once_by_post_and_echoed_then(world: World) -> None:
    await settled(world)
    world.write(annotation="now")
    assert await world.reconcile() == ["create Job", "status"]
    assert world.status["lastHandledReconcileAt"] == "now"
    assert await world.reconcile() == []
    job = next(live for resource, live in world.children.of(KEY) if resource == JOBS)
    assert job["spec"]["ttlSecondsAfterFinished"] == 3600
    name = job["metadata"]["name"]
    world.end(
        {**job, "status": {"startTime": rfc3339(NOW)}},
        envelope(name, [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)),
    )
    assert await world.reconcile() == ["status"]
    world.server.version += 1
    world.children.stores[JOBS].remove("ns", name, world.server.version)
    assert await world.reconcile() == [], "it has ended and is gone: that is no reason to make it again"


async def test_a_run_on_request_waits_for_the_run_that_goes_on(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.pod(job)
    world.write(annotation="now")
    assert await world.reconcile() == []
    assert "lastHandledReconcileAt" not in world.status
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["create Job", "status"]
    assert world.status["lastHandledReconcileAt"] == "now"


async def test_a_run_on_request_that_was_made_before_a_crash_is_not_made_again(world: World) -> None:
    await settled(world)
    world.write(annotation="now")
    await world.reconcile()
    status = {key: part for key, part in world.status.items() if key != "lastHandledReconcileAt"}
    world.resources.stores[QOS_PROBES].put(world.server.newer({**world.body, "status": status}))
    assert await world.reconcile() == ["status"]
    assert world.status["lastHandledReconcileAt"] == "now"


@pytest.mark.parametrize("trouble", [{}, {"maintenanceFrom": [{"configMapRef": {"name": "missing", "key": "k"}}]}])
async def test_suspend_halts_the_cron_job_whatever_else_is_wrong_and_changes_nothing_else(
    trouble: dict[str, Any], world: World
) -> None:
    await settled(world)
    before = world.cron()["spec"]
    world.write(generation=2, suspend=True, timeout="1m", annotation="now", **trouble)
    assert await world.reconcile() == ["change CronJob {'suspend': True}", "status"]
    assert world.cron()["spec"] == before | {"suspend": True}
    assert "lastHandledReconcileAt" not in world.status
    assert await world.reconcile() == []
    world.write(generation=3, timeout="5m")
    assert await world.reconcile() == ["apply CronJob", "status"]
    assert world.cron()["spec"] == before


async def test_while_suspended_a_run_that_goes_on_still_counts(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.write(generation=2, suspend=True)
    await world.reconcile()
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    assert world.status["summary"]["ok"] == 1
    assert condition(world.body, "Ready")["reason"] == "Suspended"


async def test_an_old_plan_stays_while_a_run_uses_it_and_goes_when_one_has_the_new(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.pod(job)
    world.write(generation=2, timeout="2m")
    assert await world.reconcile() == ["apply ConfigMap", "apply CronJob", "status"]
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    world.now += timedelta(minutes=15)
    world.begin("x-2")
    assert [word.rpartition("-")[0] for word in await world.reconcile()] == ["delete ConfigMap x-plan"]
    assert len(world.children.stores[CONFIG_MAPS]) == 1


async def test_jobs_of_ours_and_of_strangers_are_never_pruned(world: World) -> None:
    await settled(world)
    world.put(JOBS, {"kind": "Job", "metadata": {"name": "s", "namespace": "ns", "labels": labels("probe", "x", "r")}})
    assert await world.reconcile() == []


async def test_a_cache_that_is_missing_is_waited_for(world: World) -> None:
    cache: dict[str, Any] = {
        "tcp": None,
        "cache": {"xcacheRef": {"name": "c"}, "file": {"path": "f", "adler32": "00000001"}},
    }
    world.write(**cache)
    assert await world.reconcile() == ["status"]
    assert condition(world.body, "Ready")["reason"] == "DependencyMissing"
    body = {
        "apiVersion": "datalake.projectescape.eu/v1alpha1",
        "kind": "XCacheNode",
        "metadata": {"name": "c", "namespace": "ns"},
        "spec": {
            "site": "T",
            "origin": {"url": "root://o.example.org:1094"},
            "storage": {"data": [{"name": "d0", "claim": {"size": "1Gi"}}]},
            "auth": {"clients": {"anonymous": True}, "origin": {"anonymous": True}},
        },
    }
    world.there[Reference(XCACHE_NODES, "ns", "c")] = body
    assert await world.reconcile() == ["apply ConfigMap", "apply CronJob", "status"]
    assert [one["source"] for one in world.status["cells"]] == ["c"]


async def test_a_spec_that_is_refused_leaves_what_runs_judged(world: World) -> None:
    await settled(world)
    job = world.begin()
    limit = {"measurement": "connect_seconds", "atMost": {"warning": "1", "critical": "2"}, "window": "720h"}
    world.write(generation=2, thresholds=[limit])
    assert await world.reconcile() == ["status"]
    assert condition(world.body, "Stalled")["reason"] == "HistoryTooShort"
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    assert world.status["summary"]["ok"] == 1
    world.now += timedelta(days=1)
    assert await world.reconcile() == ["status"]
    assert world.status["cells"][0]["state"] == "unknown", "nothing stays green unseen"


async def test_nothing_stays_green_unseen_where_no_valid_spec_is_known(world: World) -> None:
    await settled(world)
    world.end(world.begin(), envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    await world.reconcile()
    world.write(generation=2, interval=None, schedule="0 0 30 2 *")
    world.reconciler._good.clear()  # the operator has started anew
    assert await world.reconcile() == ["status"]
    assert condition(world.body, "Stalled")["reason"] == "InvalidSpec"
    assert world.status["cells"][0]["state"] == "ok"
    assert world.wake is not None
    world.now += timedelta(seconds=world.wake + 1)
    assert await world.reconcile() == ["status"]
    assert (world.status["cells"][0]["state"], world.status["cells"][0]["reason"]) == ("unknown", "Stale")
    assert condition(world.body, "Healthy")["status"] == "Unknown"
