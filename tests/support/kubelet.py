"""What kubelet, controllers and provisioner would do, for a control plane that has none of them.

StatefulSets get pods that are Ready at once, and claims get bound, so that resources become Ready. Nothing runs.
"""

import asyncio
import contextlib
import hashlib
import json
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.support.client import Client, Object, RefusedError

NOW = "2026-01-01T00:00:00Z"
KINDS = ("StatefulSet", "PersistentVolumeClaim", "Pod")


class Kubelet:
    """Plays the node for one namespace; an async context manager.

    Attributes:
        ready: whether new pods become Ready; after a change call `sync`.
        address: the IP address of every pod.
    """

    def __init__(self, admin: Client, namespace: str, *, address: str = "127.0.0.1") -> None:
        self._admin = admin
        self._namespace = namespace
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self.ready = True
        self.address = address

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._watch(kind)) for kind in KINDS]
        self._tasks.append(asyncio.create_task(self._run()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, kind: str) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, RefusedError, TimeoutError):
                async for _ in self._admin.watch(kind, self._namespace):
                    self._changed.set()
            await asyncio.sleep(0.2)

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self.sync()
            except (aiohttp.ClientError, RefusedError) as error:
                print(f"kubelet: {error}")  # noqa: T201 - seen where a test fails
                self._changed.set()
                await asyncio.sleep(0.2)

    async def sync(self) -> None:
        """Bring pods, claims and status of StatefulSets in line with what is asked for."""
        async with self._lock:
            for claim in await self._admin.list("PersistentVolumeClaim", self._namespace):
                await self._bind(claim)
            pods = {pod["metadata"]["name"]: pod for pod in await self._admin.list("Pod", self._namespace)}
            sets = await self._admin.list("StatefulSet", self._namespace)
            for stateful_set in sets:
                await self._roll(stateful_set, pods)
            wanted = {f"{one['metadata']['name']}-{i}" for one in sets for i in range(one["spec"]["replicas"])}
            for name in pods.keys() - wanted:
                await self._admin.delete("Pod", name, self._namespace)

    async def _bind(self, claim: Object) -> None:
        asked = claim["spec"]["resources"]["requests"]
        if claim.get("status", {}).get("capacity") != asked:
            status = {"phase": "Bound", "capacity": asked, "accessModes": claim["spec"]["accessModes"]}
            await self._status(claim, status)

    async def _roll(self, stateful_set: Object, pods: dict[str, Object]) -> None:
        meta, spec = stateful_set["metadata"], stateful_set["spec"]
        text = json.dumps(spec["template"], sort_keys=True).encode()
        newest = f"{meta['name']}-{hashlib.sha1(text, usedforsecurity=False).hexdigest()[:10]}"
        names = [f"{meta['name']}-{index}" for index in range(spec["replicas"])]
        present = [await self._pod(stateful_set, name, newest, pods.get(name)) for name in names]
        updated = sum(_revision(pod) == newest for pod in present)
        status = {
            "observedGeneration": meta["generation"],
            "replicas": len(present),
            "currentReplicas": updated,
            "updatedReplicas": updated,
            "readyReplicas": sum(_ready(pod) is True for pod in present),
            "availableReplicas": sum(_ready(pod) is True for pod in present),
            "currentRevision": next((_revision(pod) for pod in present if _revision(pod) != newest), newest),
            "updateRevision": newest,
        }
        if {**stateful_set.get("status", {}), **status} != stateful_set.get("status"):
            await self._status(stateful_set, status)

    async def _pod(self, stateful_set: Object, name: str, revision: str, pod: Object | None) -> Object:
        """Return the pod of that name; one of an old revision is replaced only where it is Ready, as in a cluster.

        One of a former StatefulSet of the name goes as well: the garbage collector deletes it.
        """
        if pod is not None and (
            _is_stopping(pod) or not _belongs(pod, stateful_set) or (_revision(pod) != revision and _ready(pod))
        ):
            await self._admin.delete("Pod", name, self._namespace)
            pod = None
        if pod is None:
            pod = await self._admin.create(_pod(stateful_set, name, revision))
        if _ready(pod) is not self.ready:
            pod = await self._status(pod, self._pod_status(pod))
        return pod

    async def _status(self, body: Object, status: Object) -> Object:
        return await self._admin.patch(
            body["kind"], body["metadata"]["name"], self._namespace, {"status": status}, subresource="status"
        )

    def _pod_status(self, pod: Object) -> Object:
        truth = str(self.ready)
        kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        return {
            "phase": "Running",
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": NOW,
            "conditions": [
                {"type": kind, "status": "True" if kind in kinds[:2] else truth, "lastTransitionTime": NOW}
                for kind in kinds
            ],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "imageID": "",
                    "ready": self.ready,
                    "started": self.ready,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": NOW}},
                }
                for container in pod["spec"]["containers"]
            ],
        }


def _is_stopping(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _belongs(pod: Object, owner: Object) -> bool:
    return any(one["uid"] == owner["metadata"]["uid"] for one in pod["metadata"].get("ownerReferences", ()))


def _revision(pod: Object) -> str:
    return str(pod["metadata"]["labels"]["controller-revision-hash"])


def _ready(pod: Object) -> bool | None:
    conditions: list[dict[str, Any]] = pod.get("status", {}).get("conditions", [])
    return next((one["status"] == "True" for one in conditions if one["type"] == "Ready"), None)


def _pod(stateful_set: Object, name: str, revision: str) -> Object:
    meta, template = stateful_set["metadata"], stateful_set["spec"]["template"]
    owner = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }
    labels = {
        **template["metadata"]["labels"],
        "controller-revision-hash": revision,
        "statefulset.kubernetes.io/pod-name": name,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": meta["namespace"], "labels": labels, "ownerReferences": [owner]},
        "spec": {**template["spec"], "nodeName": "nowhere", "hostname": name},
    }
