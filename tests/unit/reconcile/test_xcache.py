"""Whose pods and workloads an XCacheNode looks at."""

from datetime import UTC, datetime
from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context
from datalake_operator.reconcile.xcache import XCacheKind
from datalake_operator.status import View
from tests.support.objects import xcache

KIND = XCacheKind()
CONTEXT = Context(xcache_image="example.org/xcache:1", operator_namespace="operator")
WORKLOAD: dict[str, Any] = {
    "metadata": {"name": "x", "uid": "s", "generation": 1},
    "status": {"observedGeneration": 1, "updateRevision": "new"},
}
CLAIM: dict[str, Any] = {"metadata": {"name": "x-d0"}, "status": {"phase": "Bound"}}


def pod(name: str = "x-0", owner: str | None = "s", *, ready: bool = True, revision: str = "new") -> dict[str, Any]:
    references = [{"kind": "StatefulSet", "name": "x", "uid": owner, "controller": True}] if owner else []
    return {
        "metadata": {"name": name, "labels": {"controller-revision-hash": revision}, "ownerReferences": references},
        "status": {
            "podIP": "10.0.0.7",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "xrootd", "started": ready}],
        },
    }


def view(*pods: dict[str, Any], **workloads: dict[str, Any]) -> View:
    sets = {("StatefulSet", name): body for name, body in {**workloads, "x": WORKLOAD}.items()}
    return View(children={("PersistentVolumeClaim", "x-d0"): CLAIM, **sets}, pods=pods)


STRANGER = pod("debug", None, ready=False, revision="old")


def parsed(**spec: Any) -> XCacheNode:
    body = xcache("x", "ns", **spec)
    body["metadata"]["uid"] = "u"
    node = parse(body)
    assert isinstance(node, XCacheNode)
    return node


@pytest.fixture
def node() -> XCacheNode:
    return parsed()


def test_a_pod_that_only_carries_our_labels_is_neither_deleted_nor_asked(node: XCacheNode) -> None:
    assert KIND.stuck_pods(node, view(STRANGER)) == []
    assert KIND.observed_at(node, view(STRANGER)) is None
    old = pod(ready=False, revision="old")
    assert KIND.stuck_pods(node, view(STRANGER, old)) == [old]


def test_a_stranger_with_our_labels_keeps_no_old_configuration(node: XCacheNode) -> None:
    assert KIND.rolled(node, view(STRANGER, pod()))
    assert KIND.rolled(node, view(pod(), aaa={"metadata": {"name": "aaa", "uid": "a", "generation": 9}}))
    assert not KIND.rolled(node, view(pod(revision="old")))


def test_a_strangers_pod_of_the_very_name_makes_nothing_ready(node: XCacheNode) -> None:
    def ready(*pods: dict[str, Any]) -> str:
        return KIND.assess(node, CONTEXT, view(*pods), datetime(2026, 1, 1, tzinfo=UTC)).conditions[0].status

    assert ready(pod(owner=None)) == "False"
    assert ready(pod()) == "True"
