"""What becomes of the sizes of claims, and of the pod that must learn them."""

from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context
from datalake_operator.build.storage import CLAIM_SIZES
from datalake_operator.reconcile.xcache import XCacheKind
from datalake_operator.status import View
from tests.support.objects import xcache

CONTEXT = Context(xcache_image="example.org/xcache:1", operator_namespace="operator")


def claim(given: str | None, asked: str, *conditions: str) -> dict[str, Any]:
    status: dict[str, Any] = {"phase": "Bound", "capacity": {"storage": given}} if given else {"phase": "Pending"}
    return {
        "metadata": {"name": "x-d0"},
        "spec": {"resources": {"requests": {"storage": asked}}},
        "status": status | {"conditions": [{"type": one, "status": "True"} for one in conditions]},
    }


def workload(sizes: str | None) -> dict[str, Any]:
    annotations = {"annotations": {CLAIM_SIZES: sizes}} if sizes else {}
    return {"metadata": {"name": "x", "uid": "s"}, "spec": {"template": {"metadata": annotations}}}


def built(size: str, live: dict[str, Any] | None, running: dict[str, Any] | None) -> tuple[str, str]:
    """The size of the claim, and the sizes that the pod is told, of a spec that wants `size`."""
    body = xcache("x", "ns", storage={"data": [{"name": "d0", "claim": {"size": size}}]})
    node = parse(body)
    assert isinstance(node, XCacheNode)
    children = {("PersistentVolumeClaim", "x-d0"): live, ("StatefulSet", "x"): running}
    view = View(children={key: child for key, child in children.items() if child is not None})
    desired = XCacheKind().build(node, CONTEXT, view)
    found = {manifest["kind"]: manifest for manifest in desired}
    template = found["StatefulSet"]["spec"]["template"]["metadata"]
    return (
        found["PersistentVolumeClaim"]["spec"]["resources"]["requests"]["storage"],
        template["annotations"][CLAIM_SIZES],
    )


CASES: dict[str, tuple[str, dict[str, Any] | None, dict[str, Any] | None, tuple[str, str]]] = {
    "nothing is there yet": ("10Gi", None, None, ("10Gi", "d0=10Gi")),
    "at rest": ("10Gi", claim("10Gi", "10Gi"), workload("d0=10Gi"), ("10Gi", "d0=10Gi")),
    "growth is asked for": ("20Gi", claim("10Gi", "10Gi"), workload("d0=10Gi"), ("20Gi", "d0=10Gi")),
    "it grows": ("20Gi", claim("10Gi", "20Gi", "Resizing"), workload("d0=10Gi"), ("20Gi", "d0=10Gi")),
    "it has grown": ("20Gi", claim("20Gi", "20Gi"), workload("d0=10Gi"), ("20Gi", "d0=20Gi")),
    "its file system waits for a start": (
        "20Gi",
        claim("10Gi", "20Gi", "FileSystemResizePending"),
        workload("d0=10Gi"),
        ("20Gi", "d0=20Gi"),
    ),
    "a pod that was told nothing": ("20Gi", claim("10Gi", "20Gi"), workload(None), ("20Gi", "d0=20Gi")),
    "a claim without a volume may not grow yet": (
        "20Gi",
        claim(None, "10Gi"),
        workload("d0=10Gi"),
        ("10Gi", "d0=10Gi"),
    ),
    "somebody made it larger": ("10Gi", claim("30Gi", "30Gi"), workload("d0=10Gi"), ("30Gi", "d0=10Gi")),
    "a retained claim is larger": ("10Gi", claim("30Gi", "30Gi"), None, ("30Gi", "d0=10Gi")),
}


@pytest.mark.parametrize(("size", "live", "running", "expected"), CASES.values(), ids=CASES)
def test_sizes_are_what_they_can_be_now(
    size: str, live: dict[str, Any] | None, running: dict[str, Any] | None, expected: tuple[str, str]
) -> None:
    assert built(size, live, running) == expected
