from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from datalake_operator.api.parse import parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context

ROOT = Path(__file__).parents[3]
CONTEXT = Context(
    xcache_image="ghcr.io/projectescape/datalake-xcache:5.8.1-1",
    operator_namespace="datalake-system",
    pod_monitor=True,
    monitoring_namespaces=("monitoring",),
)

MakeNode = Callable[..., XCacheNode]


@pytest.fixture
def context() -> Context:
    return CONTEXT


@pytest.fixture
def node() -> MakeNode:
    """Make a node from the minimal example, with top-level fields of its spec replaced."""

    def make(name: str = "cache", **spec: Any) -> XCacheNode:
        body: Mapping[str, Any] = yaml.safe_load((ROOT / "examples" / "xcache-minimal.yaml").read_text())
        metadata = {**body["metadata"], "name": name, "uid": "u-1"}
        made = parse({**body, "metadata": metadata, "spec": {**body["spec"], **spec}})
        assert isinstance(made, XCacheNode)
        return made

    return make
