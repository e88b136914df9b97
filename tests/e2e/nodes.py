"""XCacheNodes that single tests make for themselves, in the namespace `e2e-storage`."""

import json
from collections.abc import Callable
from typing import Any

from tests.cluster import waiting
from tests.demo.kubectl import Kubectl, Object
from tests.demo.up import await_ready
from tests.e2e.names import STORAGE
from tests.support.objects import xcache

EPHEMERAL: Object = {"data": [{"name": "d0", "ephemeral": {"sizeLimit": "1Gi"}}], "maxCacheSize": "512Mi"}
"""Storage of a cache that needs no claim."""


def apply(lake: Kubectl, name: str, **spec: Any) -> None:
    """Apply an XCacheNode whose pod goes without waiting for readers."""
    lake.apply(json.dumps(xcache(name, STORAGE, **spec, drain={"timeout": "0s"})))


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
