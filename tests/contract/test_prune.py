"""Children that are no longer wanted, and what only looks like one."""

from typing import Any

import pytest

from tests.support.calls import Answer
from tests.support.client import Object
from tests.support.kubelet import Kubelet
from tests.support.lab import Lab
from tests.support.objects import condition, is_current
from tests.support.waiting import eventually, stays

with_pods = pytest.mark.usefixtures("kubelet")

LABELS = {
    "app.kubernetes.io/name": "xcache",
    "app.kubernetes.io/instance": "x",
    "app.kubernetes.io/component": "cache",
    "app.kubernetes.io/part-of": "datalake",
    "app.kubernetes.io/managed-by": "datalake-operator",
}
MANIFESTS: dict[str, Object] = {
    "ConfigMap": {"apiVersion": "v1", "data": {}},
    "Service": {"apiVersion": "v1", "spec": {"ports": [{"port": 1}]}},
    "ServiceAccount": {"apiVersion": "v1"},
    "PersistentVolumeClaim": {
        "apiVersion": "v1",
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    },
}


def like_a_child(owner: Object, kind: str = "ConfigMap", name: str = "surplus", **change: Any) -> Object:
    """Return an object that carries everything of an own child, but for the changes in its metadata."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    meta = {"name": name, "namespace": owner["metadata"]["namespace"], "labels": LABELS, "ownerReferences": [reference]}
    return {"kind": kind, **MANIFESTS[kind], "metadata": {**meta, **change}}


async def is_there(lab: Lab, kind: str = "ConfigMap", name: str = "surplus") -> bool:
    return await lab.admin.find(kind, name, lab.namespace) is not None


async def is_gone(lab: Lab, kind: str = "ConfigMap", name: str = "surplus") -> bool:
    return not await is_there(lab, kind, name)


async def pass_now(lab: Lab, value: str) -> None:
    """Have the operator look once more, and wait until it did."""
    await lab.change({"metadata": {"annotations": {"datalake.projectescape.eu/reconcile-at": value}}})
    await lab.until(lambda body: body["status"].get("lastHandledReconcileAt") == value)


@pytest.mark.parametrize("kind", ["ConfigMap", "Service", "ServiceAccount"])
@with_pods
async def test_a_surplus_child_goes(kind: str, lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    owner = await lab.ready()
    await lab.admin.create(like_a_child(owner, kind))
    await eventually(lambda: is_gone(lab, kind))


@with_pods
async def test_what_only_looks_like_ours_stays(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    owner = await lab.ready()
    reference = like_a_child(owner)["metadata"]["ownerReferences"][0]
    other_uid = {**reference, "uid": "00000000-0000-0000-0000-000000000000"}
    lookalikes: dict[str, Object] = {
        "no-owner": {"ownerReferences": []},
        "other-owner": {"ownerReferences": [other_uid]},
        "not-controlled": {"ownerReferences": [{**reference, "controller": False}]},
        "other-manager": {"labels": {**LABELS, "app.kubernetes.io/managed-by": "Helm"}},
        "no-labels": {"labels": {}},
    }
    for name, change in lookalikes.items():
        await lab.admin.create(like_a_child(owner, name=name, **change))
    await lab.admin.create(like_a_child(owner))
    await eventually(lambda: is_gone(lab))
    await pass_now(lab, "again")
    for name in lookalikes:
        assert await is_there(lab, name=name), name


@with_pods
async def test_a_claim_is_never_deleted(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    owner = await lab.ready()
    await lab.admin.create(like_a_child(owner, "PersistentVolumeClaim", "x-old"))
    await lab.admin.create(like_a_child(owner))
    await eventually(lambda: is_gone(lab))
    await pass_now(lab, "again")
    claim = await lab.admin.get("PersistentVolumeClaim", "x-old", lab.namespace)
    assert "deletionTimestamp" not in claim["metadata"]


@with_pods
async def test_a_claim_whose_entry_has_gone_follows_the_policy_to_retain(lab: Lab) -> None:
    entries = [{"name": name, "claim": {"size": "1Gi"}} for name in ("d0", "d1")]
    await lab.operator()
    await lab.create(deletionPolicy="Delete", storage={"data": entries})
    await lab.ready()
    await lab.change({"spec": {"storage": {"data": entries[:1]}}})
    body = await lab.until(lambda body: is_current(body) and body["status"].get("retainedClaims"))
    assert body["status"]["retainedClaims"] == ["x-d1"]
    before = await lab.admin.get("PersistentVolumeClaim", "x-d1", lab.namespace)
    assert before["metadata"]["ownerReferences"]
    await lab.change({"spec": {"deletionPolicy": "Retain"}})

    async def released() -> bool:
        claims = [await lab.admin.get("PersistentVolumeClaim", name, lab.namespace) for name in ("x-d0", "x-d1")]
        return not any(claim["metadata"].get("ownerReferences") for claim in claims)

    await eventually(released)
    after = await lab.admin.get("PersistentVolumeClaim", "x-d1", lab.namespace)
    assert (after["spec"], after["metadata"]["labels"]) == (before["spec"], before["metadata"]["labels"])
    await lab.quiet()
    start = await lab.audit.mark()
    await pass_now(lab, "again")
    assert {entry.resource for entry in await lab.writes(start)} == {"xcachenodes/status"}


@pytest.mark.parametrize("trouble", ["Stalled", "DependencyMissing"])
@with_pods
async def test_claims_are_released_although_nothing_else_can_be_done(trouble: str, lab: Lab) -> None:
    await lab.operator()
    await lab.create(deletionPolicy="Delete")
    await lab.ready()
    before = await lab.admin.get("PersistentVolumeClaim", "x-d0", lab.namespace)
    assert before["metadata"]["ownerReferences"]
    if trouble == "Stalled":
        await lab.change({"spec": {"origin": {"url": "roots://origin.example.org:1094"}}})
        await lab.until(lambda body: condition(body, "Stalled"))
    else:
        data = [{"name": "d0", "claim": {"size": "10Gi"}}, {"name": "d1", "existingClaim": {"name": "missing"}}]
        await lab.change({"spec": {"storage": {"data": data, "maxCacheSize": "1Gi"}}})
        await lab.until(lambda body: condition(body, "Ready").get("reason") == trouble)
    await lab.change({"spec": {"deletionPolicy": "Retain"}})

    async def released() -> bool:
        claim = await lab.admin.get("PersistentVolumeClaim", "x-d0", lab.namespace)
        return not claim["metadata"].get("ownerReferences")

    await eventually(released)
    after = await lab.admin.get("PersistentVolumeClaim", "x-d0", lab.namespace)
    for part in ("labels", "annotations"):
        assert after["metadata"][part] == before["metadata"][part]
    assert after["spec"] == before["spec"]
    await lab.quiet()
    start = await lab.audit.mark()
    await pass_now(lab, "again")
    assert {entry.resource for entry in await lab.writes(start)} == {"xcachenodes/status"}


@with_pods
async def test_nothing_is_pruned_while_suspended(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.change({"spec": {"suspend": True}})
    owner = await lab.until(lambda body: condition(body, "Suspended"))
    await lab.admin.create(like_a_child(owner))
    await pass_now(lab, "while suspended")
    assert await is_there(lab)
    await lab.change({"spec": {"suspend": False}})
    await eventually(lambda: is_gone(lab))


@with_pods
async def test_nothing_is_pruned_after_a_failed_step(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    owner = await lab.ready()
    rule = lab.proxy.add(Answer(500), verb="patch", resource="statefulsets", times=None)
    await lab.change({"spec": {"nodeSelector": {"disk": "fast"}}})
    await lab.admin.create(like_a_child(owner))
    await eventually(lambda: rule.fired >= 3, message="three tries")
    assert await is_there(lab)
    lab.proxy.clear()
    await eventually(lambda: is_gone(lab), 30)


@with_pods
async def test_nothing_is_pruned_while_stalled(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.change({"spec": {"origin": {"url": "roots://origin.example.org:1094"}}})
    owner = await lab.until(lambda body: condition(body, "Stalled"))
    await lab.admin.create(like_a_child(owner))
    await pass_now(lab, "while stalled")
    assert await is_there(lab)


async def test_old_configuration_goes_only_when_the_workload_has_wholly_rolled(lab: Lab, kubelet: Kubelet) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    (old,) = [name for kind, name in await lab.children() if kind == "ConfigMap"]
    kubelet.ready = False
    await lab.change({"spec": {"storage": {"watermarks": {"lowPercent": 80}}}})
    await lab.until(is_current)
    await eventually(lambda: _has_two_configurations(lab))
    await stays(lambda: is_there(lab, name=old), 1)
    kubelet.ready = True
    await kubelet.sync()
    await eventually(lambda: is_gone(lab, name=old))


async def _has_two_configurations(lab: Lab) -> bool:
    return [kind for kind, _ in await lab.children()].count("ConfigMap") == 2


async def test_old_configuration_that_somebody_deletes_during_the_roll_holds_nothing_up(
    lab: Lab, kubelet: Kubelet
) -> None:
    operator = await lab.operator()
    await lab.create()
    await lab.ready()
    (old,) = [name for kind, name in await lab.children() if kind == "ConfigMap"]
    kubelet.ready = False
    await lab.change({"spec": {"storage": {"watermarks": {"lowPercent": 80}}}})
    await lab.until(is_current)
    await eventually(lambda: _has_two_configurations(lab))
    await lab.quiet()
    start = await lab.audit.mark()
    await lab.admin.delete("ConfigMap", old, lab.namespace)
    await pass_now(lab, "after")
    assert await is_gone(lab, name=old), "nobody knows any more what stood in it"
    assert {entry.resource for entry in await lab.writes(start)} == {"xcachenodes/status"}
    kubelet.ready = True
    await kubelet.sync()
    await lab.ready()
    assert not await operator.metric("datalake_reconciles_total", result="error")
