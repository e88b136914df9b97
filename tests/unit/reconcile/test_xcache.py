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
        return KIND.assess(node, view(*pods), datetime(2026, 1, 1, tzinfo=UTC)).conditions[0].status

    assert ready(pod(owner=None)) == "False"
    assert ready(pod()) == "True"


OWNED: dict[str, Any] = {
    "metadata": {
        "name": "x-d1",
        "labels": {"app.kubernetes.io/instance": "x", "theirs": "yes"},
        "ownerReferences": [{"kind": "XCacheNode", "name": "x", "uid": "u", "controller": True}],
    },
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "pv"},
}
CONTEXT = Context(xcache_image="example.org/xcache:1", operator_namespace="o")


def claims(policy: str, *live: dict[str, Any], entries: tuple[str, ...] = ("d0",)) -> dict[str, Any]:
    """The claims that a cache wants, by name, while `live` are there."""
    data = [{"name": entry, "claim": {"size": "1Gi"}} for entry in entries]
    there = View(children={("PersistentVolumeClaim", one["metadata"]["name"]): one for one in live})
    found = KIND.build(parsed(deletionPolicy=policy, storage={"data": data}), CONTEXT, there)
    return {one["metadata"]["name"]: one for one in found if one["kind"] == "PersistentVolumeClaim"}


def test_a_claim_whose_entry_has_gone_loses_its_owner_when_claims_are_to_be_retained() -> None:
    released = claims("Retain", OWNED)["x-d1"]
    assert released["metadata"] == {
        "name": "x-d1",
        "namespace": "ns",
        "labels": {"app.kubernetes.io/instance": "x"},
    }
    assert released["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def test_a_claim_whose_entry_has_gone_is_left_alone_otherwise() -> None:
    assert claims("Delete", OWNED).keys() == {"x-d0"}
    free = {**OWNED, "metadata": {**OWNED["metadata"], "ownerReferences": []}}
    assert claims("Retain", free).keys() == {"x-d0"}


def test_a_claim_in_use_is_wanted_once() -> None:
    assert claims("Retain", OWNED, entries=("d0", "d1")).keys() == {"x-d0", "x-d1"}
    assert "ownerReferences" in claims("Delete", OWNED, entries=("d0", "d1"))["x-d1"]["metadata"]
