"""Fixtures of the contract tier: one control plane for the session, one namespace and one user for each test."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.cluster import Cluster
from tests.cluster.fixtures import control_plane
from tests.support import kubeconfig
from tests.support.audit import Audit
from tests.support.client import Client, Object, RefusedError
from tests.support.exporter import Exporter
from tests.support.kubelet import Kubelet
from tests.support.lab import Lab
from tests.support.operator import ROOT
from tests.support.proxy import Proxy
from tests.support.rucio import Rucio
from tests.support.waiting import eventually

__all__ = ["control_plane"]

CRDS = ROOT / "crds"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


POD_MONITORS: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "podmonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {"kind": "PodMonitor", "plural": "podmonitors"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
"""Prometheus Operator's kind, as far as we use it."""


async def apply_crds(admin: Client) -> None:
    """Apply the project's definitions and wait until they are served."""
    for file in sorted(CRDS.glob("*.yaml")):
        crd: Object = yaml.safe_load(file.read_text())
        if crd["kind"] == "CustomResourceDefinition":
            await define(admin, crd)


async def define(admin: Client, crd: Object) -> None:
    """Apply a definition and wait until its kind is served."""
    spec = crd["spec"]
    collection = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"

    async def is_served() -> bool:
        try:
            await admin.apply(crd)
            return bool(await admin.request("GET", collection))
        except RefusedError as error:
            raise AssertionError(str(error)) from error

    await eventually(is_served, 20)


async def undefine(admin: Client, name: str) -> None:
    """Delete a definition, with all its objects, and wait until it is gone."""
    await admin.delete("CustomResourceDefinition", name)

    async def is_gone() -> bool:
        return await admin.find("CustomResourceDefinition", name) is None

    await eventually(is_gone, 30)


@pytest.fixture(scope="session")
def endpoint(control_plane: Cluster) -> kubeconfig.Endpoint:
    """The API server as its admin, with our definitions."""
    endpoint = kubeconfig.read(control_plane.kubeconfig)

    async def prepare() -> None:
        async with Client(endpoint) as admin:
            await apply_crds(admin)

    with asyncio.Runner() as runner:
        runner.run(prepare())
    return endpoint


@pytest.fixture
async def admin(endpoint: kubeconfig.Endpoint) -> AsyncIterator[Client]:
    """A client that may do everything."""
    async with Client(endpoint) as client:
        yield client


@pytest.fixture
async def namespace(admin: Client) -> AsyncIterator[str]:
    """A fresh namespace that enforces the restricted pod security standard."""
    name = f"t-{secrets.token_hex(4)}"
    await admin.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(RESTRICTED)}}
    )
    account = {"name": "default", "namespace": name}  # made by a controller that a control plane lacks
    await admin.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    yield name
    for kind in ("XCacheNode", "RucioServer", "QoSProbe", "Service"):  # Services hold node ports
        await admin.delete_all(kind, name)  # nobody else will, where there is no controller of namespaces
    await admin.delete("Namespace", name)


@pytest.fixture
async def lab(
    admin: Client, endpoint: kubeconfig.Endpoint, control_plane: Cluster, namespace: str, tmp_path: Path
) -> AsyncIterator[Lab]:
    """What a test works with."""
    assert control_plane.audit_log is not None
    user = f"operator-of-{namespace}"
    async with Proxy(endpoint.acting_as(user, "system:masters")) as proxy:
        lab = Lab(admin, Audit(control_plane.audit_log, admin), proxy, namespace, user, tmp_path)
        try:
            yield lab
        finally:
            lab.close()


@pytest.fixture
async def exporter() -> AsyncIterator[Exporter]:
    """What every cache's pod answers."""
    async with Exporter() as exporter:
        yield exporter


@pytest.fixture
async def kubelet(admin: Client, namespace: str, exporter: Exporter) -> AsyncIterator[Kubelet]:
    """Whoever makes pods Ready and binds claims in the test's namespace."""
    async with Kubelet(admin, namespace, address=exporter.address) as kubelet:
        yield kubelet


@pytest.fixture
async def rucio(admin: Client, namespace: str, kubelet: Kubelet, lab: Lab) -> AsyncIterator[Rucio]:
    """What Jobs and servers of RucioServers do; the lab works with these from now on."""
    lab.kind = "RucioServer"
    async with Rucio(admin, namespace, kubelet) as rucio:
        yield rucio
