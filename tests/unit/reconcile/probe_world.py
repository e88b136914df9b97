"""Passes over a QoSProbe without an API server: the stores that they read, and what they write."""

from collections.abc import Iterable, Mapping
from typing import Any

from datalake_operator.build.labels import labels
from datalake_operator.kube.errors import Conflict, NotFound
from datalake_operator.kube.references import Reference
from datalake_operator.kube.resource import CRON_JOBS, JOBS, PODS, QOS_PROBES, Resource, of
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.peers import Peers
from datalake_operator.reconcile.pipeline import Reconciler
from datalake_operator.reconcile.probe import ProbeKind
from datalake_operator.reconcile.report import RECONCILE_AT
from datalake_operator.reconcile.resources import Resources
from datalake_operator.status.conditions import rfc3339
from tests.support.objects import probe
from tests.unit.status.probe.conftest import CONTEXT, NOW, pod

KEY = Key("QoSProbe", "ns", "x")

Object = dict[str, Any]


class Crash(Exception):
    """The operator is no more."""


class Server:
    """An API server with one probe and its children; tells what was written.

    Attributes:
        fuse: which write the operator does not survive, and whether it ends after that: it never hears the answer.
    """

    def __init__(self) -> None:
        self.version = 1000
        self.written: list[str] = []
        self.count = 0
        self.fuse: tuple[int, bool] | None = None
        self.world: World | None = None

    def newer(self, body: Mapping[str, Any]) -> Object:
        self.version += 1
        metadata = {"uid": f"uid-{body['metadata']['name']}", **body["metadata"], "resourceVersion": str(self.version)}
        return {**body, "metadata": metadata}

    def live(self, resource: Resource, name: str) -> Any:
        assert self.world is not None
        return self.world.children.stores[resource].get("ns", name)

    def _begin(self, what: str) -> None:
        self.count += 1
        self.written.append(what)
        if self.fuse == (self.count, False):
            raise Crash

    def _end(self, resource: Resource, live: Object) -> Object:
        assert self.world is not None
        if self.fuse == (self.count, True):
            stores = self.world.resources.stores if resource == QOS_PROBES else self.world.children.stores
            stores[resource].put(live)  # as the list of the next start tells
            raise Crash
        return live

    async def get(self, resource: Resource, _namespace: str, name: str, **_: Any) -> Any:
        assert self.world is not None
        if resource == QOS_PROBES:
            return self.world.resources.get(KEY)
        live = self.live(resource, name)
        if live is None:
            raise NotFound(404, "NotFound", name)
        return live

    async def apply(self, manifest: Mapping[str, Any], **_: Any) -> Any:
        self._begin(f"apply {manifest['kind']}")
        old = self.live(of(manifest), manifest["metadata"]["name"]) or {}
        return self._end(of(manifest), self.newer({**old, **manifest}))

    async def create(self, manifest: Mapping[str, Any]) -> Any:
        self._begin(f"create {manifest['kind']}")
        assert self.world is not None
        if self.live(of(manifest), manifest["metadata"]["name"]) is not None:
            raise Conflict(409, "AlreadyExists", "taken")
        metadata = {**manifest["metadata"], "creationTimestamp": rfc3339(self.world.now)}
        return self._end(of(manifest), self.newer({**manifest, "metadata": metadata}))

    async def overwrite(self, manifest: Mapping[str, Any], uid: str) -> Any:
        live = self.live(of(manifest), manifest["metadata"]["name"])
        assert live["metadata"]["uid"] == uid
        self._begin(f"change {manifest['kind']} {manifest['spec']}")
        return self._end(of(manifest), self.newer({**live, "spec": live["spec"] | manifest["spec"]}))

    async def apply_status(self, manifest: Mapping[str, Any]) -> Any:
        assert self.world is not None
        self._begin("status")
        return self._end(
            QOS_PROBES, self.newer({**(self.world.resources.get(KEY) or {}), "status": manifest["status"]})
        )

    async def delete(self, resource: Resource, _namespace: str, name: str, **_: Any) -> None:
        assert self.world is not None
        self._begin(f"delete {resource.kind} {name}")
        self.version += 1
        self.world.children.stores[resource].remove("ns", name, self.version)
        if self.fuse == (self.count, True):
            raise Crash


class World:
    """A reconciler, and the stores that it reads."""

    def __init__(self) -> None:
        self.kind, self.server = ProbeKind(), Server()
        self.server.world = self
        self.resources = Resources(self.server, [QOS_PROBES], lambda _: None)  # type: ignore[arg-type]
        self.children = Children(self.server, [self.kind], lambda _: None)  # type: ignore[arg-type]
        self.there: dict[Reference, Any] = {}
        self.now = NOW
        self.wake: float | None = None
        self.peers = Peers([self.kind], self.resources.stores, lambda _: None)
        self.reconciler = self.started()

    def started(self) -> Reconciler:
        """An operator that has just started."""
        return Reconciler(
            api=self.server,  # type: ignore[arg-type]
            kinds={"QoSProbe": self.kind},
            resources=self.resources,
            children=self.children,
            references=self,  # type: ignore[arg-type]
            observations=self,
            peers=self.peers,
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
