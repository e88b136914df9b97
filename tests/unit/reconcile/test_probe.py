"""Passes over a QoSProbe: what they write while runs begin, end, or cannot begin."""

from datetime import timedelta
from typing import Any

import pytest

from datalake_operator.build.labels import labels
from datalake_operator.build.probe import called
from datalake_operator.kube.references import Reference
from datalake_operator.kube.resource import CONFIG_MAPS, JOBS, QOS_PROBES, XCACHE_NODES
from datalake_operator.status.conditions import rfc3339
from tests.support.objects import condition
from tests.support.probe_jobs import cell, envelope
from tests.unit.reconcile.probe_world import KEY, Crash, World
from tests.unit.status.probe.conftest import NOW


@pytest.fixture
def world() -> World:
    return World()


async def settled(world: World, **spec: Any) -> None:
    """A probe that is made and at rest."""
    world.write(**spec)
    assert await world.reconcile() == ["apply ConfigMap", "apply CronJob", "status"]
    assert await world.reconcile() == []


async def test_a_run_costs_one_write_and_the_same_run_is_never_counted_twice(world: World) -> None:
    await settled(world)
    assert condition(world.body, "Ready")["reason"] == "Scheduled"
    job = world.begin()
    world.pod(job)
    assert await world.reconcile() == []
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    assert world.status["cells"][0]["state"] == "ok"
    assert await world.reconcile() == []
    assert [run["id"] for run in world.status["runs"]] == ["x-1"]


