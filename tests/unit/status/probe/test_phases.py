"""What becomes of a run whose pod did not end well."""

from typing import Any

import pytest

from datalake_operator.api.probe import QoSProbe
from datalake_operator.status.probe import phases
from tests.unit.status.probe.conftest import job, pod

DISRUPTED: dict[str, Any] = {
    "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]
}
UNPLACED: dict[str, Any] = {
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]
}

ENDS: dict[str, tuple[dict[str, Any], str]] = {
    "no message": ({"message": ""}, "NoMessage"),
    "no message and an error": ({"message": "", "code": 1}, "RunnerFailed"),
    "no memory": ({"message": "", "code": 137, "ended": {"reason": "OOMKilled"}}, "OutOfMemory"),
    "its deadline": ({"message": "", "code": 137, "reason": "DeadlineExceeded"}, "DeadlineExceeded"),
    "its deadline while it had not begun": (
        {"phase": "Failed", "reason": "DeadlineExceeded", "containerStatuses": []},
        "DeadlineExceeded",
    ),
    "no such command": ({"message": "exec: not found", "code": 128, "ended": {"reason": "StartError"}}, "ConfigError"),
    "evicted": ({"phase": "Failed", "reason": "Evicted"}, "Interrupted"),
    "evicted by a condition": ({"phase": "Failed", **DISRUPTED}, "Interrupted"),
    "node lost": ({"phase": "Failed", "reason": "NodeLost"}, "Interrupted"),
    "node shut down": ({"phase": "Failed", "reason": "Terminated"}, "Interrupted"),
    "not found any more": ({"message": "", "code": 137, "ended": {"reason": "ContainerStatusUnknown"}}, "Interrupted"),
    "refused by its node": ({"phase": "Failed", "reason": "OutOfcpu"}, "Unschedulable"),
    "image not pulled": ({"waiting": "ErrImagePull"}, "ImageUnavailable"),
    "image not pulled again": ({"waiting": "ImagePullBackOff"}, "ImageUnavailable"),
    "nonsense for an image": ({"waiting": "InvalidImageName"}, "ImageUnavailable"),
    "no configuration": ({"waiting": "CreateContainerConfigError"}, "ConfigError"),
    "not created": ({"waiting": "CreateContainerError"}, "ConfigError"),
    "no node": ({"phase": "Pending", "containerStatuses": [], **UNPLACED}, "Unschedulable"),
    "without any status of its container": ({"phase": "Failed", "containerStatuses": []}, "NoMessage"),
}


@pytest.mark.parametrize(("status", "reason"), ENDS.values(), ids=ENDS)
def test_every_end_has_its_reason(status: dict[str, Any], reason: str, probe: QoSProbe) -> None:
    assert phases.end(pod(job(probe), **status)).reason == reason


def test_what_was_written_before_a_kill_counts_and_what_the_kubelet_writes_does_not(probe: QoSProbe) -> None:
    of = job(probe)
    killed = pod(of, message="{}", code=137, ended={"reason": "OOMKilled"})
    assert phases.end(killed).text == "{}"
    assert phases.end(pod(of, message="{}", code=137, reason="DeadlineExceeded")).text == "{}"
    assert phases.end(pod(of, message="exec: no", code=128, ended={"reason": "StartError"})).text == ""
    assert phases.end(pod(of, message="{}", phase="Failed", reason="Evicted")).text == ""


def test_a_container_beside_ours_is_not_asked(probe: QoSProbe) -> None:
    ours = pod(job(probe), message="{}")
    beside = {"name": "mesh-proxy", "state": {"terminated": {"exitCode": 1, "message": "bye", "reason": "OOMKilled"}}}
    ours["status"]["containerStatuses"].insert(0, beside)
    assert phases.end(ours).text == "{}"


def test_a_pod_that_runs_or_starts_waits_for_nothing(probe: QoSProbe) -> None:
    of = job(probe, over=None)
    assert phases.waiting(pod(of)) is None
    assert phases.waiting(pod(of, waiting="ContainerCreating")) is None
    unplaced = phases.waiting(pod(of, phase="Pending", containerStatuses=[], **UNPLACED))
    assert unplaced == phases.Trouble("Unschedulable", "0/3 nodes", for_good=False)
    assert phases.waiting(pod(of, waiting="ErrImagePull")) == phases.Trouble(
        "ImageUnavailable", "about ErrImagePull", for_good=True
    )
