"""What status says of a probe beside its verdict: Ready, conflicts, turns, and how long results are believed."""

from datetime import timedelta
from typing import Any

import pytest

from datalake_operator.api.probe import QoSProbe
from datalake_operator.status import Assessment, Condition, View
from datalake_operator.status.conditions import rfc3339
from datalake_operator.status.probe import assess, jobs, without_spec
from datalake_operator.status.probe.watch import timing, watch
from tests.support.probe_jobs import cell, envelope
from tests.unit.status.probe.conftest import CONTEXT, NOW, cron_job, job, make_probe, pod, view


def judged(probe: QoSProbe, *live: Any, **parts: Any) -> Assessment:
    return assess(probe, CONTEXT, view(probe, *live, **parts), NOW)


def condition(assessment: Assessment, type_: str) -> Condition | None:
    return next((one for one in assessment.conditions if one.type == type_), None)


def ready(assessment: Assessment) -> tuple[str, str]:
    found = condition(assessment, "Ready")
    assert found is not None
    return found.status, found.reason


def last(reason: str, result: str = "unknown") -> dict[str, Any]:
    return {"previous": {"lastRun": {"id": "x-0", "result": result, "reason": reason}}}


def test_a_probe_is_ready_once_its_cron_job_is_there(probe: QoSProbe) -> None:
    assert ready(assess(probe, CONTEXT, View(), NOW)) == ("False", "Scheduling")
    assert assess(probe, CONTEXT, View(), NOW).progressing
    assert ready(judged(probe)) == ("True", "Scheduled")
    assert not judged(probe).progressing


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "runs every 15m"),
        ({"interval": None, "schedule": "0 3 * * *"}, "runs at 0 3 * * *"),
        ({"interval": None, "schedule": "0 3 * * *", "timeZone": "Europe/Paris"}, "runs at 0 3 * * * (Europe/Paris)"),
    ],
)
def test_ready_says_when_runs_begin(spec: dict[str, Any], words: str) -> None:
    found = condition(judged(make_probe(**spec)), "Ready")
    assert found is not None
    assert found.message == words


def test_what_measured_nothing_is_told_with_a_mend_and_a_red_run_is_not(probe: QoSProbe) -> None:
    found = condition(judged(probe, **last("OutOfMemory")), "Ready")
    assert found is not None
    assert found.status == "False"
    assert "spec.resources" in found.message
    assert ready(judged(probe, **last("Refused", "bad"))) == ("True", "Scheduled")
    assert ready(judged(probe, **last("Interrupted", "interrupted"))) == ("True", "Scheduled")
    assert ready(judged(probe, **last("CentralFault"))) == ("True", "Scheduled"), "the probe itself works"


def test_a_suspended_probe_is_ready_and_says_so() -> None:
    assert ready(judged(make_probe(suspend=True))) == ("True", "Suspended")
    assert ready(assess(make_probe(suspend=True), CONTEXT, View(), NOW)) == ("True", "Suspended")


def test_a_pod_without_a_node_is_told_after_a_while_in_the_schedulers_words(probe: QoSProbe) -> None:
    def waiting(seconds: int) -> Assessment:
        going = job(probe, over=None)
        unplaced = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/3 nodes are available:\n too small",
            "lastTransitionTime": rfc3339(NOW - timedelta(seconds=seconds)),
        }
        return judged(probe, going, pod(going, phase="Pending", containerStatuses=[], conditions=[unplaced]))

    assert ready(waiting(30)) == ("True", "Scheduled")
    assert waiting(30).wake_at == NOW + timedelta(seconds=90)
    found = condition(waiting(120), "Ready")
    assert found is not None
    assert found.reason == "Unschedulable"
    assert found.message == "no node takes the runner's pod: 0/3 nodes are available: too small"


def test_mistakes_in_maintenance_are_told_and_hold_nothing_up() -> None:
    probe = make_probe(maintenanceFrom=[{"configMapRef": {"name": "m", "key": "k"}}])
    found = judged(probe, references={("ConfigMap", "m"): {"data": {"k": "nonsense"}}})
    assert ready(found) == ("False", "MaintenanceInvalid")
    assert not found.progressing
    entry = {"name": "w", "from": "2026-11-25T11:00:00Z", "to": "2026-11-25T13:00:00Z", "endpoints": ["b"]}
    found = judged(make_probe(maintenance=[entry]))
    assert ready(found) == ("False", "MaintenanceInvalid")
    assert not found.progressing


def test_disputed_endpoints_are_named(probe: QoSProbe) -> None:
    assert condition(judged(probe), "EndpointConflict") is None
    disputed = {("E", "root URL"): ["b", "c"], **{(f"F{number}", "site"): ["b"] for number in range(5)}}
    found = condition(judged(probe, disputed=disputed), "EndpointConflict")
    assert found is not None
    assert found.message.startswith("endpoint E has another root URL in QoSProbe b; F0 has another site in QoSProbe b")
    assert "(and 3 more)" in found.message


SITES = [f"S{number}" for number in range(10)]
MESH: dict[str, Any] = {
    "tcp": None,
    "endpoints": [
        {"name": name, "site": name, "urls": [{"protocol": "root", "url": f"root://{name.lower()}.example.org//d"}]}
        for name in SITES
    ],
    "transfer": {"sources": SITES, "destinations": SITES, "payload": {"size": "100Mi"}, "maxBytesPerDay": "100Gi"},
}


