"""A small Kubernetes client for tests; not the product's, so that a bug there cannot hide itself."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.support.kubeconfig import Endpoint

Object = dict[str, Any]

DATALAKE = "datalake.projectescape.eu/v1alpha1"
PATHS = {
    "XCacheNode": (DATALAKE, "xcachenodes"),
    "RucioServer": (DATALAKE, "rucioservers"),
    "QoSProbe": (DATALAKE, "qosprobes"),
    "ConfigMap": ("v1", "configmaps"),
    "Event": ("v1", "events"),
    "Namespace": ("v1", "namespaces"),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims"),
    "Pod": ("v1", "pods"),
    "Secret": ("v1", "secrets"),
    "Service": ("v1", "services"),
    "ServiceAccount": ("v1", "serviceaccounts"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "Deployment": ("apps/v1", "deployments"),
    "CronJob": ("batch/v1", "cronjobs"),
    "Job": ("batch/v1", "jobs"),
    "Ingress": ("networking.k8s.io/v1", "ingresses"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    "PodMonitor": ("monitoring.coreos.com/v1", "podmonitors"),
    "Lease": ("coordination.k8s.io/v1", "leases"),
    "StorageClass": ("storage.k8s.io/v1", "storageclasses"),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1", "customresourcedefinitions"),
}
"""apiVersion and plural by kind."""
CLUSTER_WIDE = frozenset({"Namespace", "CustomResourceDefinition", "StorageClass"})


class RefusedError(Exception):
    """The API server's answer was an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class MissingError(RefusedError, LookupError):
    """There is no such object; for `eventually` that means not yet."""


class Client:
    """Requests as one user; an async context manager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32, ssl=self._endpoint.tls or True), headers=self._endpoint.headers
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(self, method: str, path: str, body: object = None, content: str = "application/json") -> Object:
        """Send one request. Raises RefusedError for an answer of 400 or more."""
        assert self._session is not None
        data = None if body is None else json.dumps(body)
        url = self._endpoint.url + path
        async with self._session.request(method, url, data=data, headers={"Content-Type": content}) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise (MissingError if answer.status == 404 else RefusedError)(answer.status, text)
            return json.loads(text) if text.startswith("{") else {"text": text}

    async def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """Read one object."""
        return await self.request("GET", path(kind, namespace, name))

    async def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """Read one object; None where there is none."""
        try:
            return await self.get(kind, name, namespace)
        except MissingError:
            return None

    async def list(self, kind: str, namespace: str = "", labels: str = "") -> list[Object]:
        """List objects, by kind, namespace and label selector; a kind that is not served has none."""
        query = f"?labelSelector={labels}" if labels else ""
        try:
            items = (await self.request("GET", path(kind, namespace) + query))["items"]
        except MissingError:
            return []
        api_version, _ = PATHS[kind]
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    async def create(self, manifest: Object) -> Object:
        """Create an object."""
        meta = manifest["metadata"]
        return await self.request("POST", path(manifest["kind"], meta.get("namespace", "")), manifest)

    async def apply(self, manifest: Object, subresource: str = "", manager: str = "test") -> Object:
        """Apply an object on the server side, by force."""
        meta = manifest["metadata"]
        where = path(manifest["kind"], meta.get("namespace", ""), meta["name"], subresource)
        query = f"?fieldManager={manager}&force=true"
        return await self.request("PATCH", where + query, manifest, "application/apply-patch+yaml")

    async def patch(
        self, kind: str, name: str, namespace: str, change: Mapping[str, Any], subresource: str = ""
    ) -> Object:
        """Patch by JSON merge patch (RFC 7386)."""
        where = path(kind, namespace, name, subresource)
        return await self.request("PATCH", where, change, "application/merge-patch+json")

    async def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete an object now, in the background; one that is not there is fine.

        Without saying so, Jobs of batch/v1 orphan their pods, and wait for a garbage collector to do it.
        """
        with contextlib.suppress(MissingError):
            query = "?gracePeriodSeconds=0&propagationPolicy=Background"
            await self.request("DELETE", path(kind, namespace, name) + query)

    async def delete_all(self, kind: str, namespace: str) -> None:
        """Delete every object of a kind in a namespace."""
        await self.request("DELETE", path(kind, namespace) + "?gracePeriodSeconds=0")

    async def watch(self, kind: str, namespace: str = "", version: str = "") -> AsyncIterator[Object]:
        """Yield watch events from `version` on, or from the present objects; ends when the server closes."""
        assert self._session is not None
        query = f"?watch=true&resourceVersion={version}"
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.get(self._endpoint.url + path(kind, namespace) + query, timeout=timeout) as answer:
            async for line in answer.content:
                yield json.loads(line)


def path(kind: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Return the path of a collection, an object or a subresource."""
    api_version, plural = PATHS[kind]
    root = "/api/v1" if api_version == "v1" else f"/apis/{api_version}"
    inside = [] if kind in CLUSTER_WIDE or not namespace else ["namespaces", namespace]
    return "/".join(part for part in (root, *inside, plural, name, subresource) if part)
