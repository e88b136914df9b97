"""A disk storage for Rucio in the namespace `e2e-rucio`: an XRootD server that anybody may write to and delete from."""

import json

from tests.demo import release
from tests.demo.kubectl import Kubectl
from tests.e2e import plain
from tests.e2e.names import RUCIO

HOST = "disk"
PORT = 1094
PREFIX = "//data/"
"""Of its protocol in Rucio."""
_CONFIGURATION = """
all.role server
all.adminpath /run/xrootd
all.pidpath /run/xrootd
all.export /data
xrd.port 1094
xrd.network nodnr
xrootd.chksum max 2 adler32
"""
_START = f"cd /run/xrootd; printf %s '{_CONFIGURATION}' > xrootd.cfg; exec tini -- xrootd -c xrootd.cfg"


def start(lake: Kubectl) -> None:
    """Start it, empty, and wait until it answers."""
    chosen = {"app.kubernetes.io/name": HOST}
    spec = {"selector": chosen, "ports": [{"name": "root", "port": PORT}]}
    metadata = {"name": HOST, "namespace": RUCIO}
    lake.apply(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}))
    plain.apply(
        lake,
        HOST,
        10940,
        {path: {"emptyDir": {}} for path in ("/data", "/run/xrootd", "/tmp")},  # noqa: S108 - of a pod
        image=release.references()["xcache"],
        command=["bash", "-ec", _START],
        readinessProbe={"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    )


def files(lake: Kubectl) -> set[str]:
    """Names of the files on it, without their folders."""
    return set(lake.execute(RUCIO, f"deployment/{HOST}", "find", "/data", "-type", "f", "-printf", "%f\\n").split())
