"""The operator killed before and after each of its writes: it always ends as if nothing had happened."""

from typing import Any

import pytest

from tests.support.calls import Kill, Rule
from tests.support.client import Object
from tests.support.lab import Lab
from tests.support.objects import essence, is_ready
from tests.support.operator import Operator
from tests.support.waiting import eventually

with_pods = pytest.mark.usefixtures("kubelet")

SPEC: dict[str, Any] = {"deletionPolicy": "Delete"}
CHANGE = {"spec": {"storage": {"watermarks": {"lowPercent": 80}}, "nodeSelector": {"disk": "fast"}}}
MOST = 30
"""Writes of one step at most; more means that a sweep does not end."""

before_and_after = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


async def state(lab: Lab) -> tuple[Any, Any]:
    """Return all children and what status says, without what differs between equal runs."""
    status = (await lab.read())["status"]
    for condition in status["conditions"]:
        condition.pop("lastTransitionTime")
    status.get("cache", {}).pop("time", None)
    return essence(await lab.children()), status


async def settled(lab: Lab) -> tuple[Any, Any]:
    """Wait until the resource is Ready and no old configuration is left; return the state."""
    await lab.ready(within=20)

    async def has_one_configuration() -> bool:
        return [kind for kind, _ in await lab.children()].count("ConfigMap") == 1

    await eventually(has_one_configuration)
    await lab.quiet(0.3)
    return await state(lab)


async def clear(lab: Lab) -> None:
    """Remove the resource and everything made of it."""
    await lab.admin.delete("XCacheNode", "x", lab.namespace)
    await collect(lab)


async def collect(lab: Lab) -> None:
    """Remove what has an owner, as a garbage collector would: the owner is gone."""
    for (kind, name), child in (await lab.children()).items():
        assert child["metadata"]["ownerReferences"]
        if child["metadata"].get("finalizers"):
            await lab.admin.patch(kind, name, lab.namespace, {"metadata": {"finalizers": None}})
        await lab.admin.delete(kind, name, lab.namespace)


async def killed(lab: Lab, operator: Operator, rule: Rule, version: str) -> bool:
    """Wait until the rule has killed the operator, or it has finished without that."""

    def is_finished(body: Object) -> bool:
        return is_ready(body) and body["metadata"]["resourceVersion"] != version

    async def either() -> bool:
        return bool(rule.fired) or is_finished(await lab.read())

    await eventually(either, 20)
    if not rule.fired:
        await settled(lab)
    if rule.fired:
        await operator.ended()
    return bool(rule.fired)


@before_and_after
@with_pods
async def test_killed_at_each_write_of_a_create(after: bool, lab: Lab) -> None:
    operator = await lab.operator()
    await lab.create(**SPEC)
    undisturbed = await settled(lab)
    kills = 0
    for write in range(1, MOST):
        await clear(lab)
        await lab.quiet(0.2)
        rule = lab.proxy.add(Kill(after), verb="write", first=write)
        await lab.create(**SPEC)
        if not await killed(lab, operator, rule, ""):
            break
        kills += 1
        await operator.started()
        assert await settled(lab) == undisturbed, f"killed at write {write}"
    assert len(undisturbed[0]) + 1 <= kills < MOST - 1


@before_and_after
@with_pods
async def test_killed_at_each_write_of_an_update(after: bool, lab: Lab) -> None:
    operator = await lab.operator()
    await lab.create(**SPEC)
    await settled(lab)
    await lab.change(CHANGE)
    undisturbed = await settled(lab)
    kills = 0
    for write in range(1, MOST):
        await clear(lab)
        await lab.create(**SPEC)
        await settled(lab)
        rule = lab.proxy.add(Kill(after), verb="write", first=write)
        changed = await lab.change(CHANGE)
        if not await killed(lab, operator, rule, changed["metadata"]["resourceVersion"]):
            break
        kills += 1
        await operator.started()
        assert await settled(lab) == undisturbed, f"killed at write {write}"
    assert 4 <= kills < MOST - 1


@with_pods
async def test_killed_at_each_write_and_its_resource_deleted_meanwhile(lab: Lab) -> None:
    operator = await lab.operator()
    for write in range(1, MOST):
        rule = lab.proxy.add(Kill(after=True), verb="write", first=write)
        await lab.create(**SPEC)
        if not await killed(lab, operator, rule, ""):
            break
        await lab.admin.delete("XCacheNode", "x", lab.namespace)
        start = await lab.audit.mark()
        await operator.started()
        await lab.quiet(0.3)
        assert not await lab.writes(start), f"killed at write {write}"
        await collect(lab)
    assert 6 <= write < MOST - 1


@with_pods
async def test_a_delete_takes_no_write(lab: Lab) -> None:
    await lab.operator()
    await lab.create(**SPEC)
    await settled(lab)
    start = await lab.audit.mark()
    await clear(lab)
    await lab.quiet(1)
    assert not await lab.writes(start)
    assert not await lab.children()
