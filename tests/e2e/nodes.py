"""XCacheNodes that single tests make for themselves, in the namespace `e2e-storage`."""

import json
from collections.abc import Callable
from typing import Any

from tests.cluster import waiting
from tests.demo.kubectl import Kubectl, Object
from tests.demo.reads import EXPORTER_PORT, read
from tests.demo.up import await_ready
from tests.e2e.names import STORAGE
from tests.support.objects import xcache

EPHEMERAL: Object = {"data": [{"name": "d0", "ephemeral": {"sizeLimit": "1Gi"}}], "maxCacheSize": "512Mi"}
"""Storage of a cache that needs no claim."""


def apply(lake: Kubectl, name: str, **spec: Any) -> None:
    """Apply an XCacheNode whose pod goes without waiting for readers, unless `drain` says otherwise."""
    lake.apply(json.dumps(xcache(name, STORAGE, **{"drain": {"timeout": "0s"}, **spec})))


def ready(lake: Kubectl, name: str) -> Object:
    """Wait until it is Ready; return it."""
    return await_ready(lake, STORAGE, name)


def until(lake: Kubectl, name: str, holds: Callable[[Object], object]) -> Object:
    """Wait until an XCacheNode, as it is read, fulfils `holds`; return it."""

    def check() -> Object | None:
        node = lake.get("xcachenode", name, STORAGE)
        return node if holds(node) else None

    node = waiting.until(check, f"{name}: what the test awaits", seconds=90, every=0.3)
    assert node is not None
    return node


def delete(lake: Kubectl, name: str) -> None:
    """Delete an XCacheNode, and wait until its pod is gone."""
    lake("delete", "xcachenode", name, "--namespace", STORAGE)
    waiting.until(lambda: not lake.find("pod", f"{name}-0", STORAGE), f"pod {name}-0 to go", seconds=90, every=0.3)


def url(name: str, file: str) -> str:
    """Where a cache serves a file by the root protocol."""
    return f"root://{name}.{STORAGE}.svc:1094//demo/{file}"


def digests(lake: Kubectl, name: str, *files: str) -> list[str]:
    """Read files through a cache by the root protocol, one after the other; what came, as SHA-256."""
    return [one.sha256 for one in read(lake, STORAGE, *(url(name, file) for file in files))]


def pod(lake: Kubectl, name: str) -> Object:
    """The pod of a cache."""
    return lake.get("pod", f"{name}-0", STORAGE)


def pod_uid(lake: Kubectl, name: str) -> str:
    """Tells one pod from the next of the same name."""
    return str(pod(lake, name)["metadata"]["uid"])


def restarts(lake: Kubectl, name: str, container: str) -> int:
    """How often a container of the pod was started again."""
    status = pod(lake, name)["status"]
    containers = [*status["containerStatuses"], *status["initContainerStatuses"]]
    return next(int(one["restartCount"]) for one in containers if one["name"] == container)


def execute(lake: Kubectl, name: str, script: str, container: str = "xrootd") -> str:
    """Run a script of bash in the pod of a cache."""
    where = ["--namespace", STORAGE, f"{name}-0", "--container", container]
    return lake("exec", *where, "--", "bash", "-c", script, within=60)


def open_files(lake: Kubectl, name: str) -> int:
    """How many files are open, by the exporter's last report (one each 5 s)."""
    where = f"/api/v1/namespaces/{STORAGE}/pods/{name}-0:{EXPORTER_PORT}/proxy/state"
    return json.loads(lake("get", "--raw", where))["openFiles"] or 0
