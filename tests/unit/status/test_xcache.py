import json
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from datalake_operator.status import Assessment, Condition, Observation, merge
from datalake_operator.status.origin import origin_reachable
from datalake_operator.status.xcache import STALE, assess, notable, rolled, state_url, stuck_pods
from tests.unit.status.conftest import NOW, OLD, ROOT, MakeNode, MakeView, claim, pod, statefulset


def condition(assessment: Assessment, type_: str) -> Condition:
    return next(one for one in assessment.conditions if one.type == type_)


def answer(**parts: Any) -> dict[str, Any]:
    return {
        "xrootd": {"version": "v5.8.1"},
        "draining": False,
        "openFiles": 0,
        "cache": {"usedBytes": 0, "files": 0},
        "disks": [],
        "hour": {"hitPercent": None},
        "origin": {"opens": 0, "openErrors": 0, "lastSuccessTime": None, "lastErrorTime": None},
        **parts,
    }


def seen(**parts: Any) -> Observation:
    return Observation(NOW, None, answer(**parts))


def test_a_cache_that_serves_is_ready_and_at_rest(node: MakeNode, view: MakeView) -> None:
    assessment = assess(node(), view(), NOW)
    assert [(one.type, one.status, one.reason) for one in assessment.conditions] == [
        ("Ready", "True", "Serving"),
        ("StorageBound", "True", "Bound"),
        ("Serving", "True", "Serving"),
        ("OriginReachable", "Unknown", "NotObserved"),
    ]
    assert assessment.progressing is False
    assert assessment.wake_at is None
    assert assessment.fields == {
        "endpoints": {"root": "root://cache.demo.svc:1094", "http": "http://cache.demo.svc:8080"},
        "claims": ["cache-d0"],
    }


READY: dict[str, tuple[dict[str, Any], str, bool]] = {
    "claims come first": ({"claims": (claim("cache-d0", "Pending"),), "pods": ()}, "ClaimPending", True),
    "a claim that is not seen yet is pending": ({"claims": (), "pods": ()}, "ClaimPending", True),
    "a lost claim needs hands": ({"claims": (claim("cache-d0", "Lost"),)}, "ClaimLost", False),
    "no pod yet": ({"pods": (), "workload": statefulset(observed=1, replicas=0)}, "Starting", True),
    "no pod at all": ({"pods": (), "workload": statefulset(replicas=0)}, "PodMissing", True),
    "a pod that is not ready": ({"pods": (pod(ready=False),)}, "NotReady", True),
    "a ready pod of the old revision": ({"pods": (pod(revision=OLD),)}, "RollingOut", True),
    "a revision that the controller has not seen": ({"workload": statefulset(observed=1)}, "RollingOut", True),
}


@pytest.mark.parametrize(("parts", "reason", "progressing"), READY.values(), ids=READY)
def test_ready_is_the_first_thing_that_is_missing(
    node: MakeNode, view: MakeView, parts: dict[str, Any], reason: str, progressing: bool
) -> None:
    assessment = assess(node(), view(**parts), NOW)
    ready = condition(assessment, "Ready")
    assert (ready.status, ready.reason, assessment.progressing) == ("False", reason, progressing)


def test_serving_is_true_while_the_old_revision_still_serves(node: MakeNode, view: MakeView) -> None:
    assert condition(assess(node(), view(pods=(pod(revision=OLD),)), NOW), "Serving").status == "True"


def test_ephemeral_storage_needs_no_claims(node: MakeNode, view: MakeView) -> None:
    storage = {"data": [{"name": "d0", "ephemeral": {"sizeLimit": "10Gi"}}], "maxCacheSize": "8Gi"}
    assessment = assess(node(storage=storage), view(claims=()), NOW)
    assert condition(assessment, "StorageBound").reason == "Ephemeral"
    assert "claims" not in assessment.fields


def test_somebody_elses_claim_is_looked_up_among_the_references(node: MakeNode, view: MakeView) -> None:
    storage = {"data": [{"name": "d0", "existingClaim": {"name": "theirs"}}], "maxCacheSize": "8Gi"}
    theirs = {("PersistentVolumeClaim", "theirs"): claim("theirs")}
    assessment = assess(node(storage=storage), view(references=theirs), NOW)
    assert condition(assessment, "StorageBound").status == "True"
    assert assessment.fields["claims"] == ["theirs"]


