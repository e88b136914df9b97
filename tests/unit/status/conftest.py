from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from datalake_operator.api.parse import parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.status import View

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[3]

NEW, OLD = "cache-new", "cache-old"

MakeNode = Callable[..., XCacheNode]
MakeView = Callable[..., View]


def statefulset(*, observed: int = 2, replicas: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": "cache", "generation": 2},
        "status": {"observedGeneration": observed, "replicas": replicas, "updateRevision": NEW},
    }


def claim(name: str, phase: str = "Bound") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"app.kubernetes.io/instance": "cache"}},
        "status": {"phase": phase},
    }


def pod(*, ready: bool = True, revision: str = NEW, stopping: bool = False, **status: Any) -> dict[str, Any]:
    """A pod of the cache; `status` replaces parts of its status."""
    flag = "True" if ready else "False"
    metadata: dict[str, Any] = {"name": "cache-0", "labels": {"controller-revision-hash": revision}}
    if stopping:
        metadata["deletionTimestamp"] = "2026-11-25T11:59:00Z"
    return {
        "metadata": metadata,
        "spec": {
            "initContainers": [{"name": "prepare"}, {"name": "exporter", "restartPolicy": "Always"}],
            "containers": [{"name": "xrootd"}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": flag}],
            "initContainerStatuses": [
                {"name": "prepare", "ready": True, "state": {"terminated": {"exitCode": 0}}},
                {"name": "exporter", "ready": True, "started": True, "state": {"running": {}}},
            ],
            "containerStatuses": [{"name": "xrootd", "ready": ready, "started": True, "state": {"running": {}}}],
            **status,
        },
    }


@pytest.fixture
def node() -> MakeNode:
    """Make a node from the minimal example, with top-level fields of its spec replaced."""

    def make(**spec: Any) -> XCacheNode:
        body: Mapping[str, Any] = yaml.safe_load((ROOT / "examples" / "xcache-minimal.yaml").read_text())
        made = parse({**body, "spec": {**body["spec"], **spec}})
        assert isinstance(made, XCacheNode)
        return made

    return make


@pytest.fixture
def view() -> MakeView:
    """Make what is seen of a cache that serves, with parts replaced."""

    def make(
        *,
        pods: tuple[Any, ...] | None = None,
        workload: dict[str, Any] | None = None,
        claims: tuple[dict[str, Any], ...] = (claim("cache-d0"),),
        **parts: Any,
    ) -> View:
        children: dict[tuple[str, str], Any] = {("StatefulSet", "cache"): workload or statefulset()}
        children |= {("PersistentVolumeClaim", one["metadata"]["name"]): one for one in claims}
        return View(children=children, pods=(pod(),) if pods is None else pods, **parts)

    return make
