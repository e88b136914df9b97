"""Every fault that the proxy can make: the operator converges by itself and stays healthy."""

import asyncio
import itertools

import pytest

from tests.cluster import Cluster
from tests.support.calls import Action, Answer, Delay, Drop, GoneEvent
from tests.support.client import Object
from tests.support.lab import Lab
from tests.support.objects import condition, differing, is_ready, is_stalled
from tests.support.operator import Operator
from tests.support.waiting import eventually

with_pods = pytest.mark.usefixtures("kubelet")

WRITE_FAULTS: dict[str, Action] = {
    "409": Answer(409),
    "422": Answer(422),
    "429 with Retry-After": Answer(429, retry_after=1),
    "500": Answer(500),
    "503": Answer(503),
    "a dropped connection": Drop(),
    "a lost answer": Drop(answered=True),
    "a delay": Delay(1.0),
}


async def healthy(operator: Operator) -> bool:
    """Whether liveness is good and no worker met a fault of our own."""
    return await operator.status("/healthz") == 200 and not await operator.metric(
        "datalake_reconciles_total", result="error"
    )


@pytest.mark.parametrize("fault", WRITE_FAULTS)
@with_pods
async def test_each_write_may_fail_once(fault: str, lab: Lab) -> None:
    operator = await lab.operator()
    for resource in ("serviceaccounts", "configmaps", "services", "statefulsets", "xcachenodes"):
        lab.proxy.add(WRITE_FAULTS[fault], verb="write", resource=resource)
    await lab.create()
    await lab.ready(within=30)
    assert all(rule.fired for rule in lab.proxy.rules)
    assert await healthy(operator)
    await lab.quiet(1)
    kinds = [kind for kind, _ in await lab.children()]
    assert sorted(set(kinds)) == ["ConfigMap", "PersistentVolumeClaim", "Service", "ServiceAccount", "StatefulSet"]


@pytest.mark.parametrize("fault", ["500", "a dropped connection", "429 with Retry-After"])
@with_pods
async def test_each_read_of_a_single_object_may_fail_once(fault: str, lab: Lab) -> None:
    operator = await lab.operator()
    for resource in ("serviceaccounts", "configmaps", "services", "statefulsets"):
        lab.proxy.add(WRITE_FAULTS[fault], verb="get", resource=resource)
    await lab.create()
    await lab.ready(within=30)
    assert all(rule.fired for rule in lab.proxy.rules)
    assert await healthy(operator)


@pytest.mark.parametrize("fault", ["500", "429 with Retry-After", "a dropped connection", "503"])
@with_pods
async def test_lists_may_fail_at_the_start(fault: str, lab: Lab) -> None:
    operator = await lab.prepare()
    rule = lab.proxy.add(WRITE_FAULTS[fault], verb="list", times=8)
    await lab.create()
    await operator.started(40)
    assert rule.fired == 8
    await lab.ready(within=30)
    assert await healthy(operator)


@with_pods
async def test_a_permanent_refusal_of_a_child_is_told_and_mended_by_itself(lab: Lab) -> None:
    await lab.operator()
    lab.proxy.add(Answer(403, "Forbidden", "exceeded quota: few"), verb="patch", resource="services", times=None)
    await lab.create()
    await lab.until(lambda body: any("exceeded quota: few" in one["message"] for one in body["status"]["conditions"]))
    lab.proxy.clear()
    await lab.ready(within=30)


@pytest.mark.parametrize("verb", ["get", "delete"])
@with_pods
async def test_a_right_that_is_missing_to_read_or_delete_a_child_is_told_and_mended_by_itself(
    verb: str, lab: Lab
) -> None:
    await lab.operator()
    if verb == "delete":
        await lab.create()
        await lab.ready()
    rule = lab.proxy.add(Answer(403, "Forbidden", "no such right"), verb=verb, resource="configmaps", times=None)
    if verb == "delete":
        await lab.change({"spec": {"storage": {"watermarks": {"lowPercent": 80}}}})
    else:
        await lab.create()
    body = await lab.until(lambda body: is_stalled(body, "ApplyRefused"))
    assert "no such right" in condition(body, "Stalled")["message"]
    fired = rule.fired
    await asyncio.sleep(2)
    assert rule.fired - fired < 6, "it backs off"
    lab.proxy.clear()
    await lab.ready(within=30)


