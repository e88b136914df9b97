"""What status says of a pass."""

from datetime import UTC, datetime
from typing import Any

from datalake_operator.kube.errors import ApiError, Unreachable
from datalake_operator.reconcile.outcome import Postponed, Stalled
from datalake_operator.reconcile.report import RECONCILE_AT, lasting, status, transition
from datalake_operator.status import Assessment, Condition

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SERVING = Condition("Serving", "True", "Serving", "serves")
READY = Assessment((Condition("Ready", "True", "Serving", "serves"), SERVING), {"endpoints": {"root": "r"}}, False)
STARTING = Assessment((Condition("Ready", "False", "Starting", "starts"), SERVING), {}, True)


def body(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 3}, "spec": spec, "status": {"observedGeneration": -1}}


def conditions(after: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in after["conditions"]}


def test_a_ready_resource_has_neither_reconciling_nor_stalled() -> None:
    after = status(body(), READY, None, NOW)
    assert conditions(after) == {"Ready": ("True", "Serving"), "Serving": ("True", "Serving")}
    assert after["observedGeneration"] == 3
    assert after["endpoints"] == {"root": "r"}


def test_a_resource_at_work_is_reconciling_for_the_reason_of_ready() -> None:
    assert conditions(status(body(), STARTING, None, NOW))["Reconciling"] == ("True", "Starting")


def test_stalled_sets_ready_false_with_its_reason_and_leaves_the_domain_conditions() -> None:
    after = status(body(), READY, Stalled("NameTaken", "mend it"), NOW)
    assert conditions(after) == {
        "Ready": ("False", "NameTaken"),
        "Stalled": ("True", "NameTaken"),
        "Serving": ("True", "Serving"),
    }
    assert after["observedGeneration"] == 3
    assert all(condition["observedGeneration"] == 3 for condition in after["conditions"])


def test_what_a_user_must_mend_in_an_operand_is_stalled_for_the_reason_of_ready() -> None:
    taken = Condition("Ready", "False", "DatabaseNotOurs", "adopt it")
    after = conditions(status(body(), Assessment((taken, SERVING), {}, True, stalled=True), None, NOW))
    assert after == {
        "Ready": ("False", "DatabaseNotOurs"),
        "Stalled": ("True", "DatabaseNotOurs"),
        "Serving": ("True", "Serving"),
    }
    waits = Postponed("waits for Secret s", "DependencyMissing")
    after = conditions(status(body(), Assessment((taken,), {}, False, stalled=True), waits, NOW))
    assert after["Reconciling"] == ("True", "DependencyMissing")
    assert "Stalled" not in after


def test_a_missing_dependency_is_not_stalled() -> None:
    after = conditions(status(body(), STARTING, Postponed("waits for Secret s", "DependencyMissing"), NOW))
    assert after["Ready"] == ("False", "DependencyMissing")
    assert after["Reconciling"] == ("True", "DependencyMissing")
    assert "Stalled" not in after


def test_suspended_keeps_the_observed_truth_in_ready_and_is_never_reconciling() -> None:
    assert conditions(status(body(suspend=True), READY, None, NOW)) == {
        "Ready": ("True", "Serving"),
        "Suspended": ("True", "Suspended"),
        "Serving": ("True", "Serving"),
    }
    assert "Reconciling" not in conditions(status(body(suspend=True), STARTING, None, NOW))


def test_without_a_model_the_domain_conditions_and_fields_of_before_stay() -> None:
    before = body()
    before["status"] = status(body(), READY, None, NOW)
    after = status(before, None, Stalled("InvalidSpec", "mend it"), NOW)
    assert conditions(after)["Serving"] == ("True", "Serving")
    assert conditions(after)["Ready"] == ("False", "InvalidSpec")
    assert after["endpoints"] == {"root": "r"}


def test_the_annotation_reconcile_at_is_echoed_and_outlives_its_removal() -> None:
    asked = body()
    asked["metadata"]["annotations"] = {RECONCILE_AT: "now"}
    asked["status"] = status(asked, READY, None, NOW)
    assert asked["status"]["lastHandledReconcileAt"] == "now"
    del asked["metadata"]["annotations"]
    assert status(asked, READY, None, NOW)["lastHandledReconcileAt"] == "now"


def test_an_annotation_longer_than_status_takes_is_echoed_as_far_as_it_fits() -> None:
    asked = body()
    asked["metadata"]["annotations"] = {RECONCILE_AT: "x" * 1000}
    asked["status"] = status(asked, READY, None, NOW)
    assert asked["status"]["lastHandledReconcileAt"] == "x" * 256
    assert status(asked, READY, None, NOW) == asked["status"]


def test_the_same_pass_gives_the_same_status_at_another_time() -> None:
    before = body()
    before["status"] = status(body(), READY, None, NOW)
    assert status(before, READY, None, datetime(2027, 1, 1, tzinfo=UTC)) == before["status"]


def test_an_api_server_that_fails_for_long_is_told_once() -> None:
    error = ApiError(500, "InternalError", "webhook call 17 timed out")
    error.add_note("Service x")
    first = lasting({}, error)
    assert "Service x" in first.message
    assert "500 InternalError" in first.message
    assert "webhook call 17 timed out" in first.message
    assert first.retry is error
    told = status(body(), READY, first, NOW)
    assert conditions(told)["Reconciling"] == ("True", "Retrying")
    assert conditions(told)["Ready"] == ("False", "Retrying")
    again = ApiError(500, "InternalError", "webhook call 18 timed out")
    again.add_note("Service x")
    assert lasting(told, again).message == first.message
    other = lasting(told, Unreachable("cut")).message
    assert "no answer Unreachable" in other
    assert "cut" in other


def test_events_tell_transitions_only() -> None:
    untouched = {"observedGeneration": -1}
    starting, ready = status(body(), STARTING, None, NOW), status(body(), READY, None, NOW)
    stalled = status(body(), READY, Stalled("NameTaken", "mend it"), NOW)
    assert transition(untouched, starting) is None
    assert transition(ready, ready) is None
    assert (event := transition(starting, ready)) is not None
    assert (event.type, event.reason) == ("Normal", "Serving")
    assert (event := transition(ready, starting)) is not None
    assert (event.type, event.reason) == ("Warning", "Starting")
    assert (event := transition(ready, stalled)) is not None
    assert (event.type, event.reason, event.message) == ("Warning", "NameTaken", "mend it")
    assert transition(stalled, stalled) is None
