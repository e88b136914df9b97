"""What happens while nobody watches."""

import pytest

from tests.contract.conftest import apply_crds, undefine
from tests.support.calls import Delay, Drop
from tests.support.client import Object
from tests.support.lab import Lab
from tests.support.objects import condition, is_current
from tests.support.operator import Operator
from tests.support.waiting import eventually, stays

with_pods = pytest.mark.usefixtures("kubelet")

RESOURCES = ("xcachenodes", "rucioservers", "qosprobes")


async def series(operator: Operator, name: str) -> list[tuple[tuple[str, str], ...]]:
    """Return the labels of all series that name a resource."""
    return [key for samples in (await operator.metrics()).values() for key in samples if ("name", name) in key]


async def delete_as_a_collector_would(lab: Lab, name: str, children: dict[tuple[str, str], Object]) -> None:
    """Delete a resource and then its children, as the garbage collector of a whole cluster does."""
    await lab.admin.delete("XCacheNode", name, lab.namespace)
    for kind, child in children:
        if kind != "PersistentVolumeClaim":
            await lab.admin.delete(kind, child, lab.namespace)


@with_pods
async def test_a_deleted_resource_leaves_nothing_behind(lab: Lab) -> None:
    operator = await lab.operator()
    await lab.create("gone")
    await lab.ready("gone")
    assert await series(operator, "gone")
    await lab.quiet()
    start = await lab.audit.mark()
    await delete_as_a_collector_would(lab, "gone", await lab.children("gone"))
    await eventually(lambda: _has_no_series(operator, "gone"))
    await lab.quiet(1)
    assert not (await lab.writes(start))
    assert {kind for kind, _ in await lab.children("gone")} <= {"PersistentVolumeClaim"}


async def _has_no_series(operator: Operator, name: str) -> bool:
    return not await series(operator, name)


@with_pods
async def test_a_resource_deleted_while_its_watch_is_down_is_not_made_again(lab: Lab) -> None:
    operator = await lab.operator()
    for name in ("gone", "kept"):
        await lab.create(name)
        await lab.ready(name)
    await lab.quiet()
    rules = [
        lab.proxy.add(Drop(), verb=verb, resource=resource, times=None)
        for resource in RESOURCES
        for verb in ("list", "watch")
    ]
    for resource in RESOURCES:
        lab.proxy.drop_watches(resource)
    start = await lab.audit.mark()
    await delete_as_a_collector_would(lab, "gone", await lab.children("gone"))
    await eventually(lambda: sum(rule.fired for rule in rules) > 3, 20, "the watch is down")
    lab.proxy.clear()
    await eventually(lambda: _has_no_series(operator, "gone"), 30)
    await lab.quiet(1)
    assert not (await lab.writes(start)).of(verb="patch"), str(await lab.writes(start))
    assert {kind for kind, _ in await lab.children("gone")} <= {"PersistentVolumeClaim"}
    await lab.ready("kept")


@with_pods
async def test_a_resource_made_again_while_the_watch_is_down_gets_children_of_its_own(lab: Lab) -> None:
    await lab.operator()
    old = await lab.create()
    await lab.ready()
    await lab.quiet()
    for resource in RESOURCES:
        for verb in ("list", "watch"):
            lab.proxy.add(Drop(), verb=verb, resource=resource, times=None)
        lab.proxy.drop_watches(resource)
    await delete_as_a_collector_would(lab, "x", await lab.children())
    new = await lab.create()
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    lab.proxy.clear()
    await lab.ready(within=30)
    for (kind, _), child in (await lab.children()).items():
        if kind != "PersistentVolumeClaim":
            assert [owner["uid"] for owner in child["metadata"]["ownerReferences"]] == [new["metadata"]["uid"]]