async def test_the_pause_between_tries_doubles_with_jitter(lab: Lab) -> None:
    await lab.operator()
    rule = lab.proxy.add(Answer(500), verb="patch", resource="serviceaccounts", times=None)
    await lab.create()
    await eventually(lambda: rule.fired >= 6, 30)
    pauses = [b - a for a, b in itertools.pairwise(rule.moments)]
    for number, pause in enumerate(pauses):
        full = 0.2 * 2**number
        assert 0.4 * full < pause < 1.3 * full + 0.2, pauses
    assert len({round(pause / (0.2 * 2**number), 3) for number, pause in enumerate(pauses)}) > 1, "no jitter"


@with_pods
async def test_a_failure_that_lasts_is_told_once_and_mended_by_itself(lab: Lab) -> None:
    await lab.operator()
    rule = lab.proxy.add(Answer(500, "InternalError", "etcd is away"), verb="patch", resource="services", times=None)
    await lab.create()
    body = await lab.until(lambda body: condition(body, "Reconciling").get("reason") == "Retrying")
    assert rule.fired >= 3
    assert "etcd is away" in condition(body, "Ready")["message"]
    assert "Service x" in condition(body, "Ready")["message"]
    start, fired = await lab.audit.mark(), rule.fired
    await eventually(lambda: rule.fired >= fired + 2, 20, "two more tries")
    assert not await lab.writes(start)
    lab.proxy.clear()
    await lab.ready(within=30)


async def test_a_namespace_that_is_being_deleted_is_waited_for_in_silence(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    await lab.until(lambda body: condition(body, "Ready"))
    await lab.quiet()
    await lab.admin.delete("Namespace", lab.namespace)  # for ever, where nobody empties it
    name = next(name for kind, name in await lab.children() if kind == "Service")
    await lab.admin.delete("Service", name, lab.namespace)
    body = await lab.until(lambda body: condition(body, "Reconciling").get("reason") == "NamespaceTerminating")
    assert condition(body, "Ready")["status"] == "False"
    assert not condition(body, "Stalled")
    await lab.quiet(2)
    # The API server's own repair may warn of the Service's address meanwhile.
    events = [event for event in await lab.admin.list("Event", lab.namespace) if event["type"] == "Warning"]
    assert not [event for event in events if event["involvedObject"]["kind"] == lab.kind]


@with_pods
async def test_a_named_object_that_cannot_be_learned_of_is_told(lab: Lab) -> None:
    await lab.operator()
    storage = {"data": [{"name": "d0", "existingClaim": {"name": "theirs"}}], "maxCacheSize": "1Gi"}
    await lab.admin.create(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "theirs", "namespace": lab.namespace},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
        }
    )
    lab.proxy.add(
        Answer(403, "Forbidden", "no right to list"), verb="list", resource="persistentvolumeclaims", times=None
    )
    await lab.create(storage=storage)
    body = await lab.until(lambda body: condition(body, "Ready").get("reason") == "DependencyUnknown", within=25)
    message = condition(body, "Ready")["message"]
    assert "theirs" in message
    assert "no right to list" in message
    lab.proxy.clear()
    await lab.ready(within=30)


async def test_retry_after_is_respected(lab: Lab) -> None:
    await lab.operator()
    rule = lab.proxy.add(Answer(429, retry_after=3), verb="patch", resource="serviceaccounts", times=None)
    await lab.create()
    await eventually(lambda: rule.fired >= 2)
    assert rule.moments[1] - rule.moments[0] > 2.8


async def settled(lab: Lab) -> Operator:
    operator = await lab.operator()
    await lab.create("old")
    await lab.ready("old")
    await lab.quiet()
    return operator


