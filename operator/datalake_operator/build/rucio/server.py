"""The Deployments of the REST server and of the authentication server."""

from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.parts import port
from datalake_operator.build.rucio import called, mounts
from datalake_operator.build.rucio.pods import Pod, chosen, environment, resources, rucio_mounts, template
from datalake_operator.build.rucio.stage import Stage

_DRAIN = 10
"""Seconds that a pod goes on serving once it has to stop: until then somebody may not know that it is gone."""

_GRACE = 60
"""Seconds to stop: those, and 30 for requests that are under way (gunicorn's own limit)."""

_MASTER, _PROCESS = 96, 160
"""MiB of memory to ask for: for gunicorn's master process, and for each process with Rucio in it (148 measured)."""

_RUN_SIZE = "128Mi"
"""Memory for /run/rucio: figures of up to 64 processes, some 200 KiB each. One that finds no room there is killed."""


def deployment(server: RucioServer, stage: Stage, component: str, config_name: str, image: str) -> dict[str, Any]:
    """The `spec` of the Deployment of a component (`server` or `auth`), without its replicas.

    A new pod is Ready before an old one goes.
    """
    users = (component,) if server.spec.auth_server.separate else (called.SERVER, called.AUTH)
    pod = Pod(
        component,
        _container(server, image),
        (*rucio_mounts(server, config_name, run_size=_RUN_SIZE), *mounts.files(server, users)),
        fields={
            "terminationGracePeriodSeconds": _GRACE,
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": chosen(server, component)},
                }
            ],
        },
    )
    return {
        "revisionHistoryLimit": 1,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": template(server, pod, stage),
    }


def _container(server: RucioServer, image: str) -> dict[str, Any]:
    spec = server.spec.server
    memory = f"{_MASTER + spec.processes * _PROCESS}Mi"
    return {
        "name": "rucio",
        "image": image,
        "command": ["tini", "--", "rucio-server"],
        **environment(server, RUCIO_PROCESSES=spec.processes, RUCIO_THREADS=spec.threads),
        "ports": [port("http", 8080), port("health", 8083), port("metrics", 8081)],
        "resources": resources(spec.resources, {"requests": {"cpu": "100m", "memory": memory}}),
        "startupProbe": _probe("/ping", period=1, timeout=5, failures=180),
        "livenessProbe": _probe("/ping", period=10, timeout=10, failures=6),
        "readinessProbe": _probe("/_health/ready", period=5, timeout=5, failures=3),
        "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN}}},
    }


def _probe(path: str, *, period: int, timeout: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "health", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }
