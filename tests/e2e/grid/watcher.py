"""What a Prometheus outside of the cluster scrapes in it, through the API server's proxy."""

import base64
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster
from tests.e2e.grid.names import GRID
from tests.e2e.grid.probes import XCACHE
from tests.e2e.names import OPERATOR
from tests.monitoring.prometheus import Job

EXPORTER_PORT = 9931


def jobs(node: Cluster, folder: Path) -> list[Job]:
    """The operator and the exporter of the cache, labelled as a ServiceMonitor and a PodMonitor would.

    Args:
        node: the cluster.
        folder: for the files of its certificates.
    """
    config = yaml.safe_load(node.kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = {
        "ca_file": _file(cluster, "certificate-authority", folder),
        "cert_file": _file(user, "client-certificate", folder),
        "key_file": _file(user, "client-key", folder),
    }
    server = cluster["server"].removeprefix("https://")
    proxied = {
        "datalake-operator": (OPERATOR, "services/datalake-operator:http", "datalake-operator"),
        f"{GRID}/{XCACHE}": (GRID, f"pods/{XCACHE}-0:{EXPORTER_PORT}", f"{XCACHE}-0"),
    }
    return [
        Job(
            name, server, {"namespace": namespace, "pod": pod},
            path=f"/api/v1/namespaces/{namespace}/{where}/proxy/metrics", tls=tls,
        )
        for name, (namespace, where, pod) in proxied.items()
    ]  # fmt: skip


def _file(holder: dict[str, Any], key: str, folder: Path) -> str:
    """The path of a file that a kubeconfig names or holds."""
    if f"{key}-data" not in holder:
        return str(holder[key])
    path = folder / f"{key}.pem"
    path.write_bytes(base64.b64decode(holder[f"{key}-data"]))
    path.chmod(0o600)
    return str(path)