def test_pairs_that_take_turns_are_told_of_and_believed_for_longer() -> None:
    probe = make_probe(**MESH)
    found = judged(probe)
    rotating = condition(found, "BudgetRotating")
    assert rotating is not None
    assert found.fields["pairInterval"] in rotating.message
    at = timing(probe, View())
    assert at is not None
    assert at.pair_interval is not None
    watched = watch(probe, View(), at, (), NOW)
    assert watched.stale_after == timedelta(minutes=37.5)
    assert watched.pair_stale_after == 2.5 * at.pair_interval
    assert len(watched.keys) == 100
    assert watched.turns is not None
    assert {key[:2] for key in watched.keys if key.destination} == set(watched.turns.of)
    assert condition(judged(make_probe()), "BudgetRotating") is None


def test_what_the_spec_says_of_the_verdict_is_handed_on() -> None:
    policy = {"confirmations": 4, "recoveries": 3, "staleAfter": "3h"}
    window = {"name": "w", "from": "2026-11-25T11:00:00Z", "to": "2026-11-25T13:00:00Z", "sites": ["S1"], "reason": "r"}
    past = {"name": "p", "from": "2026-11-20T11:00:00Z", "to": "2026-11-20T13:00:00Z"}
    limits = [{"measurement": "connect_seconds", "atMost": {"warning": "1", "critical": "2.5"}, "window": "1h"}]
    probe = make_probe(policy=policy, maintenance=[window, past], thresholds=limits, history={"runs": 7})
    at = timing(probe, View())
    assert at is not None
    watched = watch(probe, View(), at, (), NOW)
    assert (watched.confirmations, watched.recoveries, watched.history_runs) == (4, 3, 7)
    assert watched.stale_after == timedelta(hours=3)
    assert [(one.name, one.sites) for one in watched.maintenance] == [("w", frozenset({"S1"}))]
    assert {one.measurement: one.critical for one in watched.limits}["connect_seconds"] == 2.5


def test_a_custom_probe_has_the_cells_that_its_program_writes() -> None:
    probe = make_probe(tcp=None, custom={"image": {"repository": "example.org/mine", "tag": "1"}})
    done = job(probe)
    early = rfc3339(NOW - timedelta(minutes=5))
    message = envelope("x-1", [cell("anything")], kind="custom", start=early, end=early)
    found = judged(probe, done, pod(done, message=message))
    assert [(one["source"], one["state"]) for one in found.fields["cells"]] == [("anything", "ok")]


def test_the_same_again_changes_nothing(probe: QoSProbe) -> None:
    done = job(probe)
    early = rfc3339(NOW - timedelta(minutes=5))
    ended = pod(done, message=envelope("x-1", [cell("a")], start=early, end=early))
    once = judged(probe, done, ended)
    assert once.fields["summary"]["ok"] == 1
    assert judged(probe, done, ended, previous=once.fields) == once
    assert judged(probe, previous=once.fields).fields == once.fields, "when its Job is gone"


def test_without_a_valid_spec_results_get_stale(probe: QoSProbe) -> None:
    assert without_spec(View(), NOW) is None
    done = job(probe)
    early = rfc3339(NOW - timedelta(minutes=5))
    once = judged(probe, done, pod(done, message=envelope("x-1", [cell("a")], start=early, end=early)))
    fresh = without_spec(View(previous=once.fields), NOW)
    assert fresh is not None
    assert fresh.fields == once.fields
    stale = without_spec(View(previous=once.fields), NOW + timedelta(hours=1))
    assert stale is not None
    assert stale.fields["state"] == "unknown"


PLANNED = {"name": "m", "from": "2026-11-25T00:00:00Z", "to": "2026-11-26T00:00:00Z"}


@pytest.mark.parametrize(
    ("spec", "marks", "state"),
    [
        ({}, "xoxoxoxo", "critical"),  # by its share of good runs
        ({"policy": {"recoveries": 5}}, "xxoo", "critical"),
        ({"policy": {"confirmations": 5}}, "oooooooooooooooooooooxx", "warning"),
        (
            {"maintenance": [{"name": "m", "from": "2026-11-25T00:00:00Z", "to": "2026-11-26T00:00:00Z"}]},
            "xx",
            "maintenance",
        ),
    ],
)
def test_without_a_valid_spec_nothing_turns_green_or_red_by_other_rules(
    spec: dict[str, Any], marks: str, state: str
) -> None:
    times = [rfc3339(NOW - timedelta(minutes=15 * before)) for before in range(len(marks), 0, -1)]
    status = {
        "runs": [{"id": f"x-{time}", "time": time, "result": "ok"} for time in times],
        "cells": [{"source": "a", "state": "notrun", "runs": marks, "reasons": "B"}],
    }
    valid = assess(make_probe(**spec), CONTEXT, View(previous=status), NOW)
    assert valid.fields["state"] == state
    invalid = without_spec(View(previous=valid.fields), NOW)
    assert invalid is not None
    said = ("state", "summary", "cells", "endpoints")
    assert [invalid.fields.get(name) for name in said] == [valid.fields.get(name) for name in said]
    assert condition(invalid, "Healthy") == condition(valid, "Healthy")
    late = without_spec(View(previous=valid.fields), NOW + timedelta(hours=1))
    assert late is not None
    assert [entry["state"] for entry in (*late.fields["cells"], *late.fields["endpoints"])] == ["unknown"] * 2


def test_old_plans_stay_until_a_run_has_the_new_one(probe: QoSProbe) -> None:
    new = make_probe(timeout="2m")
    old_job, new_job = job(probe, "x-1"), job(new, "x-2", begun=NOW)
    assert not jobs.rolled(probe, View()), "nothing is known yet"
    assert jobs.rolled(new, view(new)), "no run, no plan in use"
    assert not jobs.rolled(new, view(new, old_job)), "the next may still begin with the old one"
    assert jobs.rolled(new, view(new, old_job, new_job))
    assert not jobs.rolled(new, view(new, job(probe, "x-1", over=None), new_job))
    assert cron_job(probe)["spec"] != cron_job(new)["spec"]
