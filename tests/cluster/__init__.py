"""A real Kubernetes for tests and demo. `python -m tests.cluster --help` is the same for the command line.

    from tests.cluster import choose

    cluster = choose("control-plane", "mine")
    cluster.up()
    print(cluster.kubeconfig)

Only the standard library is used here (but for pytest-kind, where there is Docker): `make` runs it before there is a
virtual environment.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, get_args

from tests.cluster.control_plane import ControlPlane
from tests.cluster.errors import ClusterError, NotPossible
from tests.cluster.foreign import Foreign
from tests.cluster.kind import Kind
from tests.cluster.leftovers import leftovers
from tests.cluster.node import Node

__all__ = ["FLAVOURS", "Cluster", "ClusterError", "Flavour", "NotPossible", "choose", "docker_answers", "leftovers"]

Flavour = Literal["control-plane", "node"]
"""`control-plane`: etcd and API server only, for contract tests. `node`: pods too."""

FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)


class Cluster(Protocol):
    """What every cluster can do, however it came to be. All methods raise `ClusterError` when they fail."""

    name: str
    run_dir: Path
    """Folder with everything of this cluster; its `logs` stay after `down` until the next `up`."""
    kubeconfig: Path
    """Kubeconfig of an admin."""
    audit_log: Path | None
    """The API server's audit log (JSON lines, level Metadata, no stage RequestReceived); None: we cannot read it."""

    def up(self) -> None:
        """Start it and wait until it can be used; does nothing when it is up; cleans up after a killed `up`."""

    def down(self) -> None:
        """Remove everything of it, whatever state it is in."""

    def is_up(self) -> bool:
        """Whether it can be used now."""

    def load_image(self, name: str, archive: Path) -> None:
        """Make the image `name` in a docker-archive (as `docker save` writes) known, so that no pod has to pull it."""

    def cut_api(self) -> None:
        """Let the API server answer nothing any more: connections stay open or hang, as when the network fails."""

    def mend_api(self) -> None:
        """Undo `cut_api`."""

    def stop_api(self) -> None:
        """End the API server; connections are refused."""

    def start_api(self) -> None:
        """Start it again and wait until it is ready."""

    def client_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig for a user of that name in those groups, who may do what RBAC grants, at first nothing."""


def docker_answers() -> bool:
    """Whether there is a Docker engine that we may use."""
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and bool(asked.stdout.strip())


def choose(
    flavour: Flavour,
    name: str,
    *,
    environment: Mapping[str, str] | None = None,
    docker: Callable[[], bool] = docker_answers,
) -> Cluster:
    """Choose how to get a cluster: `KUBECONFIG` given, that one; Docker there, kind; otherwise what we build ourselves.

    Args:
        flavour: What is needed at least.
        name: Of the cluster, at most 12 characters; two of one flavour and name are the same cluster.
        environment: Where `KUBECONFIG` is looked up; the process's own by default.
        docker: Tells whether there is a Docker engine.

    Raises:
        ClusterError: The flavour or the name cannot be.
    """
    if flavour not in FLAVOURS:
        raise ClusterError(f"{flavour!r} is no flavour of cluster: choose one of {', '.join(FLAVOURS)}")
    kubeconfig = (os.environ if environment is None else environment).get("KUBECONFIG")
    if kubeconfig:
        return Foreign(name, Path(kubeconfig))
    if docker():
        return Kind(name)
    return ControlPlane(name) if flavour == "control-plane" else Node(name)
