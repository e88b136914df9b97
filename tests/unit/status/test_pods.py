from typing import Any

import pytest

from datalake_operator.status.pods import PodReason, why_missing, why_not_ready
from tests.unit.status.conftest import pod, statefulset


def waiting(reason: str, message: str = "", **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": "xrootd",
            "image": "r/x:1",
            "ready": False,
            "state": {"waiting": {"reason": reason, "message": message}},
        }
        | more
    ]


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message, "reason": reason}}


UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes fit"}
PREPARE = {"name": "prepare", "ready": False}

CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a pod that stops says so, ready or not": (pod(stopping=True), PodReason.POD_STOPPING, "next one follows"),
    "an evicted pod tells why": (
        pod(ready=False, phase="Failed", reason="Evicted", message="Usage of EmptyDir exceeds the limit"),
        PodReason.POD_FAILED,
        "exceeds the limit",
    ),
    "no node takes the pod": (
        pod(ready=False, phase="Pending", conditions=[UNSCHEDULABLE], containerStatuses=[], initContainerStatuses=[]),
        PodReason.UNSCHEDULABLE,
        "0/1 nodes fit",
    ),
    "a fresh pod without any status is starting": (
        {"metadata": {"name": "cache-0"}, "spec": {}},
        PodReason.STARTING,
        "is starting",
    ),
    "a pod whose init containers run is starting": (
        pod(ready=False, containerStatuses=waiting("PodInitializing")),
        PodReason.STARTING,
        "is starting",
    ),
    "a wrong tag names the image": (
        pod(ready=False, containerStatuses=waiting("ErrImagePull", "not found")),
        PodReason.IMAGE_PULL_FAILED,
        "r/x:1 cannot be pulled",
    ),
    "a wrong tag goes on naming the image while the kubelet backs off": (
        pod(ready=False, containerStatuses=waiting("ImagePullBackOff", "Back-off")),
        PodReason.IMAGE_PULL_FAILED,
        "r/x:1 cannot be pulled",
    ),
    "a missing ConfigMap is the kubelet's message": (
        pod(ready=False, containerStatuses=waiting("CreateContainerConfigError", 'configmap "x" not found')),
        PodReason.CONTAINER_FAILED,
        'configmap "x" not found',
    ),
    "a failed preparation tells its last words": (
        pod(
            ready=False,
            initContainerStatuses=[PREPARE | {"state": ended(1, "the volume has 1.0Gi\n")}],
            containerStatuses=waiting("PodInitializing"),
        ),
        PodReason.PREPARATION_FAILED,
        "container prepare ended with exit code 1: the volume has 1.0Gi",
    ),
    "a preparation that is tried again still tells its last words": (
        pod(
            ready=False,
            initContainerStatuses=[
                PREPARE | {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended(1, "too small")}
            ],
        ),
        PodReason.PREPARATION_FAILED,
        "too small",
    ),
    "a crash loop tells the last words": (
        pod(
            ready=False, containerStatuses=waiting("CrashLoopBackOff", "back-off 5m", lastState=ended(1, "bad config"))
        ),
        PodReason.CRASHING,
        "container xrootd ended with exit code 1: bad config",
    ),
    "a container killed for its memory says so": (
        pod(ready=False, containerStatuses=waiting("CrashLoopBackOff", lastState=ended(137, "", "OOMKilled"))),
        PodReason.CRASHING,
        "exit code 137 (OOMKilled): it left no message; `kubectl logs --previous` has its output",
    ),
    "a server that ends without an error and is not started again crashes too": (
        pod(ready=False, containerStatuses=waiting("CrashLoopBackOff", lastState=ended(0, "bye", "Completed"))),
        PodReason.CRASHING,
        "exit code 0: bye",
    ),
    "a crashing exporter is told as such": (
        pod(
            ready=False,
            initContainerStatuses=[
                {"name": "exporter", "ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
                | {"lastState": ended(1, "port in use")}
            ],
        ),
        PodReason.CRASHING,
        "container exporter ended",
    ),
    "a server that has not answered its startup check is starting": (
        pod(ready=False, containerStatuses=[{"name": "xrootd", "started": False, "state": {"running": {}}}]),
        PodReason.STARTING,
        "is starting",
    ),
    "a server that is up and not ready": (pod(ready=False), PodReason.NOT_READY, "is not ready yet"),
}


@pytest.mark.parametrize(("seen", "reason", "words"), CASES.values(), ids=CASES)
def test_the_first_thing_that_keeps_a_pod_from_serving_is_named(seen: dict[str, Any], reason: str, words: str) -> None:
    finding = why_not_ready(seen)
    assert finding is not None
    assert finding.reason == reason
    assert words in finding.message


def test_a_ready_pod_has_nothing_to_tell() -> None:
    assert why_not_ready(pod()) is None


def test_a_ready_pod_that_crashed_once_has_nothing_to_tell() -> None:
    status = {"name": "xrootd", "ready": True, "started": True, "state": {"running": {}}, "lastState": ended(1)}
    assert why_not_ready(pod(containerStatuses=[status])) is None


def test_the_same_steps_on_the_way_up_are_one_message_so_that_status_is_written_once() -> None:
    fresh: dict[str, Any] = {"metadata": {"name": "cache-0"}, "spec": {}}
    steps = [
        why_missing("cache-0", statefulset(observed=1)),
        why_not_ready(fresh),
        why_not_ready(pod(ready=False, containerStatuses=waiting("PodInitializing"))),
        why_not_ready(pod(ready=False, containerStatuses=waiting("ContainerCreating"))),
    ]
    assert len(set(steps)) == 1


def test_long_last_words_are_cut_at_their_beginning_and_put_on_one_line() -> None:
    words = "first\n" + "x\n" * 500 + "last"
    finding = why_not_ready(pod(ready=False, containerStatuses=waiting("CrashLoopBackOff", lastState=ended(1, words))))
    assert finding is not None
    assert finding.message.endswith("x last")
    assert len(finding.message) < 400
    assert "\n" not in finding.message


def test_a_pod_that_its_controller_could_not_make_is_missing() -> None:
    finding = why_missing("cache-0", statefulset(replicas=0))
    assert finding.reason == PodReason.POD_MISSING
    assert "kubectl describe statefulset cache" in finding.message
