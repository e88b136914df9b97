"""Fixtures of the end-to-end tier: one node for the session, and on it the operator as Helm installs it."""

import os
from collections.abc import Generator, Iterator

import pytest

from tests.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.fixtures import node
from tests.demo import down, release
from tests.demo.kubectl import Kubectl
from tests.demo.names import NAMESPACE
from tests.e2e import catalogues, databases, origins
from tests.e2e.grid import faults, guests, probes, services
from tests.e2e.grid import origins as endpoints
from tests.e2e.grid.names import GRID
from tests.e2e.names import OPERATOR, RUCIO, STORAGE

__all__ = ["node"]

SERVED = [NAMESPACE, STORAGE, RUCIO, GRID]
"""Namespaces of the operator of the session."""


@pytest.fixture(scope="session")
def images(node: Cluster) -> None:
    """Our images, known to the node."""
    release.load_images(node)


@pytest.fixture(scope="session")
def lake(node: Cluster, images: None) -> Iterator[Kubectl]:  # noqa: ARG001 - they must be there
    """kubectl for a cluster with an operator that serves `SERVED`."""
    kubectl = Kubectl(node.kubeconfig)
    release.make_namespaces(kubectl, [OPERATOR, *SERVED])
    release.install(node, OPERATOR, SERVED)
    yield kubectl
    if os.environ.get("KUBECONFIG"):
        down.clean(node, SERVED, OPERATOR)


@pytest.fixture(scope="session")
def origin(lake: Kubectl) -> dict[str, str]:
    """An origin for the caches in `e2e-storage`, as `spec.origin` names it."""
    return {"url": origins.apply(lake)}


@pytest.fixture(scope="session")
def client(lake: Kubectl) -> None:
    """A pod in `e2e-rucio` with Rucio's client."""
    catalogues.start_client(lake)


@pytest.fixture(scope="session")
def database(node: Cluster, lake: Kubectl) -> None:
    """A PostgreSQL of somebody else in `e2e-rucio`, and an older Rucio for the upgrades of what is in it."""
    databases.start(lake)
    release.load_images(node, [f"rucio:{catalogues.OLD}"])


@pytest.fixture(scope="session")
def strangers(lake: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """A lake of four endpoints, a cache and a Rucio in `e2e-grid`, and what is at the endpoints that is not ours."""
    services.apply(lake)
    endpoints.apply(lake, tmp_path_factory.mktemp("certificates"))
    faults.announce(lake, [])
    services.await_both(lake)
    guests.plant(lake, guests.names(lake))
    return guests.look(lake, guests.names(lake))


@pytest.fixture(scope="session")
def grid(lake: Kubectl, strangers: dict[str, object]) -> Kubectl:  # noqa: ARG001 - it must be there before them
    """A probe of each type for that lake, none of which has run."""
    probes.apply(lake, probes.manifests().values())
    return lake


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failure what the cluster says about it."""
    report = yield
    kubectl = getattr(item, "funcargs", {}).get("lake")
    if report.failed and kubectl is not None:
        report.sections += [(title, _said(kubectl, command)) for title, command in QUESTIONS.items()]
    return report


QUESTIONS = {
    "resources": "get datalake --all-namespaces --output wide",
    "pods": "get pods --all-namespaces --output wide",
    "events": "get events --all-namespaces --sort-by .lastTimestamp",
    "operator": f"logs --namespace {OPERATOR} deployment/datalake-operator --tail 60",
}
"""What is asked when a test has failed: title, arguments of kubectl."""


def _said(kubectl: Kubectl, command: str) -> str:
    try:
        return kubectl(*command.split(), within=20)
    except ClusterError as error:
        return str(error)