@with_pods
async def test_a_resource_that_is_deleted_and_made_again_at_once_gets_children_of_its_own(lab: Lab) -> None:
    operator = await lab.operator()
    old = await lab.create()
    await lab.ready()
    await lab.quiet()
    children = await lab.children()
    await lab.admin.delete("XCacheNode", "x", lab.namespace)
    new = await lab.create()
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    await lab.until(lambda body: "of the deleted XCacheNode" in condition(body, "Ready").get("message", ""))
    for kind, name in children:
        if kind != "PersistentVolumeClaim":
            await lab.admin.delete(kind, name, lab.namespace)  # as the garbage collector of a whole cluster does
    await lab.ready(within=30)
    after = await lab.children()
    assert after.keys() == children.keys()
    for (kind, name), child in after.items():
        if kind == "PersistentVolumeClaim":
            assert child["metadata"]["uid"] == children[kind, name]["metadata"]["uid"], "data is kept"
        else:
            assert [owner["uid"] for owner in child["metadata"]["ownerReferences"]] == [new["metadata"]["uid"]]
    assert not await operator.metric("datalake_reconciles_total", result="error")


@with_pods
async def test_a_resource_deleted_while_the_operator_is_down_is_not_made_again(lab: Lab) -> None:
    operator = await lab.operator()
    await lab.create()
    await lab.ready()
    await operator.stop()
    start = await lab.audit.mark()
    await lab.admin.delete("XCacheNode", "x", lab.namespace)
    await operator.started()
    await lab.quiet(1)
    assert not await lab.writes(start)


async def test_a_change_of_spec_while_status_is_being_written_is_not_missed(lab: Lab) -> None:
    """Without pods, whose events would bring a pass anyway."""
    await lab.operator()
    rule = lab.proxy.add(Delay(1.0), verb="patch", resource="xcachenodes")
    await lab.create()
    await eventually(lambda: rule.fired)
    await lab.change({"spec": {"nodeSelector": {"disk": "fast"}}})

    async def applied() -> bool:
        found = await lab.admin.get("StatefulSet", "x", lab.namespace)
        return bool(found["spec"]["template"]["spec"].get("nodeSelector") == {"disk": "fast"})

    await eventually(applied)
    await lab.until(is_current)


@with_pods
async def test_children_that_change_while_their_watch_is_down_are_repaired(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.quiet()
    lab.proxy.add(Drop(), verb="watch", resource="services", times=4)
    lab.proxy.drop_watches("services")
    services = [name for kind, name in await lab.children() if kind == "Service"]
    await lab.admin.delete("Service", services[0], lab.namespace)
    await lab.admin.patch("Service", services[1], lab.namespace, {"spec": {"selector": {"edited": "yes"}}})

    async def repaired() -> bool:
        found = [await lab.admin.find("Service", name, lab.namespace) for name in services]
        return not any(service is None or "edited" in service["spec"]["selector"] for service in found)

    await eventually(repaired, 20)


@with_pods
async def test_without_its_definitions_the_operator_waits_and_says_so_once(lab: Lab) -> None:
    crds = [crd["metadata"]["name"] for crd in await lab.admin.list("CustomResourceDefinition") if _is_ours(crd)]
    for crd in crds:
        await undefine(lab.admin, crd)
    try:
        operator = await lab.prepare()
        operator.start()
        await eventually(lambda: operator.status("/healthz"), 20, "the operator serves its health")
        await stays(lambda: _alive_and_not_ready(operator), 5)
        for crd in crds:
            plural = crd.partition(".")[0]
            told = [line for line in operator.log().splitlines() if plural in line and "INFO" not in line]
            assert len(told) == 1, told
    finally:
        await apply_crds(lab.admin)
    await operator.ready(90)
    await lab.create()
    await lab.ready(within=30)


def _is_ours(crd: Object) -> bool:
    return str(crd["metadata"]["name"]).endswith(".datalake.projectescape.eu")


async def _alive_and_not_ready(operator: Operator) -> bool:
    return await operator.status("/healthz") == 200 and await operator.status("/readyz") == 503
