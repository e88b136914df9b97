"""What becomes of claims, on a cluster that binds and deletes them; and a pod that a StatefulSet would wait for."""

import json
from collections.abc import Callable
from typing import Any

from tests.cluster import waiting
from tests.demo.kubectl import Kubectl, Object
from tests.demo.up import await_ready
from tests.e2e.names import STORAGE
from tests.support.objects import condition, xcache

CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared, namespace: e2e-storage}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_a_claim_of_somebody_else_is_awaited_used_and_left(lake: Kubectl) -> None:
    data = [{"name": "d0", "existingClaim": {"name": "shared"}}, {"name": "d1", "ephemeral": {"sizeLimit": "1Gi"}}]
    _apply(lake, "mixed", storage={"data": data, "maxCacheSize": "512Mi"})
    waiting_for = _until(lake, "mixed", lambda node: condition(node, "Ready").get("reason") == "DependencyMissing")
    assert "shared" in condition(waiting_for, "Ready")["message"]

    lake.apply(CLAIM)
    assert await_ready(lake, STORAGE, "mixed")["status"]["claims"] == ["shared"]
    _delete(lake, "mixed")
    assert "deletionTimestamp" not in lake.get("persistentvolumeclaim", "shared", STORAGE)["metadata"]


def test_with_deletion_policy_delete_the_claims_go_with_the_resource(lake: Kubectl) -> None:
    storage = {
        "data": [{"name": "d0", "claim": {"size": "1Gi"}}],
        "meta": {"claim": {"size": "200Mi"}},
    }
    _apply(lake, "brief", storage=storage, deletionPolicy="Delete")
    assert await_ready(lake, STORAGE, "brief")["status"]["claims"] == ["brief-d0", "brief-meta"]
    _delete(lake, "brief")
    ours = "app.kubernetes.io/instance=brief"
    waiting.until(lambda: not lake.list("persistentvolumeclaim", STORAGE, ours), "the claims to go", seconds=60)


def test_a_bad_tag_is_named_and_a_good_one_mends_it_without_hands(lake: Kubectl) -> None:
    storage = {"data": [{"name": "d0", "ephemeral": {"sizeLimit": "1Gi"}}], "maxCacheSize": "512Mi"}
    _apply(lake, "tagged", storage=storage, image={"tag": "0.0.0-no-such"})
    _until(lake, "tagged", lambda node: "0.0.0-no-such" in condition(node, "Ready").get("message", ""))
    assert condition(lake.get("xcachenode", "tagged", STORAGE), "Stalled") == {}

    _apply(lake, "tagged", storage=storage)
    await_ready(lake, STORAGE, "tagged")
    _delete(lake, "tagged")


def _apply(lake: Kubectl, name: str, **spec: Any) -> None:
    lake.apply(json.dumps(xcache(name, STORAGE, **spec, drain={"timeout": "0s"})))


def _delete(lake: Kubectl, name: str) -> None:
    lake("delete", "xcachenode", name, "--namespace", STORAGE)
    waiting.until(lambda: not lake.find("pod", f"{name}-0", STORAGE), f"pod {name}-0 to go", seconds=90, every=0.5)


def _until(lake: Kubectl, name: str, holds: Callable[[Object], bool]) -> Object:
    def check() -> Object | None:
        node = lake.get("xcachenode", name, STORAGE)
        return node if holds(node) else None

    node = waiting.until(check, f"{name}: what the test awaits", seconds=90, every=0.3)
    assert node is not None
    return node
