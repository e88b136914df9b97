"""From Jobs and pods to runs."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from datalake_operator.api.probe import QoSProbe
from datalake_operator.probes.model import CellKey, Run
from datalake_operator.status import View
from datalake_operator.status.conditions import rfc3339
from datalake_operator.status.probe import runs
from datalake_operator.status.probe.runs import Found
from tests.support.probe_jobs import cell, envelope
from tests.unit.status.probe.conftest import NOW, job, make_probe, pod, view

KEYS = (CellKey("a"), CellKey("b"))
EARLY = rfc3339(NOW - timedelta(minutes=5))


def found(probe: QoSProbe, *live: Any, now: datetime = NOW, keys: Sequence[CellKey] = KEYS, **parts: Any) -> Found:
    return runs.found(probe, view(probe, *live, **parts), keys, now)


def said(name: str, *cells: Any, **fields: Any) -> str:
    return envelope(name, cells or [cell("a")], start=EARLY, end=EARLY, **fields)


def only(result: Found) -> Run:
    (run,) = result.runs
    return run


def test_a_run_has_the_times_of_its_job(probe: QoSProbe) -> None:
    done = job(probe)
    run = only(found(probe, done, pod(done, message=said("x-1"))))
    assert (run.id, run.start, run.end) == ("x-1", NOW - timedelta(minutes=5), NOW - timedelta(minutes=4))
    assert run.samples[CellKey("a")].result == "ok"
    assert run.control == {"cluster-dns": True, "api-server": True}


def test_a_run_that_goes_on_is_none_yet(probe: QoSProbe) -> None:
    going = job(probe, over=None)
    assert found(probe, going, pod(going)) == Found((), None)
    assert found(probe, going, pod(going, message=said("x-1"))) == Found((), None), "its Job has not ended"
    assert found(probe, going, pod(going, waiting="ContainerCreating")) == Found((), None)


def test_runs_come_in_the_order_in_which_they_began(probe: QoSProbe) -> None:
    later, sooner = (
        job(probe, "x-0", begun=NOW - timedelta(minutes=8)),
        job(probe, "x-9", begun=NOW - timedelta(hours=1)),
    )
    result = found(probe, later, sooner, pod(later, message=said("x-0")), pod(sooner, message=said("x-9")))
    assert [run.id for run in result.runs] == ["x-9", "x-0"]


def test_what_status_holds_or_held_is_no_news(probe: QoSProbe) -> None:
    done = job(probe)
    message = pod(done, message=said("x-1"))
    assert not found(probe, done, message, previous={"runs": [{"id": "x-1", "time": EARLY}]}).runs
    younger = [{"id": f"x-{number}", "time": rfc3339(NOW - timedelta(minutes=1))} for number in range(20, 40)]
    assert not found(probe, done, message, previous={"runs": younger}).runs
    assert found(probe, done, message, previous={"runs": younger[:3]}).runs, "it came late, and was never counted"


@pytest.mark.parametrize("live", ["no pod", "a pod that runs"])
def test_a_job_and_its_pods_are_heard_of_in_any_order(live: str, probe: QoSProbe) -> None:
    done = job(probe, over=NOW - timedelta(seconds=10))
    pods = [pod(done)] if live == "a pod that runs" else []
    assert found(probe, done, *pods) == Found((), NOW + timedelta(seconds=20))
    late = only(found(probe, done, *pods, now=NOW + timedelta(seconds=20)))
    assert late.problem == "NoMessage"


def test_a_job_that_was_given_up_took_too_long_or_found_no_node(probe: QoSProbe) -> None:
    done = job(probe, failed="DeadlineExceeded")
    assert only(found(probe, done)).problem == "DeadlineExceeded"
    assert only(found(probe, done, pod(done))).problem == "DeadlineExceeded", "the end of its pod was not heard of"
    waits = {"conditions": [{"type": "Ready", "status": "False", "reason": "Unschedulable"}]}
    assert only(found(probe, done, previous=waits)).problem == "Unschedulable"


def test_strangers_with_our_labels_and_names_do_not_count(probe: QoSProbe) -> None:
    strange = job(probe, "x-2", owner="somebody")
    done = job(probe)
    foreign = pod(done, message=said("x-1", cell("a", "bad")), suffix="z")
    foreign["metadata"]["ownerReferences"][0]["uid"] = "another"
    assert not found(probe, strange, pod(strange, message=said("x-2"))).runs
    run = only(found(probe, done, pod(done, message=said("x-1")), foreign))
    assert run.samples[CellKey("a")].result == "ok"


def test_the_pod_that_took_the_place_of_one_that_was_taken_away_speaks(probe: QoSProbe) -> None:
    done = job(probe)
    taken = pod(done, phase="Failed", reason="Evicted", made=NOW - timedelta(minutes=5))
    after = pod(done, message=said("x-1"), suffix="b", made=NOW - timedelta(minutes=4))
    for pods in ((taken, after), (after, taken)):
        run = only(found(probe, done, *pods))
        assert not run.interrupted
        assert run.samples[CellKey("a")].result == "ok"
    alone = only(found(probe, done, taken))
    assert (alone.interrupted, alone.problem, alone.samples) == (True, None, {})


def test_what_is_missing_after_a_kill_has_the_reason_of_the_kill(probe: QoSProbe) -> None:
    done = job(probe, failed="BackoffLimitExceeded")
    killed = pod(done, message=said("x-1", state="running"), code=137, ended={"reason": "OOMKilled"})
    run = only(found(probe, done, killed))
    assert run.samples.keys() == {CellKey("a")}
    assert run.missing["b"] == "OutOfMemory"


def test_a_job_that_waits_for_what_will_not_come_has_ended(probe: QoSProbe) -> None:
    going = job(probe, over=None)
    waits = pod(going, waiting="ErrImagePull")
    result = found(probe, going, waits)
    assert only(result).problem == "ImageUnavailable"
    assert result.wake_at == NOW, "it is in the way of the next"
    told = view(probe, going, waits, previous={"runs": [{"id": "x-1", "time": EARLY}]})
    assert runs.told(probe, told) == ["x-1"]
    assert runs.told(probe, view(probe, going, waits)) == [], "not before status tells of it"


SITES = ("A", "B", "C")
MESH: dict[str, Any] = {
    "tcp": None,
    "endpoints": [
        {"name": name, "site": name, "urls": [{"protocol": "root", "url": f"root://{name.lower()}.example.org//d"}]}
        for name in SITES
    ],
    "transfer": {"sources": SITES, "destinations": SITES, "payload": {"size": "1Mi"}},
}


def indexed(probe: QoSProbe, **fields: Any) -> tuple[Any, Any]:
    """A Job of three pods, and the plan that it mounts."""
    done = job(probe, completionMode="Indexed", completions=3, **fields)
    plan = done["spec"]["template"]["spec"]["volumes"][0]["projected"]["sources"][0]["configMap"]["name"]
    data = {"plan.json": json.dumps({"transfer": {"sources": SITES}})}
    return done, {"kind": "ConfigMap", "metadata": {"name": plan}, "data": data}


def row(index: int, **fields: Any) -> str:
    source = SITES[index]
    cells = [cell(source, destination=name, protocol="root") for name in SITES if name != source]
    return said("x-1", *cells, kind="transfer", index=index, **fields)


def test_an_indexed_job_is_one_run_of_all_its_pods() -> None:
    probe = make_probe(**MESH)
    done, plan = indexed(probe)
    pods = [pod(done, index=index, suffix=str(index), message=row(index)) for index in range(3)]
    run = only(found(probe, done, plan, *pods))
    assert len(run.samples) == 6
    assert (run.problem, run.missing) == (None, {})


def test_one_pod_of_many_that_says_nothing_costs_its_own_source_only() -> None:
    probe = make_probe(**MESH)
    done, plan = indexed(probe)
    pods = [pod(done, index=index, suffix=str(index), message=row(index)) for index in range(2)]
    killed = pod(done, index=2, suffix="2", message="", code=137, ended={"reason": "OOMKilled"})
    run = only(found(probe, done, plan, *pods, killed))
    assert (run.problem, run.missing) == (None, {"C": "OutOfMemory"})
    assert only(found(probe, done, plan, *pods)).missing == {"C": "NoMessage"}
    assert len(only(found(probe, done, *pods)).samples) == 4, "whatever became of the plan"


def test_a_pod_that_speaks_for_another_is_not_believed() -> None:
    probe = make_probe(**MESH)
    done, plan = indexed(probe)
    pods = [pod(done, index=index, suffix=str(index), message=row(0)) for index in range(3)]
    run = only(found(probe, done, plan, *pods))
    assert {key.source for key in run.samples} == {"A"}
    assert run.missing == {"B": "ForeignMessage", "C": "ForeignMessage"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"transfer": {"sources": 3}}', "[" * 100_000])
def test_a_config_map_that_is_no_plan_costs_nothing_but_its_run(text: str) -> None:
    probe = make_probe(**MESH)
    done, plan = indexed(probe)
    run = only(found(probe, done, {**plan, "data": {"plan.json": text}}))
    assert (run.problem, run.samples) == ("NoMessage", {})


def test_a_job_of_somebody_elses_making_has_no_more_pods_than_ours() -> None:
    probe = make_probe(**MESH)
    huge = job(probe, completionMode="Indexed", completions=2**31 - 1)
    assert only(found(probe, huge)).problem == "NoMessage"


def test_a_job_of_a_controller_whose_clock_is_ahead_begins_now_at_the_latest(probe: QoSProbe) -> None:
    done = job(probe, begun=NOW + timedelta(days=1), over=NOW - timedelta(minutes=1))
    assert only(found(probe, done, pod(done, message=said("x-1")))).start == NOW


def test_a_pod_that_waits_for_its_image_is_waited_for_while_others_run() -> None:
    probe = make_probe(**MESH)
    going, plan = indexed(probe, over=None)
    waits = pod(going, index=2, suffix="2", waiting="ErrImagePull")
    runs_on = pod(going, index=1, suffix="1")
    ended = pod(going, index=0, suffix="0", message=row(0))
    assert found(probe, going, plan, waits, runs_on, ended) == Found((), None)
    run = only(found(probe, going, plan, waits, pod(going, index=1, suffix="1", message=row(1)), ended))
    assert run.missing == {"C": "ImageUnavailable"}


def test_nothing_is_known_of_a_probe_without_jobs(probe: QoSProbe) -> None:
    assert runs.found(probe, View(), KEYS, NOW) == Found((), None)
