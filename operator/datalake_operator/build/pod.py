"""The pod of a cache: preparation, xrootd, exporter. Fits the `restricted` pod security standard.

Nothing here may depend on the version of the operator: what changes in the template restarts the cache.
"""

import json
from collections.abc import Mapping
from math import ceil
from typing import Any

from datalake_operator.api.values import parse_quantity
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build.config import EXPORTER_PORT, GSTREAM_PORT, RUN, seconds
from datalake_operator.build.parts import (
    canonical_resources,
    confined,
    owns_volumes,
    placement,
    port,
    pull_secrets,
    variables,
)
from datalake_operator.build.quantity import canonical_quantity
from datalake_operator.build.storage import Volume, localroot, spaces, volumes

USER = 10940
"""Numeric user and group of the image; also fsGroup, so that fresh volumes are writable."""

DRAIN_FILE = f"{RUN}/drain"
"""While this file exists the cache is not ready and finishes what is open."""

_STARTUP_PERIOD = 2
"""Seconds between two startup checks: an empty cache is up within a second."""

_RAM_HEADROOM = 512 * 2**20
"""Bytes of memory asked for beyond `cache.ram` (threads, buffers; 40 MB measured with little load)."""

_AFTER_DRAIN = 30
"""Seconds that a pod gets beyond `drain.timeout`."""

_RECONNECT = 10
"""Seconds for which XrdCl refuses by itself after it could not connect. Its own 1800 outlive an outage."""


def pod_spec(node: XCacheNode, image: str, config_name: str, service_account: str) -> dict[str, Any]:
    """The `spec` of the pod template."""
    spec, found = node.spec, volumes(node)
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "serviceAccountName": service_account,
        "terminationGracePeriodSeconds": seconds(spec.drain.timeout) + _AFTER_DRAIN,
        "securityContext": owns_volumes(USER),
        "initContainers": [_prepare(node, image, found), _exporter(node, image, found)],
        "containers": [_xrootd(node, image, found)],
        "volumes": [
            {"name": "config", "configMap": {"name": config_name}},
            {"name": "run", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            *(volume.source() for volume in found),
        ],
        **pull_secrets(spec.image),
        **placement(spec),
    }


def _xrootd(node: XCacheNode, image: str, found: tuple[Volume, ...]) -> dict[str, Any]:
    spec = node.spec
    ports = [port("root", spec.protocols.root.port)]
    if spec.protocols.http.enabled:
        ports.append(port("http", spec.protocols.http.port))
    return {
        **_container(node, "xrootd", image),
        "command": ["tini", "--", "xrootd", "-c", "/etc/xcache/xrootd.cfg"],
        "workingDir": "/tmp",  # noqa: S108 - an emptyDir of the pod's own
        "env": _environment(node, found, _server(node)),
        "ports": ports,
        "resources": _resources(node),
        "startupProbe": {
            "exec": {"command": ["xcache-check", "startup"]},
            "periodSeconds": _STARTUP_PERIOD,
            "timeoutSeconds": 10,
            "failureThreshold": max(1, ceil(seconds(spec.startup_timeout) / _STARTUP_PERIOD)),
        },
        "livenessProbe": {
            "exec": {"command": ["xcache-check", "live"]},
            "periodSeconds": 10,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
            "terminationGracePeriodSeconds": 30,
        },
        "readinessProbe": {
            "exec": {"command": ["xcache-check", "ready"]},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            "failureThreshold": 1,
        },
        "lifecycle": {"preStop": {"exec": {"command": ["xcache-drain"]}}},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/xcache", "readOnly": True},
            *_mounts(found),
        ],
    }


def _prepare(node: XCacheNode, image: str, found: tuple[Volume, ...]) -> dict[str, Any]:
    return {
        **_container(node, "prepare", image),
        "command": ["tini", "--", "xcache-prepare"],
        "env": _environment(node, found),
        "resources": _exporter_resources(node),
        "volumeMounts": _mounts(found),
    }


