"""What a resource costs the API server (design, section 4), counted from its audit log."""

import asyncio
from typing import Any

import pytest
import yaml

from tests.support.lab import Lab
from tests.support.objects import condition, is_current, is_ready
from tests.support.operator import ROOT, Operator
from tests.support.waiting import eventually

with_pods = pytest.mark.usefixtures("kubelet")


async def passes(operator: Operator, at_least: float) -> None:
    """Wait until the operator has finished so many further reconciles, and the requests they made are answered."""
    before = await operator.metric("datalake_reconciles_total")

    async def more() -> bool:
        return await operator.metric("datalake_reconciles_total") >= before + at_least

    await eventually(more, 30, f"{at_least} more reconciles")


def verdicts(body: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["type"], one["status"], one["reason"]) for one in body.get("status", {}).get("conditions", [])}


async def test_a_new_resource_costs_its_children_and_at_most_two_writes(lab: Lab) -> None:
    await lab.operator()
    start = await lab.audit.mark()
    await lab.create()
    await lab.until(is_current)
    await lab.quiet(1)
    requests = await lab.audit.since(start)
    children = await lab.children()
    assert len(children) >= 5
    assert len(requests.writes(lab.user)) <= len(children) + 2, str(requests.writes(lab.user))
    assert len(requests.gets(lab.user)) <= len(children), str(requests.gets(lab.user))
    assert len(requests.events(lab.user)) <= 2


@with_pods
async def test_with_pods_each_further_write_tells_of_a_transition(lab: Lab) -> None:
    await lab.operator()
    start = await lab.audit.mark()
    created = await lab.create()
    seen: list[dict[str, Any]] = []

    async def follow() -> None:
        async for event in lab.admin.watch("XCacheNode", lab.namespace, created["metadata"]["resourceVersion"]):
            seen.append(event["object"])  # noqa: PERF401 - the watch does not end

    following = asyncio.create_task(follow())
    await lab.ready()
    await lab.quiet(1)
    following.cancel()
    requests = await lab.audit.since(start)
    children, writes = await lab.children(), requests.writes(lab.user)
    transitions = sum(verdicts(a) != verdicts(b) for a, b in zip([{}, *seen], seen, strict=False))
    assert len(writes) <= len(children) + transitions, f"{writes}\n{[verdicts(body) for body in seen]}"
    assert len(requests.events(lab.user)) <= 2, str(requests.events(lab.user))


@with_pods
async def test_nothing_is_written_or_read_at_rest(lab: Lab) -> None:
    operator = await lab.operator(resync="1s")
    for name in ("a", "b", "c"):
        await lab.create(name)
    for name in ("a", "b", "c"):
        await lab.ready(name)
    await lab.quiet()
    start = await lab.audit.mark()
    await passes(operator, 9)
    requests = await lab.audit.since(start)
    assert not requests.writes(lab.user), str(requests.writes(lab.user))
    assert not requests.events(lab.user)
    assert not requests.gets(lab.user), str(requests.gets(lab.user))
    listed = {entry.resource for entry in requests.of(user=lab.user, verb="list")}
    assert listed <= {"podmonitors"}, "only whether PodMonitor is served is asked again"


async def test_every_golden_resource_is_at_rest_once_it_is_made(lab: Lab) -> None:
    operator = await lab.operator(resync="1s")
    inputs = sorted((ROOT / "tests" / "golden" / "xcachenode").glob("*/input.yaml"))
    names = []
    for file in inputs:
        resource = yaml.safe_load(file.read_text())
        names.append(f"{file.parent.name[:10]}-{resource['metadata']['name']}")
        resource["metadata"] = {"name": names[-1], "namespace": lab.namespace}
        await lab.admin.create(resource)
    for name in names:
        await lab.until(is_current, name)
    await lab.quiet()
    start = await lab.audit.mark()
    await passes(operator, 2 * len(names))
    requests = await lab.audit.since(start)
    assert not requests.writes(lab.user), str(requests.writes(lab.user))
    assert not requests.gets(lab.user), str(requests.gets(lab.user))


@with_pods
async def test_nothing_is_written_or_read_after_a_restart_whatever_state_resources_are_in(lab: Lab) -> None:
    operator = await lab.operator()
    await lab.create("ready")
    await lab.ready("ready")
    await lab.create("stalled")
    await lab.ready("stalled")
    await lab.change({"spec": {"origin": {"url": "roots://origin.example.org:1094"}}}, "stalled")
    await lab.until(lambda body: condition(body, "Stalled"), "stalled")
    await lab.create("suspended")
    await lab.ready("suspended")
    await lab.change({"spec": {"suspend": True}}, "suspended")
    await lab.until(lambda body: condition(body, "Suspended"), "suspended")
    missing = [{"name": "d0", "existingClaim": {"name": "nowhere"}}]
    await lab.create("waiting", storage={"data": missing, "maxCacheSize": "1Gi"})
    await lab.until(lambda body: condition(body, "Ready")["reason"] == "DependencyMissing", "waiting")
    await lab.quiet()
    await operator.stop()
    start = await lab.audit.mark()
    await operator.started()
    await lab.quiet(1)
    assert await operator.metric("datalake_reconciles_total") >= 4
    requests = await lab.audit.since(start)
    assert not requests.writes(lab.user), str(requests.writes(lab.user))
    assert not requests.events(lab.user)
    assert not requests.gets(lab.user), str(requests.gets(lab.user))


async def test_lists_and_watches_do_not_grow_with_the_number_of_resources(lab: Lab) -> None:
    async def opened_by_a_start() -> int:
        start = await lab.audit.mark()
        await operator.started()
        await lab.quiet(1)
        requests = (await lab.audit.since(start)).of(user=lab.user)
        return len(requests.of(verb="list")) + len(requests.of(verb="watch"))

    operator = await lab.prepare()
    few = await opened_by_a_start()
    for number in range(20):
        await lab.create(f"x{number}")
    for number in range(20):
        await lab.until(is_current, f"x{number}")
    await operator.stop()
    assert await opened_by_a_start() == few


@with_pods
async def test_a_pass_on_request_happens_once_and_writes_its_echo_only(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.quiet()
    start = await lab.audit.mark()
    await lab.change({"metadata": {"annotations": {"datalake.projectescape.eu/reconcile-at": "now"}}})
    await lab.until(lambda body: body["status"].get("lastHandledReconcileAt") == "now")
    await lab.quiet()
    writes = await lab.writes(start)
    assert [(entry.verb, entry.resource) for entry in writes] == [("patch", "xcachenodes/status")]


@pytest.mark.parametrize("change", [{"storage": {"watermarks": {"lowPercent": 80}}}])
@with_pods
async def test_a_change_of_configuration_rolls_the_pod_once_and_leaves_no_old_configuration(
    change: dict[str, Any], lab: Lab
) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.quiet()
    before = await lab.children()
    start = await lab.audit.mark()
    await lab.change({"spec": change})
    await lab.until(is_ready)
    await lab.quiet(1)
    after, writes = await lab.children(), await lab.writes(start)
    assert len(after) == len(before)
    old, new = before.keys() - after.keys(), after.keys() - before.keys()
    assert [kind for kind, _ in (*old, *new)] == ["ConfigMap", "ConfigMap"]
    applied = [entry.resource for entry in writes if entry.verb == "patch" and "status" not in entry.resource]
    assert sorted(applied) == ["configmaps", "statefulsets"], str(writes)
    assert [entry.resource for entry in writes.of(verb="delete")] == ["configmaps"]
