"""What every measurement works with: a control plane, a client, the operator as a process, the peer."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from datalake_operator.api.parse import parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context, xcache
from datalake_operator.reconcile.compare import with_hash
from tests.bench import peer
from tests.cluster import Cluster
from tests.support import kubeconfig
from tests.support.audit import Audit
from tests.support.client import Client, Object, RefusedError
from tests.support.objects import xcache as custom_resource
from tests.support.operator import ROOT, Operator
from tests.support.waiting import eventually

PLACEHOLDERS = ("xnamex", "xspacex", "xuidx")
"""Stand for name, namespace and uid in the templates of the peer."""

CONCURRENCY = 16
"""Requests under way at once from the bare client: as many as the peer has workers."""


class Bench:
    """An async context manager."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        assert cluster.audit_log is not None, "figures are counted from the audit log, which this cluster hides"
        self.cluster = cluster
        self.folder = folder
        self.admin = Client(kubeconfig.read(cluster.kubeconfig))
        self.audit = Audit(cluster.audit_log, self.admin)
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._exits.enter_async_context(self.admin)
        for file in sorted((ROOT / "crds").glob("[!k]*.yaml")):
            await self.admin.apply(yaml.safe_load(file.read_text()))
        await self._served()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def _served(self) -> None:
        async def served() -> bool:
            path = "/apis/datalake.projectescape.eu/v1alpha1/"
            try:
                for plural in ("xcachenodes", "rucioservers", "qosprobes"):
                    await self.admin.request("GET", path + plural)
            except RefusedError:
                return False
            return True

        await eventually(served, 20, "our kinds are served")

    async def namespace(self, name: str) -> str:
        """Create a namespace."""
        await self.admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def operator(self, namespace: str) -> Operator:
        """An operator for one namespace, not started, as a user of its own."""
        environment = {f"DATALAKE_{name}": namespace for name in ("NAMESPACES", "NAMESPACE")}
        operator = Operator(self.cluster.client_kubeconfig("operator", ["system:masters"]), self.folder, environment)
        self._exits.callback(operator.kill)
        return operator

    def peer(self, namespace: str) -> subprocess.Popen[bytes]:
        """Start the controller-runtime peer for one namespace."""
        templates = self.folder / "children.json"
        templates.write_text(json.dumps(children(*PLACEHOLDERS)))
        environment = {"KUBECONFIG": str(self.cluster.client_kubeconfig("peer", ["system:masters"]))}
        with (self.folder / "peer.log").open("wb") as log:
            command = [str(peer.program()), "--namespace", namespace, "--templates", str(templates)]
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    async def create(self, namespace: str, names: Iterable[str]) -> None:
        """Create resources, many at once."""
        await self.each(names, lambda name: self.admin.create(custom_resource(name, namespace)))

    async def each(self, names: Iterable[str], action: Callable[[str], Awaitable[object]]) -> None:
        """Run `action(name)` for every name, `CONCURRENCY` at a time."""
        waiting = iter(names)

        async def worker() -> None:
            for name in waiting:
                await action(name)

        async with asyncio.TaskGroup() as group:
            for _ in range(CONCURRENCY):
                group.create_task(worker())

    async def observed(self, namespace: str, count: int, within: float = 300) -> None:
        """Wait until the status of `count` resources speaks of their generation; a watch, so that it costs little."""
        async with asyncio.timeout(within):
            done: set[str] = set()
            async for event in self.admin.watch("XCacheNode", namespace):
                body = event["object"]
                if body.get("status", {}).get("observedGeneration") == body["metadata"].get("generation"):
                    done.add(body["metadata"]["name"])
                if len(done) == count:
                    return


def children(name: str, namespace: str, uid: str) -> list[Object]:
    """The children of the minimal resource, as the operator applies them."""
    body = custom_resource(name, namespace)
    body["metadata"]["uid"] = uid
    context = Context(xcache_image="ghcr.io/projectescape/datalake-xcache:5.8.1-1", operator_namespace="bench")
    node = parse(body)
    assert isinstance(node, XCacheNode)
    return [with_hash(child) for child in xcache.build(node, context)]
