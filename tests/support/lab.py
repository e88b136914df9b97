"""What one contract test works with: a namespace, the proxy, the audit log, operators, resources."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.audit import Audit, Requests
from tests.support.client import Client, Object
from tests.support.objects import children, is_ready, probe, rucio, xcache
from tests.support.operator import Operator
from tests.support.proxy import Proxy
from tests.support.waiting import eventually, unchanged

MAKERS: Mapping[str, Callable[..., Object]] = {"XCacheNode": xcache, "RucioServer": rucio, "QoSProbe": probe}
"""What makes a minimal resource of a kind."""


class Lab:
    """One namespace with everything in reach; operators started here serve only it.

    Attributes:
        user: as whom the operators work, the same for all of this lab.
        kind: of the resources that it works with.
    """

    def __init__(self, admin: Client, audit: Audit, proxy: Proxy, namespace: str, user: str, folder: Path) -> None:
        self.admin = admin
        self.audit = audit
        self.proxy = proxy
        self.namespace = namespace
        self.user = user
        self.folder = folder
        self.operators: dict[str, Operator] = {}
        self.kind = "XCacheNode"

    async def prepare(self, name: str = "operator", module: str = "datalake_operator", **settings: str) -> Operator:
        """Make an operator behind a listener of its own, not yet started; `resync="1s"` sets DATALAKE_RESYNC."""
        client = await self.proxy.listen(name)
        operator = Operator(
            kubeconfig=client.kubeconfig(self.folder / f"{name}.kubeconfig"),
            folder=self.folder,
            module=module,
            environment={
                "DATALAKE_NAMESPACES": self.namespace,
                "DATALAKE_NAMESPACE": self.namespace,
                "DATALAKE_IDENTITY": name,
                **{f"DATALAKE_{key.upper()}": value for key, value in settings.items()},
            },
        )
        client.kill = operator.kill
        self.operators[name] = operator
        return operator

    async def operator(self, name: str = "operator", module: str = "datalake_operator", **settings: str) -> Operator:
        """Start an operator and wait until it is ready."""
        operator = await self.prepare(name, module, **settings)
        await operator.started()
        return operator

    async def create(self, name: str = "x", **spec: Any) -> Object:
        """Create a resource, an XCacheNode unless `kind` says otherwise."""
        return await self.admin.create(MAKERS[self.kind](name, self.namespace, **spec))

    async def read(self, name: str = "x", kind: str = "") -> Object:
        """Read a resource."""
        return await self.admin.get(kind or self.kind, name, self.namespace)

    async def change(self, change: Mapping[str, Any], name: str = "x", kind: str = "") -> Object:
        """Merge a change into a resource."""
        return await self.admin.patch(kind or self.kind, name, self.namespace, change)

    async def children(self, name: str = "x") -> dict[tuple[str, str], Object]:
        """Return the children of a resource by kind and name."""
        return await children(self.admin, self.namespace, name)

    async def until(
        self, holds: Callable[[Object], Any], name: str = "x", within: float = 15, message: str = ""
    ) -> Object:
        """Wait until a resource, as it is read, fulfils `holds`; return it."""

        async def check() -> Object | None:
            body = await self.read(name)
            assert holds(body), body.get("status")
            return body

        body = await eventually(check, within, message or f"{name} {getattr(holds, '__name__', '')}")
        assert body is not None
        return body

    async def ready(self, name: str = "x", within: float = 15) -> Object:
        """Wait until a resource is Ready; return it."""
        return await self.until(is_ready, name, within)

    async def quiet(self, seconds: float = 0.5, within: float = 30) -> None:
        """Wait until the operators have finished no request for a while, but for those that renew a Lease."""

        def finished() -> int:
            return sum(done.call.resource != "leases" for done in self.proxy.done)

        await unchanged(finished, seconds, within)

    async def writes(self, since: int) -> Requests:
        """Return what counts in the budget since a mark."""
        return (await self.audit.since(since)).writes(self.user)

    def close(self) -> None:
        """End all operators; print their logs for whoever reads about a failure.

        Raises AssertionError for a traceback in any of them.
        """
        for name, operator in self.operators.items():
            operator.kill()
            for start in operator.logs():
                print(f"--- {name}: {start.name}\n{start.read_text(errors='replace')[-6000:]}")  # noqa: T201
        for name, operator in self.operators.items():
            assert "Traceback" not in operator.log(), f"{name} logged a traceback"
