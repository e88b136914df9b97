"""Debian's pgbouncer in transaction mode, as a pod in `e2e-rucio` before a PostgreSQL of the tests."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from images import build, engines
from tests.cluster import Cluster, folders
from tests.demo.kubectl import Kubectl
from tests.e2e import databases, plain
from tests.e2e.names import RUCIO

HOST = "pooler"
_RECIPE = Path(__file__).parent / "pooler"
_USER = 10943
_SETTINGS = f"""
[databases]
* = host={databases.HOST}.{RUCIO}.svc port=5432
[pgbouncer]
listen_addr = *
listen_port = 5432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /etc/pgbouncer/users
pool_mode = transaction
max_client_conn = 200
"""


def start(node: Cluster, lake: Kubectl, user: str, password: str) -> None:
    """Start one that lets a role of the PostgreSQL in."""
    quoted = password.replace('"', '""')
    files = {"pgbouncer.ini": _SETTINGS, "users": f'"{user}" "{quoted}"\n'}
    chosen = {"app.kubernetes.io/name": HOST}
    _apply(lake, "Secret", stringData=files)
    _apply(lake, "Service", spec={"selector": chosen, "ports": [{"name": "postgres", "port": 5432}]})
    mounts = {"/etc/pgbouncer": {"secret": {"secretName": HOST, "defaultMode": 0o440}}}
    probe = {"tcpSocket": {"port": 5432}, "periodSeconds": 1}
    plain.apply(lake, HOST, _USER, mounts, image=_image(node), readinessProbe=probe)


def address(lake: Kubectl) -> str:
    """From where it comes to the PostgreSQL."""
    (pod,) = lake.list("pod", RUCIO, f"app.kubernetes.io/name={HOST}")
    return str(pod["status"]["podIP"])


def _image(node: Cluster) -> str:
    """Make its image known to the node: it is none of ours, so that no registry has it.

    A given cluster must say in `PGBOUNCER_IMAGE` whence it has one that runs this command.
    """
    if os.environ.get("KUBECONFIG"):
        given = os.environ.get("PGBOUNCER_IMAGE")
        return given or pytest.skip("a given cluster needs an image of pgbouncer: set PGBOUNCER_IMAGE")
    reference, archive = make()
    node.load_image(reference, archive)
    return reference


def make() -> tuple[str, Path]:
    """Build it where that was not done before; its reference, and its archive."""
    recipe = (_RECIPE / "Dockerfile").read_bytes()
    digest = hashlib.sha256(recipe).hexdigest()[:16]
    reference = f"datalake.local/pgbouncer:{digest}"
    archive = folders.cache() / "images" / f"pgbouncer-{digest}.tar"
    with folders.locked(archive.parent / ".pgbouncer.lock"):
        if not archive.exists():
            build.build("base")
            engine, new = engines.find(), archive.with_suffix(".new")
            engine.build(reference, _RECIPE, "Dockerfile", {}, {}, {}, cached=True)
            new.unlink(missing_ok=True)
            engine.save(reference, new)
            new.replace(archive)
    return reference, archive


def _apply(lake: Kubectl, kind: str, **fields: Any) -> None:
    lake.apply(json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": HOST, "namespace": RUCIO}, **fields}))