def _exporter(node: XCacheNode, image: str, found: tuple[Volume, ...]) -> dict[str, Any]:
    """A native sidecar: starts before xrootd and ends after it.

    Its readiness check tells of a drain: kubelets of 1.35 and 1.36.3 do not heed a check that runs a command once the
    pod has to stop (kubernetes/kubernetes#140881), so new clients would be sent there until the end.
    """
    return {
        **_container(node, "exporter", image),
        "command": ["tini", "--", "xcache-exporter"],
        "restartPolicy": "Always",
        "env": _exporter_environment(node, found),
        "ports": [port("metrics", EXPORTER_PORT)],
        "readinessProbe": {
            "httpGet": {"path": "/serving", "port": "metrics", "scheme": "HTTP"},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            "failureThreshold": 1,
        },
        "resources": _exporter_resources(node),
        "volumeMounts": [
            {"name": "run", "mountPath": RUN, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            *({"name": volume.name, "mountPath": volume.mount, "readOnly": True} for volume in found),
        ],
    }


def _container(node: XCacheNode, name: str, image: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": node.spec.image.pull_policy,
        "securityContext": confined(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _server(node: XCacheNode) -> dict[str, str | int | None]:
    """The server's own name for clients, and how its client (XrdCl) treats the origin.

    Of several `pss.setopt` lines, 5.8.1 heeds only the first, hence the environment.
    """
    origin = node.spec.origin
    return {
        "XRDNET_IDENTITY": node.spec.network.external_hostname,
        "XRD_CONNECTIONRETRY": origin.retries + 1,  # XrdCl counts the first attempt too
        "XRD_CONNECTIONWINDOW": seconds(origin.connect_timeout),
        "XRD_REQUESTTIMEOUT": seconds(origin.request_timeout),
        "XRD_STREAMERRORWINDOW": _RECONNECT,
    }


def _environment(
    node: XCacheNode, found: tuple[Volume, ...], more: Mapping[str, str | int | None] | None = None
) -> list[dict[str, str]]:
    """What the tools of the image read: preparation, checks and drain."""
    storage = node.spec.storage
    return variables(
        **(more or {}),
        HOME="/tmp",  # noqa: S108 - an emptyDir of the pod's own
        XCACHE_DRAIN_FILE=DRAIN_FILE,
        XCACHE_DRAIN_TIMEOUT=seconds(node.spec.drain.timeout),
        XCACHE_LOCALROOT=localroot(found),
        XCACHE_LOW_PERCENT=storage.watermarks.low_percent,
        XCACHE_MAX_SIZE=_max_size(node),
        XCACHE_PORT=node.spec.protocols.root.port,
        XCACHE_SPACES=",".join(f"{space}={path}" for space, path in spaces(found)),
    )


def _exporter_environment(node: XCacheNode, found: tuple[Volume, ...]) -> list[dict[str, str]]:
    watermarks = node.spec.storage.watermarks
    return variables(
        EXPORTER_DISKS=",".join(f"{volume.space}:{volume.entry}={volume.mount}" for volume in found),
        EXPORTER_DRAIN_FILE=DRAIN_FILE,
        EXPORTER_FORWARD=_collectors(node),
        EXPORTER_GSTREAM=f"127.0.0.1:{GSTREAM_PORT}",
        EXPORTER_HIGH_PERCENT=watermarks.high_percent,
        EXPORTER_LISTEN=f"0.0.0.0:{EXPORTER_PORT}",
        EXPORTER_LOW_PERCENT=watermarks.low_percent,
        EXPORTER_MAX_SIZE=_max_size(node),
        EXPORTER_ORIGIN=node.spec.origin.url,
        EXPORTER_STATE_DIR=f"{localroot(found)}/pfc-stats",
        EXPORTER_SUMMARY=f"127.0.0.1:{EXPORTER_PORT}",
        HOME="/tmp",  # noqa: S108 - an emptyDir of the pod's own
        SITE=node.spec.site,
    )


def _collectors(node: XCacheNode) -> str | None:
    """Collectors as the exporter reads them, which knows the g-stream by its plug-in's name."""
    streams = {"summary": "summary", "gstream": "pfc"}
    found = [
        {"stream": streams[one.stream], "host": one.host, "port": one.port} for one in node.spec.monitoring.forward_to
    ]
    return json.dumps(found) if found else None


def _max_size(node: XCacheNode) -> int | None:
    size = node.spec.storage.max_cache_size
    return None if size is None else parse_quantity(size)


def _mounts(found: tuple[Volume, ...]) -> list[dict[str, Any]]:
    return [
        {"name": "run", "mountPath": RUN},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        *({"name": volume.name, "mountPath": volume.mount} for volume in found),
    ]


def _resources(node: XCacheNode) -> dict[str, Any]:
    """What the spec says; the memory request is what the cache's RAM needs unless the spec names one."""
    wanted = canonical_resources(node.spec.resources)
    memory = canonical_quantity(str((parse_quantity(node.spec.cache.ram) + _RAM_HEADROOM + 1023) // 1024) + "Ki")
    wanted["requests"] = {"memory": memory} | wanted.get("requests", {})
    return wanted


def _exporter_resources(node: XCacheNode) -> dict[str, Any]:
    return canonical_resources(node.spec.monitoring.exporter.resources)
