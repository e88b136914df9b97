"""What a build needs to know besides the custom resource itself."""

from dataclasses import dataclass

from datalake_operator import __version__


@dataclass(frozen=True)
class Context:
    """Facts about the installation, the same for every resource of one operator process."""

    xcache_image: str
    """Image of a cache unless its spec names another: `repository:tag`, `repository@digest` or both."""

    operator_namespace: str
    """Namespace that the operator runs in."""

    pod_monitor: bool = False
    """True when the cluster serves PodMonitor (monitoring.coreos.com/v1)."""

    rucio_image: str = "ghcr.io/projectescape/datalake-rucio"
    """Image of Rucio unless a spec names another. Without tag and digest, the tag is the version of the spec."""

    postgres_image: str = "ghcr.io/projectescape/datalake-postgres:17"
    """Image of the embedded database, and of everything that dumps or restores one."""

    probe_image: str = f"ghcr.io/projectescape/datalake-probe:{__version__}"
    """Image of the runs of a probe unless its spec names another: `repository:tag`, `repository@digest` or both."""

    cluster: str = ""
    """What identifies this cluster: uid of the namespace kube-system. Empty: not known yet."""

    cluster_trouble: str = ""
    """Why that is not known, in the API server's words; empty while it was not asked yet."""

    monitoring_namespaces: tuple[str, ...] = ()
    """Namespaces of Prometheus: their pods may reach exporters through the NetworkPolicies that resources ask for."""