def test_a_claim_whose_entry_is_gone_is_named_as_retained(node: MakeNode, view: MakeView) -> None:
    stranger = {"metadata": {"name": "stranger", "labels": {}}, "status": {"phase": "Bound"}}
    assessment = assess(node(), view(claims=(claim("cache-d0"), claim("cache-d1"), stranger)), NOW)
    assert assessment.fields["claims"] == ["cache-d0"]
    assert assessment.fields["retainedClaims"] == ["cache-d1"]


def test_without_http_there_is_no_http_endpoint(node: MakeNode, view: MakeView) -> None:
    assessment = assess(node(protocols={"http": {"enabled": False}, "root": {"port": 2094}}), view(), NOW)
    assert assessment.fields["endpoints"] == {"root": "root://cache.demo.svc:2094"}


def test_the_version_is_the_one_that_runs_and_outlives_a_silence(node: MakeNode, view: MakeView) -> None:
    assert assess(node(), view(observation=seen()), NOW).fields["version"] == "v5.8.1"
    assert assess(node(), view(previous={"version": "v5.8.0"}), NOW).fields["version"] == "v5.8.0"


ORIGIN: dict[str, tuple[str | None, str | None, str, str]] = {
    "nothing was opened": (None, None, "Unknown", "NoMisses"),
    "opens succeed": ("2026-11-25T11:00:00Z", None, "True", "OriginAnswers"),
    "opens fail from the start": (None, "2026-11-25T11:00:00Z", "False", "OpensFail"),
    "one failed among others that succeed": ("2026-11-25T11:00:00Z", "2026-11-25T11:00:59Z", "True", "OriginAnswers"),
    "none succeeded for a minute": ("2026-11-25T11:00:00Z", "2026-11-25T11:01:00Z", "False", "OpensFail"),
    "it came back": ("2026-11-25T11:02:00Z", "2026-11-25T11:01:00Z", "True", "OriginAnswers"),
}


@pytest.mark.parametrize(("success", "error", "status", "reason"), ORIGIN.values(), ids=ORIGIN)
def test_the_origin_is_judged_by_opens(success: str | None, error: str | None, status: str, reason: str) -> None:
    judged = origin_reachable(answer(origin={"lastSuccessTime": success, "lastErrorTime": error}))
    assert (judged.status, judged.reason) == (status, reason)


def test_an_operator_that_has_just_started_keeps_what_was_said_of_the_origin(node: MakeNode, view: MakeView) -> None:
    said = Condition("OriginReachable", "True", "OriginAnswers", "files are opened at the origin")
    assessment = assess(node(), view(previous={"conditions": merge([], [said], 1, NOW)}), NOW)
    assert condition(assessment, "OriginReachable") == said


def test_the_origin_does_not_decide_ready(node: MakeNode, view: MakeView) -> None:
    failing = seen(origin={"lastSuccessTime": None, "lastErrorTime": "2026-11-25T11:00:00Z"})
    assessment = assess(node(), view(observation=failing), NOW)
    assert condition(assessment, "OriginReachable").status == "False"
    assert condition(assessment, "Ready").status == "True"


def test_an_old_answer_counts_for_two_minutes_and_the_cache_is_looked_at_again_then(
    node: MakeNode, view: MakeView
) -> None:
    silent = Observation(NOW, "ClientConnectorError", answer())
    standing = {"cache": {"time": "2026-11-25T12:00:00Z", "usedBytes": 0, "files": 0}}
    before = assess(node(), view(observation=silent, previous=standing), NOW + timedelta(seconds=119))
    after = assess(node(), view(observation=silent, previous=standing), NOW + STALE)
    assert condition(before, "OriginReachable").reason == "NoMisses"
    assert before.wake_at == NOW + STALE
    assert condition(after, "OriginReachable").reason == "NotObserved"
    assert after.wake_at is None


def test_a_busy_cache_says_the_same_as_an_idle_one(node: MakeNode, view: MakeView) -> None:
    """Status is not written while nothing but figures change."""

    def busy(minute: int) -> Assessment:
        origin = {"opens": minute, "openErrors": 0, "lastSuccessTime": f"2026-11-25T12:{minute:02}:00Z"}
        data = seen(origin=origin, openFiles=minute, cache={"usedBytes": minute, "files": minute})
        standing = {"cache": {"time": "2026-11-25T12:00:00Z", "usedBytes": 0, "files": 0}}
        return assess(node(), view(observation=data, previous=standing), NOW + timedelta(minutes=minute))

    assert busy(1).conditions == busy(9).conditions
    assert busy(1).fields == busy(9).fields