async def test_a_job_whose_pod_was_not_heard_of_yet_is_looked_at_again(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.pod(job)
    done = {"type": "Complete", "status": "True", "lastTransitionTime": rfc3339(NOW)}
    world.put(JOBS, {**job, "status": {**job["status"], "conditions": [done]}})
    assert await world.reconcile() == []
    assert world.wake == 30.0
    world.pod(job, message=envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    assert world.status["summary"]["ok"] == 1


async def test_a_job_whose_pod_is_gone_is_an_unknown_run(world: World) -> None:
    await settled(world)
    job = world.begin()
    done = {"type": "Failed", "status": "True", "lastTransitionTime": rfc3339(NOW)}
    world.put(JOBS, {**job, "status": {**job["status"], "conditions": [done]}})
    assert await world.reconcile() == []
    world.now += timedelta(seconds=31)
    assert await world.reconcile() == ["status"]
    assert (world.status["lastRun"]["result"], world.status["lastRun"]["reason"]) == ("unknown", "NoMessage")
    assert condition(world.body, "Ready")["reason"] == "NoMessage"
    assert "kubectl describe job x-1" in condition(world.body, "Ready")["message"]


async def test_a_job_that_waits_for_its_image_is_told_of_and_then_deleted(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.pod(job, waiting="ErrImagePull")
    assert await world.reconcile() == ["status"]
    ready = condition(world.body, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ImageUnavailable")
    assert "example.org/probe:1" in ready["message"]
    assert world.wake == 0.0, "the next run must not wait for this one"
    assert await world.reconcile() == ["delete Job x-1"]
    assert await world.reconcile() == []
    assert condition(world.body, "Ready")["reason"] == "ImageUnavailable", "until a run has measured"
    world.now += timedelta(minutes=15)
    world.end(world.begin("x-2"), envelope("x-2", [cell("a")], start=rfc3339(world.now), end=rfc3339(world.now)))
    assert await world.reconcile() == ["status"]
    assert condition(world.body, "Ready")["status"] == "True"


async def test_a_run_on_request_is_made_once_by_post_and_echoed_then(world: World) -> None:
    await settled(world)
    world.write(annotation="now")
    assert await world.reconcile() == ["create Job", "status"]
    assert world.status["lastHandledReconcileAt"] == "now"
    assert await world.reconcile() == []
    job = next(live for resource, live in world.children.of(KEY) if resource == JOBS)
    assert job["spec"]["ttlSecondsAfterFinished"] == 3600
    name = job["metadata"]["name"]
    world.end(
        {**job, "status": {"startTime": rfc3339(NOW)}},
        envelope(name, [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)),
    )
    assert await world.reconcile() == ["status"]
    world.server.version += 1
    world.children.stores[JOBS].remove("ns", name, world.server.version)
    assert await world.reconcile() == [], "it has ended and is gone: that is no reason to make it again"


async def test_a_run_on_request_waits_for_the_run_that_goes_on(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.pod(job)
    world.write(annotation="now")
    assert await world.reconcile() == []
    assert "lastHandledReconcileAt" not in world.status
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["create Job", "status"]
    assert world.status["lastHandledReconcileAt"] == "now"


async def test_a_value_that_was_used_before_asks_for_another_run(world: World) -> None:
    await settled(world)
    for number, value in enumerate(("a", "b", "a", "b", "a"), 1):
        world.now += timedelta(minutes=15)
        before = {live["metadata"]["name"] for resource, live in world.children.of(KEY) if resource == JOBS}
        world.write(annotation=value)
        assert await world.reconcile() == ["create Job", "status"]
        [job] = [
            live
            for resource, live in world.children.of(KEY)
            if resource == JOBS and live["metadata"]["name"] not in before
        ]
        world.end({**job, "status": {"startTime": rfc3339(world.now)}}, message(world, job["metadata"]["name"]))
        assert await world.reconcile() == ["status"]
        assert len(world.status["runs"]) == number


async def test_a_run_on_request_that_was_made_before_a_crash_is_not_made_again(world: World) -> None:
    await settled(world)
    world.write(annotation="now")
    await world.reconcile()
    status = {key: part for key, part in world.status.items() if key != "lastHandledReconcileAt"}
    world.resources.stores[QOS_PROBES].put(world.server.newer({**world.body, "status": status}))
    assert await world.reconcile() == ["status"]
    assert world.status["lastHandledReconcileAt"] == "now"


@pytest.mark.parametrize("trouble", [{}, {"maintenanceFrom": [{"configMapRef": {"name": "missing", "key": "k"}}]}])
async def test_suspend_halts_the_cron_job_whatever_else_is_wrong_and_changes_nothing_else(
    trouble: dict[str, Any], world: World
) -> None:
    await settled(world)
    before = world.cron()["spec"]
    world.write(generation=2, suspend=True, timeout="1m", annotation="now", **trouble)
    assert await world.reconcile() == ["change CronJob {'suspend': True}", "status"]
    assert world.cron()["spec"] == before | {"suspend": True}
    assert "lastHandledReconcileAt" not in world.status
    assert await world.reconcile() == []
    world.write(generation=3, timeout="5m")
    assert await world.reconcile() == ["apply CronJob", "status"]
    assert world.cron()["spec"] == before


async def test_while_suspended_a_run_that_goes_on_still_counts(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.write(generation=2, suspend=True)
    await world.reconcile()
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    assert world.status["summary"]["ok"] == 1
    assert condition(world.body, "Ready")["reason"] == "Suspended"


async def test_an_old_plan_stays_while_a_run_uses_it_and_goes_when_one_has_the_new(world: World) -> None:
    await settled(world)
    job = world.begin()
    world.pod(job)
    world.write(generation=2, timeout="2m")
    assert await world.reconcile() == ["apply ConfigMap", "apply CronJob", "status"]
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    world.now += timedelta(minutes=15)
    world.begin("x-2")
    assert [word.rpartition("-")[0] for word in await world.reconcile()] == ["delete ConfigMap x-plan"]
    assert len(world.children.stores[CONFIG_MAPS]) == 1


async def test_jobs_of_ours_and_of_strangers_are_never_pruned(world: World) -> None:
    await settled(world)
    world.put(JOBS, {"kind": "Job", "metadata": {"name": "s", "namespace": "ns", "labels": labels("probe", "x", "r")}})
    assert await world.reconcile() == []


async def test_a_cache_that_is_missing_is_waited_for(world: World) -> None:
    cache: dict[str, Any] = {
        "tcp": None,
        "cache": {"xcacheRef": {"name": "c"}, "file": {"path": "f", "adler32": "00000001"}},
    }
    world.write(**cache)
    assert await world.reconcile() == ["status"]
    assert condition(world.body, "Ready")["reason"] == "DependencyMissing"
    body = {
        "apiVersion": "datalake.projectescape.eu/v1alpha1",
        "kind": "XCacheNode",
        "metadata": {"name": "c", "namespace": "ns"},
        "spec": {
            "site": "T",
            "origin": {"url": "root://o.example.org:1094"},
            "storage": {"data": [{"name": "d0", "claim": {"size": "1Gi"}}]},
            "auth": {"clients": {"anonymous": True}, "origin": {"anonymous": True}},
        },
    }
    world.there[Reference(XCACHE_NODES, "ns", "c")] = body
    assert await world.reconcile() == ["apply ConfigMap", "apply CronJob", "status"]
    assert [one["source"] for one in world.status["cells"]] == ["c"]


async def test_a_spec_that_is_refused_leaves_what_runs_judged(world: World) -> None:
    await settled(world)
    job = world.begin()
    limit = {"measurement": "connect_seconds", "atMost": {"warning": "1", "critical": "2"}, "window": "720h"}
    world.write(generation=2, thresholds=[limit])
    assert await world.reconcile() == ["status"]
    assert condition(world.body, "Stalled")["reason"] == "HistoryTooShort"
    world.end(job, envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    assert await world.reconcile() == ["status"]
    assert world.status["summary"]["ok"] == 1
    world.now += timedelta(days=1)
    assert await world.reconcile() == ["status"]
    assert world.status["cells"][0]["state"] == "unknown", "nothing stays green unseen"


async def test_nothing_stays_green_unseen_where_no_valid_spec_is_known(world: World) -> None:
    await settled(world)
    world.end(world.begin(), envelope("x-1", [cell("a")], start=rfc3339(NOW), end=rfc3339(NOW)))
    await world.reconcile()
    world.write(generation=2, interval=None, schedule="0 0 30 2 *")
    world.reconciler._good.clear()  # the operator has started anew
    assert await world.reconcile() == ["status"]
    assert condition(world.body, "Stalled")["reason"] == "InvalidSpec"
    assert world.status["cells"][0]["state"] == "ok"
    assert world.wake is not None
    world.now += timedelta(seconds=world.wake + 1)
    assert await world.reconcile() == ["status"]
    assert (world.status["cells"][0]["state"], world.status["cells"][0]["reason"]) == ("unknown", "Stale")
    assert condition(world.body, "Healthy")["status"] == "Unknown"


def message(world: World, run: str) -> str:
    """What a good run writes."""
    return envelope(run, [cell("a")], start=rfc3339(world.now), end=rfc3339(world.now))


def made(world: World) -> None:
    world.write()


def ran(world: World) -> None:
    world.end(world.begin("x-1"), message(world, "x-1"))


def waited(world: World) -> None:
    world.pod(world.begin("x-2"), waiting="ErrImagePull")


def asked(world: World) -> None:
    world.write(annotation="now")


def done(world: World) -> None:
    job = world.server.live(JOBS, called.now_job("x", "now"))
    world.end({**job, "status": {"startTime": rfc3339(world.now)}}, message(world, job["metadata"]["name"]))


def changed(world: World) -> None:
    world.write(generation=2, timeout="2m", annotation="now")
    world.begin("x-3")


def ran_anew(world: World) -> None:
    world.end(world.begin("x-4"), message(world, "x-4"))


def suspended(world: World) -> None:
    world.write(generation=3, timeout="2m", annotation="now", suspend=True)


LIFE = (made, ran, waited, asked, done, changed, ran_anew, suspended)


async def lived(fuse: tuple[int, bool] | None) -> tuple[World, bool]:
    """A life in which the operator is started again whenever it ended; whether it ended once."""
    world, crashed = World(), False
    world.server.fuse = fuse
    for step in LIFE:
        step(world)
        world.now += timedelta(minutes=1)
        for _ in range(10):
            try:
                if not await world.reconcile() and world.wake != 0.0:
                    break
            except Crash:
                crashed = True
                world.reconciler = world.started()
        else:
            raise AssertionError(f"{step.__name__} does not come to rest")
        world.now += timedelta(minutes=14)
    return world, crashed


def outcome(world: World) -> object:
    """All that is there in the end."""
    children = {
        (resource.kind, live["metadata"]["name"]): live["spec"] if "spec" in live else live["data"]
        for resource, live in world.children.of(KEY)
        if resource.kind != "Pod"
    }
    return children, world.status


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_an_operator_that_ends_at_any_write_makes_no_difference(after: bool) -> None:
    undisturbed, _ = await lived(None)
    writes = undisturbed.server.count
    assert writes >= 13
    for write in range(1, writes + 1):
        world, crashed = await lived((write, after))
        assert crashed
        assert outcome(world) == outcome(undisturbed), f"ended at write {write}"
    assert [run["id"] for run in undisturbed.status["runs"]].count("x-1") == 1


@pytest.mark.parametrize("labelled", [{}, labels("probe", "x", "runner")])
async def test_a_strangers_job_of_that_name_is_left_alone_and_told(world: World, labelled: dict[str, str]) -> None:
    await settled(world)
    name = called.now_job("x", "now")
    world.put(JOBS, {"kind": "Job", "metadata": {"name": name, "namespace": "ns", "labels": labelled}, "spec": {}})
    world.write(annotation="now")
    assert await world.reconcile() == ["create Job", "status"]
    assert condition(world.body, "Stalled")["reason"] == "NameTaken"
    assert name in condition(world.body, "Stalled")["message"]
    assert "lastHandledReconcileAt" not in world.status
