"""What becomes of claims, on a cluster that binds and deletes them; and a pod that cannot start."""

from tests.cluster import waiting
from tests.demo.kubectl import Kubectl
from tests.e2e import nodes
from tests.e2e.names import STORAGE
from tests.support.objects import condition

CLAIM = f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: shared, namespace: {STORAGE}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
"""


def test_a_claim_of_somebody_else_is_awaited_used_and_left(lake: Kubectl) -> None:
    data = [{"name": "d0", "existingClaim": {"name": "shared"}}, {"name": "d1", "ephemeral": {"sizeLimit": "1Gi"}}]
    nodes.apply(lake, "mixed", storage={"data": data, "maxCacheSize": "512Mi"})
    node = nodes.until(lake, "mixed", lambda node: condition(node, "Ready").get("reason") == "DependencyMissing")
    assert "shared" in condition(node, "Ready")["message"]

    lake.apply(CLAIM)
    assert nodes.ready(lake, "mixed")["status"]["claims"] == ["shared"]
    nodes.delete(lake, "mixed")
    assert "deletionTimestamp" not in lake.get("persistentvolumeclaim", "shared", STORAGE)["metadata"]


def test_with_deletion_policy_delete_the_claims_go_with_the_resource(lake: Kubectl) -> None:
    storage = {"data": [{"name": "d0", "claim": {"size": "1Gi"}}], "meta": {"claim": {"size": "200Mi"}}}
    nodes.apply(lake, "brief", storage=storage, deletionPolicy="Delete")
    assert nodes.ready(lake, "brief")["status"]["claims"] == ["brief-d0", "brief-meta"]
    nodes.delete(lake, "brief")
    ours = "app.kubernetes.io/instance=brief"
    waiting.until(lambda: not lake.list("persistentvolumeclaim", STORAGE, ours), "the claims to go", seconds=60)


def test_a_bad_tag_is_named_and_a_good_one_mends_it_without_hands(lake: Kubectl) -> None:
    nodes.apply(lake, "tagged", storage=nodes.EPHEMERAL, image={"tag": "0.0.0-no-such"})
    nodes.until(lake, "tagged", lambda node: "0.0.0-no-such" in condition(node, "Ready").get("message", ""))
    assert condition(lake.get("xcachenode", "tagged", STORAGE), "Stalled") == {}

    nodes.apply(lake, "tagged", storage=nodes.EPHEMERAL)
    nodes.ready(lake, "tagged")
    nodes.delete(lake, "tagged")
