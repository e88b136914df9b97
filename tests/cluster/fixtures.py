"""Session-wide clusters as pytest fixtures: `from tests.cluster.fixtures import control_plane, node` in a conftest.

Each test session has clusters of its own, named with the lowest number that no other running session holds; so what a
killed session left behind is removed by the next one. With `KUBECONFIG` given, both are that cluster.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.cluster import Cluster, Flavour, choose, folders
from tests.cluster.errors import ClusterError

_SHORT: dict[Flavour, str] = {"control-plane": "control", "node": "node"}


@contextmanager
def own_name(prefix: str) -> Iterator[str]:
    """The first name `<prefix>-0`, `<prefix>-1`... that no other process holds, held until the end of the block.

    Raises:
        ClusterError: A hundred are held.
    """
    for number in range(100):
        name = f"{prefix}-{number}"
        with ExitStack() as held:
            try:
                held.enter_context(folders.locked(folders.runs() / f"{name}.session", wait=False))
            except BlockingIOError:
                continue
            yield name
            return
    raise ClusterError(f"a hundred test sessions hold clusters named {prefix}-*")


@contextmanager
def cluster(flavour: Flavour) -> Iterator[Cluster]:
    """A fresh cluster of a flavour, removed at the end of the block."""
    with own_name(_SHORT[flavour]) as name:
        chosen = choose(flavour, name)
        chosen.down()
        chosen.up()
        try:
            yield chosen
        finally:
            chosen.down()


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Cluster]:
    """A running API server with etcd."""
    with cluster("control-plane") as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Iterator[Cluster]:
    """A running cluster that runs pods."""
    with cluster("node") as running:
        yield running
