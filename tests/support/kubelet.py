"""What kubelet, controllers and provisioner would do, for a control plane that has none of them.

StatefulSets and Deployments get pods that are Ready at once, Jobs end as the test says, and claims get bound, so that
resources become Ready. Nothing runs.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.support.client import Client, Object, RefusedError
from tests.support.pods import NOW, JobEnd, belongs, component, is_ready, is_stopping, job_pod, made_pod, running

KINDS = ("StatefulSet", "Deployment", "Job", "PersistentVolumeClaim", "Pod")


class Kubelet:
    """Plays the node for one namespace; an async context manager.

    Attributes:
        ready: whether new pods become Ready; after a change call `sync`.
        unready: components whose pods are not Ready all the same.
        address: the IP address of every pod.
        work: what a Job with a running pod comes to: None while it goes on. After a change call `sync`.
        pods: as they were when it looked last.
    """

    def __init__(self, admin: Client, namespace: str, *, address: str = "127.0.0.1") -> None:
        self._admin = admin
        self._namespace = namespace
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self.ready = True
        self.unready: set[str] = set()
        self.address = address
        self.work: Callable[[Object], JobEnd | None] = lambda _job: JobEnd(0)
        self.pods: list[Object] = []

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
        """Bring pods, claims and status of workloads in line with what is asked for."""
        async with self._lock:
            for claim in await self._admin.list("PersistentVolumeClaim", self._namespace):
                await self._bind(claim)
            pods = {pod["metadata"]["name"]: pod for pod in await self._admin.list("Pod", self._namespace)}
            wanted: list[Object] = []
            for stateful_set in await self._admin.list("StatefulSet", self._namespace):
                wanted += await self._roll(stateful_set, pods)
            for deployment in await self._admin.list("Deployment", self._namespace):
                wanted += await self._deploy(deployment, pods)
            for job in await self._admin.list("Job", self._namespace):
                wanted.append(await self._run_job(job, pods))
            for name in pods.keys() - {pod["metadata"]["name"] for pod in wanted}:
                await self._admin.delete("Pod", name, self._namespace)
            self.pods = wanted

    async def _bind(self, claim: Object) -> None:
        asked = claim["spec"]["resources"]["requests"]
        if claim.get("status", {}).get("capacity") != asked:
            status = {"phase": "Bound", "capacity": asked, "accessModes": claim["spec"]["accessModes"]}
            await self._status(claim, status)

    async def _roll(self, stateful_set: Object, pods: dict[str, Object]) -> list[Object]:
        meta, spec = stateful_set["metadata"], stateful_set["spec"]
        newest = f"{meta['name']}-{_digest(spec['template'])}"
        names = [f"{meta['name']}-{index}" for index in range(spec["replicas"])]
        present = [await self._pod(stateful_set, name, newest, pods.get(name)) for name in names]
        updated = sum(_revision(pod) == newest for pod in present)
        status = {
            "observedGeneration": meta["generation"],
            "replicas": len(present),
            "currentReplicas": updated,
            "updatedReplicas": updated,
            "readyReplicas": sum(is_ready(pod) is True for pod in present),
            "availableReplicas": sum(is_ready(pod) is True for pod in present),
            "currentRevision": next((_revision(pod) for pod in present if _revision(pod) != newest), newest),
            "updateRevision": newest,
        }
        await self._tell(stateful_set, status)
        return present

    async def _pod(self, stateful_set: Object, name: str, revision: str, pod: Object | None) -> Object:
        """Return the pod of that name; one of an old revision is replaced only where it is Ready, as in a cluster.

        One of a former StatefulSet of the name goes as well: the garbage collector deletes it.
        """
        if pod is not None and (
            is_stopping(pod) or not belongs(pod, stateful_set) or (_revision(pod) != revision and is_ready(pod))
        ):
            await self._admin.delete("Pod", name, self._namespace)
            pod = None
        if pod is None:
            labels = {"controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": name}
            pod = await self._admin.create(made_pod(stateful_set, name, "StatefulSet", labels))
        return await self._started(pod)

    async def _deploy(self, deployment: Object, pods: dict[str, Object]) -> list[Object]:
        """Make the pods of the newest template, and delete the others once these are Ready."""
        meta, spec = deployment["metadata"], deployment["spec"]
        newest = f"{meta['name']}-{_digest([spec['template'], meta['uid']])}"
        names = [f"{newest}-{index}" for index in range(spec["replicas"])]
        old = [
            pod
            for name, pod in pods.items()
            if belongs(pod, deployment) and not is_stopping(pod) and name.rpartition("-")[0] != newest
        ]
        present = []
        for name in names:
            pod = pods.get(name)
            if pod is None:
                labels = {"pod-template-hash": newest.rpartition("-")[2]}
                pod = await self._admin.create(made_pod(deployment, name, "ReplicaSet", labels))
            present.append(await self._started(pod))
        if all(map(is_ready, present)):
            old = []
        status = {
            "observedGeneration": meta["generation"],
            "replicas": len(present) + len(old),
            "updatedReplicas": len(present),
            "readyReplicas": sum(is_ready(pod) is True for pod in (*present, *old)),
            "availableReplicas": sum(is_ready(pod) is True for pod in (*present, *old)),
            "unavailableReplicas": sum(is_ready(pod) is not True for pod in present),
        }
        await self._tell(deployment, status)
        return [*present, *old]

    async def _run_job(self, job: Object, pods: dict[str, Object]) -> Object:
        """Make the pod of a Job, and let it end as the test says."""
        name = f"{job['metadata']['name']}-{job['metadata']['uid'][:5]}"
        pod = pods.get(name) or await self._admin.create(job_pod(job, name))
        status = job.get("status", {})
        if any(one["type"] in ("Complete", "Failed") for one in status.get("conditions", ())):
            return pod
        if "status" not in pod or "containerStatuses" not in pod["status"]:
            await self._tell(job, {"active": 1, "ready": 1, "startTime": NOW})
            return await self._status(pod, running(pod, self.address, ready=True))
        end = self.work(job)
        if end is None:
            return pod
        ended = end.of_pod(pod)
        if ended is not None:
            pod = await self._status(pod, ended)
        if end.final:
            await self._status(job, end.of_job())
        return pod

    async def _started(self, pod: Object) -> Object:
        ready = self.ready and component(pod) not in self.unready
        if is_ready(pod) is not ready:
            pod = await self._status(pod, running(pod, self.address, ready=ready))
        return pod

    async def _tell(self, body: Object, status: Object) -> None:
        if {**body.get("status", {}), **status} != body.get("status"):
            await self._status(body, status)

    async def _status(self, body: Object, status: Object) -> Object:
        return await self._admin.patch(
            body["kind"], body["metadata"]["name"], self._namespace, {"status": status}, subresource="status"
        )


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()[:10]


def _revision(pod: Object) -> str:
    return str(pod["metadata"]["labels"]["controller-revision-hash"])
