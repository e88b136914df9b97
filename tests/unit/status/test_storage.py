from typing import Any

import pytest

from datalake_operator.status.storage import bound, resize_pending


def claim(given: str | None = "10Gi", asked: str = "10Gi", *conditions: str, phase: str = "Bound") -> dict[str, Any]:
    status: dict[str, Any] = {"phase": phase, "conditions": [{"type": one, "status": "True"} for one in conditions]}
    return {
        "spec": {"resources": {"requests": {"storage": asked}}},
        "status": status | ({"capacity": {"storage": given}} if given else {}),
    }


GROWTH: dict[str, tuple[dict[str, Any], str]] = {
    "a claim at its size": (claim(), "bound: claim a"),
    "a claim that got more than it asked for": (claim("11Gi"), "bound: claim a"),
    "the same size in other words": (claim("10Gi", "10240Mi"), "bound: claim a"),
    "a claim that grows": (claim("10Gi", "20Gi"), "bound: claim a; claim a grows from 10Gi to 20Gi"),
    "a file system that has yet to grow": (
        claim("10Gi", "20Gi", "FileSystemResizePending"),
        "bound: claim a; claim a grows from 10Gi to 20Gi, its file system when the pod starts next",
    ),
    "a claim that fails to grow": (
        claim("10Gi", "20Gi", "Resizing", "ControllerResizeError"),
        "bound: claim a; claim a grows from 10Gi to 20Gi, and fails to: `kubectl describe pvc a` tells why",
    ),
    "a claim of a cluster that says no capacity": (claim(None), "bound: claim a"),
}


@pytest.mark.parametrize(("one", "message"), GROWTH.values(), ids=GROWTH)
def test_a_bound_claim_stays_bound_while_it_grows_and_the_message_says_so(one: dict[str, Any], message: str) -> None:
    judged = bound({"a": one})
    assert (judged.status, judged.reason, judged.message) == ("True", "Bound", message)


def test_several_claims_are_told_in_the_order_of_their_names() -> None:
    judged = bound({"b": claim("1Gi", "2Gi"), "a": claim("10Gi", "20Gi"), "c": claim()})
    assert judged.message == "bound: claim a, b, c; claim a grows from 10Gi to 20Gi; claim b grows from 1Gi to 2Gi"


def test_without_a_volume_there_is_nothing_to_grow() -> None:
    assert bound({"a": claim(None, phase="Pending"), "b": claim("1Gi", "2Gi")}).reason == "ClaimPending"


def test_only_a_condition_that_is_true_counts() -> None:
    unfinished = claim("10Gi", "20Gi", "FileSystemResizePending")
    assert resize_pending(unfinished)
    unfinished["status"]["conditions"][0]["status"] = "False"
    assert not resize_pending(unfinished)
    assert not resize_pending({})
