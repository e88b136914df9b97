"""Stalled, DependencyMissing and Suspended, as design section 5 promises them."""

from typing import Any

import pytest

from tests.support.calls import Answer
from tests.support.client import Object
from tests.support.exporter import Exporter
from tests.support.kubelet import Kubelet
from tests.support.lab import Lab
from tests.support.objects import condition, essence, is_current, is_ready, is_stalled
from tests.support.waiting import eventually, stays

with_pods = pytest.mark.usefixtures("kubelet")

BAD: dict[str, Any] = {"origin": {"url": "roots://origin.example.org:1094"}}
"""Valid for the schema, not served by this version."""
ENGINE = ("Ready", "Reconciling", "Stalled", "Suspended")


def domain(body: Object) -> dict[str, str]:
    """Return the conditions that speak of the children."""
    return {one["type"]: one["status"] for one in body["status"]["conditions"] if one["type"] not in ENGINE}


def types(body: Object) -> set[str]:
    return {one["type"] for one in body["status"]["conditions"]}


async def test_an_untouched_resource_says_so(lab: Lab) -> None:
    body = await lab.create()
    assert body["status"] == {"observedGeneration": -1}


@with_pods
async def test_ready_tells_of_the_present_generation_in_every_condition(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    body = await lab.ready()
    assert not {"Reconciling", "Stalled", "Suspended"} & types(body)
    assert {one["observedGeneration"] for one in body["status"]["conditions"]} == {body["metadata"]["generation"]}


async def test_a_resource_without_pods_is_reconciling(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    body = await lab.until(is_current)
    assert condition(body, "Ready")["status"] in ("False", "Unknown")
    assert condition(body, "Reconciling")["status"] == "True"


@with_pods
async def test_the_operator_writes_neither_spec_nor_finalizers_nor_annotations(lab: Lab) -> None:
    await lab.operator()
    created = await lab.create()
    body = await lab.ready()
    assert body["spec"] == created["spec"]
    assert body["metadata"]["generation"] == 1
    assert not {"annotations", "finalizers", "labels"} & body["metadata"].keys()


@with_pods
async def test_a_bad_change_is_stalled_and_the_children_of_the_last_good_spec_stay(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    good = await lab.ready()
    children = await lab.children()
    await lab.change({"spec": BAD})
    body = await lab.until(is_stalled)
    ready, stalled = condition(body, "Ready"), condition(body, "Stalled")
    assert (ready["status"], ready["reason"]) == ("False", stalled["reason"])
    assert "spec.origin.url" in stalled["message"]
    assert body["status"]["observedGeneration"] == body["metadata"]["generation"] == 2
    assert "Reconciling" not in types(body)
    assert domain(body) == domain(good)
    assert essence(await lab.children()) == essence(children)
    await lab.change({"spec": {"origin": {"url": "root://origin.example.org:1094"}}})
    assert "Stalled" not in types(await lab.ready())


async def test_while_stalled_the_domain_conditions_go_on_telling_of_the_children(lab: Lab, kubelet: Kubelet) -> None:
    await lab.operator()
    await lab.create()
    good = await lab.ready()
    await lab.change({"spec": BAD})
    await lab.until(is_stalled)
    kubelet.ready = False
    await kubelet.sync()
    await lab.until(lambda body: is_stalled(body) and domain(body) != domain(good))
    kubelet.ready = True
    await kubelet.sync()
    await lab.until(lambda body: is_stalled(body) and domain(body) == domain(good))


@with_pods
async def test_while_stalled_a_child_is_not_repaired(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.change({"spec": BAD})
    await lab.until(is_stalled)
    name = next(name for kind, name in await lab.children() if kind == "Service")
    await lab.admin.delete("Service", name, lab.namespace)
    await lab.quiet(1)
    assert await lab.admin.find("Service", name, lab.namespace) is None
    await lab.change({"spec": {"origin": {"url": "root://origin.example.org:1094"}}})
    await eventually(lambda: lab.admin.find("Service", name, lab.namespace))


@with_pods
async def test_a_missing_dependency_is_waited_for_and_not_stalled(lab: Lab) -> None:
    await lab.operator()
    storage = {"data": [{"name": "d0", "existingClaim": {"name": "theirs"}}], "maxCacheSize": "1Gi"}
    await lab.create(storage=storage)
    body = await lab.until(lambda body: condition(body, "Ready").get("reason") == "DependencyMissing")
    assert condition(body, "Ready")["status"] == "False"
    assert condition(body, "Reconciling")["status"] == "True"
    assert "Stalled" not in types(body)
    assert "theirs" in condition(body, "Ready")["message"]
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "theirs", "namespace": lab.namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    }
    await lab.admin.create(claim)
    await lab.ready()


async def test_suspended_writes_nothing_and_still_observes(lab: Lab, kubelet: Kubelet) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.change({"spec": {"suspend": True}})
    body = await lab.until(lambda body: is_current(body) and condition(body, "Suspended").get("status") == "True")
    assert is_ready(body)
    await lab.quiet()
    start = await lab.audit.mark()
    name = next(name for kind, name in await lab.children() if kind == "Service")
    await lab.admin.delete("Service", name, lab.namespace)
    kubelet.ready = False
    await kubelet.sync()
    await lab.until(lambda body: condition(body, "Ready")["status"] == "False", message="Ready keeps to the truth")
    await lab.quiet()
    assert {entry.resource for entry in await lab.writes(start)} == {"xcachenodes/status"}
    kubelet.ready = True
    await kubelet.sync()
    await lab.change({"spec": {"suspend": False}})
    assert "Suspended" not in types(await lab.ready())
    assert await lab.admin.find("Service", name, lab.namespace)


@with_pods
async def test_created_suspended_makes_nothing(lab: Lab) -> None:
    await lab.operator()
    await lab.create(suspend=True)
    await lab.until(lambda body: is_current(body) and condition(body, "Suspended").get("status") == "True")
    await lab.quiet()
    assert not await lab.children()


@with_pods
async def test_suspended_while_the_spec_is_bad_tells_of_both(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.change({"spec": BAD})
    await lab.until(is_stalled)
    children = await lab.children()
    start = await lab.audit.mark()
    await lab.change({"spec": {"suspend": True}})
    body = await lab.until(lambda body: is_current(body) and condition(body, "Suspended").get("status") == "True")
    assert is_stalled(body)
    assert "Reconciling" not in types(body)
    await lab.quiet()
    assert {entry.resource for entry in await lab.writes(start)} == {"xcachenodes/status"}
    assert essence(await lab.children()) == essence(children)
    await lab.change({"spec": {"origin": {"url": "root://origin.example.org:1094"}}})
    body = await lab.ready()
    assert "Suspended" in types(body)
    assert "Stalled" not in types(body)
    await lab.change({"spec": {"suspend": False}})
    await lab.until(lambda body: is_ready(body) and "Suspended" not in types(body))


@with_pods
async def test_suspended_while_a_child_is_refused_ends_the_tries(lab: Lab) -> None:
    await lab.operator()
    rule = lab.proxy.add(Answer(403, "Forbidden", "exceeded quota"), verb="patch", resource="services", times=None)
    await lab.create()
    await lab.until(lambda body: is_stalled(body, "ApplyRefused"))
    await lab.change({"spec": {"suspend": True}})
    body = await lab.until(lambda body: is_current(body) and condition(body, "Suspended").get("status") == "True")
    assert "Stalled" not in types(body), "nothing is tried, so nothing is refused"
    fired = rule.fired
    await stays(lambda: rule.fired == fired, 3)
    lab.proxy.clear()
    await lab.change({"spec": {"suspend": False}})
    await lab.ready(within=30)


async def test_what_this_version_does_not_do_yet_is_said(lab: Lab) -> None:
    await lab.operator()
    await lab.create(**BAD)

    async def says_so() -> bool:
        body = await lab.read()
        assert is_stalled(body, "NotImplemented"), body
        return bool(condition(body, "Ready")["reason"] == "NotImplemented")

    await eventually(says_so)
    assert not await lab.children()


async def test_a_pod_of_an_old_revision_that_never_became_ready_gives_way(lab: Lab, kubelet: Kubelet) -> None:
    kubelet.ready = False
    await lab.operator()
    await lab.create(image={"tag": "no-such-tag"})
    await eventually(lambda: lab.admin.find("Pod", "x-0", lab.namespace))
    await lab.until(is_current)
    await lab.change({"spec": {"image": {"tag": "5.8.1-1"}}})

    async def has_new_image() -> bool:
        pod = await lab.admin.get("Pod", "x-0", lab.namespace)
        return any(container["image"].endswith(":5.8.1-1") for container in pod["spec"]["containers"])

    await eventually(has_new_image)
    kubelet.ready = True
    await kubelet.sync()
    await lab.ready()


@with_pods
async def test_an_exporter_that_stops_answering_is_no_reason_to_write_again_and_again(
    lab: Lab, exporter: Exporter
) -> None:
    operator = await lab.operator(resync="1s")
    await lab.create()
    await lab.ready()
    await lab.quiet()
    asked, exporter.status = exporter.asked, 500
    await eventually(lambda: exporter.asked > asked, 20, "one more question")
    await lab.quiet()
    start = await lab.audit.mark()
    before = await operator.metric("datalake_reconciles_total")

    async def passed() -> bool:
        return await operator.metric("datalake_reconciles_total") > before + 2

    await eventually(passed)
    assert not await lab.writes(start)


GARBAGE = {
    "nothing": "",
    "no JSON": "<html>busy</html>",
    "no object": "[1, 2]",
    "nested": "[" * 100_000,
    "wrong types": '{"version": 1, "draining": "perhaps", "cache": [], "disks": {"a": 1}}',
    "wrong numbers": '{"version": 1, "cache": {"usedBytes": -1, "files": 1e400}, "hour": {"hitPercent": 101}}',
    "far too long": '{"version": 1, "x": "' + "x" * 2_000_000 + '"}',
}
"""What may be at the address of a pod, or become of an exporter."""


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE)
@with_pods
async def test_an_exporter_that_answers_garbage_hurts_nothing(text: str, lab: Lab, exporter: Exporter) -> None:
    exporter.text = text
    operator = await lab.operator(resync="1s")
    await lab.create()
    await lab.ready()
    await eventually(lambda: exporter.asked, 20)
    await lab.quiet()
    told = condition(await lab.read(), "OriginReachable")
    assert (told["status"], told["reason"]) == ("Unknown", "NotObserved")
    assert "HTTP" not in told["message"]
    start = await lab.audit.mark()
    before = await operator.metric("datalake_reconciles_total")

    async def passed() -> bool:
        return await operator.metric("datalake_reconciles_total") > before + 1

    await eventually(passed)
    assert not await lab.writes(start)
    assert not await operator.metric("datalake_reconciles_total", result="error")
    assert is_ready(await lab.read())