async def assert_still_works(lab: Lab, operator: Operator, within: float = 20) -> None:
    """Prove that events of resources and of children still arrive."""
    await lab.create("newer")
    await lab.ready("newer", within)
    for name in ("old", "newer"):
        before = await lab.children(name)
        kind, service = next(key for key in before if key[0] == "Service")
        await lab.admin.delete(kind, service, lab.namespace)

        async def are_back(name: str = name, before: dict[tuple[str, str], Object] = before) -> bool:
            different = differing(before, await lab.children(name))
            assert not different, different
            return True

        await eventually(are_back, within)
    assert await healthy(operator)


@with_pods
async def test_all_watches_are_dropped(lab: Lab) -> None:
    operator = await settled(lab)
    assert lab.proxy.drop_watches() >= 6
    await assert_still_works(lab, operator)


@with_pods
async def test_a_watch_is_told_that_its_version_is_gone(lab: Lab) -> None:
    operator = await settled(lab)
    rule = lab.proxy.add(GoneEvent(), verb="watch", times=8)
    lab.proxy.drop_watches()
    await eventually(lambda: rule.fired == 8, 20)
    await assert_still_works(lab, operator)


@with_pods
async def test_a_watch_is_refused_with_410(lab: Lab) -> None:
    operator = await settled(lab)
    rule = lab.proxy.add(Answer(410), verb="watch", times=8)
    lab.proxy.drop_watches()
    await eventually(lambda: rule.fired == 8, 20)
    await assert_still_works(lab, operator)


@with_pods
async def test_watches_that_cannot_be_opened_for_a_while(lab: Lab) -> None:
    operator = await settled(lab)
    rules = [
        lab.proxy.add(action, verb="watch", times=5) for action in (Answer(500), Drop(), Answer(429, retry_after=1))
    ]
    lab.proxy.drop_watches()
    await eventually(lambda: all(rule.fired == 5 for rule in rules), 30)
    await assert_still_works(lab, operator)


@with_pods
async def test_silent_watches_are_noticed_and_opened_anew(lab: Lab) -> None:
    operator = await settled(lab)
    assert lab.proxy.silence() >= 6
    await lab.create("new")
    await lab.ready("new", 180)
    await assert_still_works(lab, operator)


@with_pods
async def test_the_whole_api_is_cut_off_and_comes_back(lab: Lab) -> None:
    operator = await settled(lab)
    client = lab.proxy.clients["operator"]
    lab.proxy.cut(client)
    await lab.create("new")
    name = next(name for kind, name in await lab.children("old") if kind == "Service")
    await lab.admin.delete("Service", name, lab.namespace)
    await eventually(lambda: operator.metric("datalake_api_requests_total", code="0"), message="requests that fail")
    assert await healthy(operator)
    lab.proxy.mend(client)
    await lab.ready("new", 30)
    await eventually(lambda: lab.admin.find("Service", name, lab.namespace), 30)
    await assert_still_works(lab, operator)


@with_pods
async def test_the_api_server_is_stopped_for_twenty_seconds(lab: Lab, control_plane: Cluster) -> None:
    operator = await settled(lab)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, control_plane.stop_api)
    stopped = loop.time()
    while loop.time() - stopped < 20:
        assert await operator.status("/healthz") == 200
        assert await operator.status("/readyz") == 200
        await asyncio.sleep(0.5)
    await loop.run_in_executor(None, control_plane.start_api)
    await lab.create("new")
    await lab.ready("new", 20)
    await assert_still_works(lab, operator)
    assert operator.starts == 1
    assert operator.running


@with_pods
async def test_the_operator_starts_while_the_api_cannot_be_reached(lab: Lab) -> None:
    operator = await lab.prepare()
    client = lab.proxy.clients["operator"]
    lab.proxy.cut(client)
    await lab.create()
    operator.start()
    await eventually(lambda: operator.status("/healthz"), 20, "the server of the operator answers")
    assert await operator.status("/healthz") == 200
    assert await operator.status("/readyz") == 503
    lab.proxy.mend(client)
    await operator.ready(30)
    await lab.until(is_ready, within=20)