def test_draining_tells_the_number_of_open_files(node: MakeNode, view: MakeView) -> None:
    draining = seen(draining=True, openFiles=3)
    stopping = assess(node(), view(observation=draining, pods=(pod(stopping=True),)), NOW)
    asked = assess(node(), view(observation=draining, pods=(pod(ready=False),)), NOW)
    assert condition(stopping, "Draining").reason == "PodStopping"
    assert "after 10m" in condition(stopping, "Draining").message
    assert condition(asked, "Draining").reason == "DrainRequested"
    assert all("3 files are open" in condition(one, "Draining").message for one in (stopping, asked))


def test_a_drain_that_is_over_is_not_told(node: MakeNode, view: MakeView) -> None:
    for gone in (view(observation=seen(draining=True), pods=()), view(observation=seen())):
        assert all(one.type != "Draining" for one in assess(node(), gone, NOW).conditions)


def test_the_old_configuration_may_go_when_the_pod_of_the_newest_revision_is_ready(view: MakeView) -> None:
    assert rolled(view())
    assert not rolled(view(pods=()))
    assert not rolled(view(pods=(pod(ready=False),)))
    assert not rolled(view(pods=(pod(revision=OLD),)))
    assert not rolled(view(pods=(pod(stopping=True),)))
    assert not rolled(view(workload=statefulset(observed=1)))


def test_only_a_pod_of_an_old_revision_that_has_not_started_is_stuck(node: MakeNode, view: MakeView) -> None:
    waiting = [{"name": "xrootd", "ready": False, "started": False, "state": {"waiting": {}}}]
    stuck = pod(ready=False, revision=OLD, containerStatuses=waiting)
    unscheduled = pod(ready=False, revision=OLD, containerStatuses=[])
    assert stuck_pods(node(), view(pods=(stuck, unscheduled))) == [stuck, unscheduled]
    for other in (
        pod(revision=OLD),
        pod(ready=False, revision=OLD),  # it drains
        pod(ready=False, containerStatuses=waiting),
        pod(ready=False, revision=OLD, containerStatuses=waiting, stopping=True),
    ):
        assert stuck_pods(node(), view(pods=(other,))) == []
    assert stuck_pods(node(), view(pods=(stuck,), workload=statefulset(observed=1))) == []


def test_the_state_is_asked_of_the_pods_address(view: MakeView) -> None:
    assert state_url(view()) == "http://10.0.0.7:9931/state"
    assert state_url(view(pods=(pod(podIP="fd00::7"),))) == "http://[fd00::7]:9931/state"
    assert state_url(view(pods=(pod(podIP=None),))) is None
    assert state_url(view(pods=())) is None


def test_what_shows_in_a_condition_is_notable_and_figures_are_not() -> None:
    plain = notable(answer())
    assert notable(answer(openFiles=9, cache={"usedBytes": 9, "files": 9}, hour={"hitPercent": None})) == plain
    for news in (
        {"xrootd": {"version": "v5.8.2"}},
        {"draining": True},
        {"cache": None},
        {"hour": {"hitPercent": 1}},
        {"origin": {"lastSuccessTime": "2026-11-25T12:00:00Z"}},
    ):
        assert notable(answer(**news)) != plain
    assert notable(answer(draining=True, openFiles=1)) != notable(answer(draining=True, openFiles=2))


def test_what_these_tests_answer_is_what_the_exporter_may_answer() -> None:
    schema = json.loads((ROOT / "images" / "xcache" / "state.schema.json").read_text())
    stream = {"packets": 0, "lost": 0, "lastReceivedTime": None}
    hour = {"servedBytes": 0, "originBytes": 0, "hitPercent": None}
    whole = answer(version=1, stream=stream, summary=stream, hour=hour)
    jsonschema.validate(whole | {"xrootd": {"version": "v5.8.1", "startTime": None}}, schema)


def test_an_answer_with_nothing_in_it_does_no_harm(node: MakeNode, view: MakeView) -> None:
    assessment = assess(node(), view(observation=Observation(NOW, None, {})), NOW)
    assert condition(assessment, "Ready").status == "True"
    assert notable({}) is not None
