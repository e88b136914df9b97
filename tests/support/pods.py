"""Pods as controllers make them and kubelet reports them, for `kubelet`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.support.client import Object

NOW = "2026-01-01T00:00:00Z"
COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True)
class JobEnd:
    """How the container of a Job ended: 0 is well, 3 is news before the kubelet starts it again, all else a failure.

    Args:
        code: exit code.
        told: termination message, or what is one as JSON.
        gave_up: whether the Job is given up although it did not end well.
    """

    code: int
    told: Mapping[str, Any] | str = ""
    gave_up: bool = False

    @property
    def final(self) -> bool:
        """Whether the Job has ended."""
        return self.code == 0 or self.gave_up

    def of_pod(self, pod: Object) -> Object | None:
        """Status of the pod; None where it is known already."""
        status = pod["status"]
        container = status["containerStatuses"][0]
        message = self.told if isinstance(self.told, str) else json.dumps(self.told)
        known = [container[key].get("terminated", {}) for key in ("state", "lastState") if container.get(key)]
        if any((one.get("exitCode"), one.get("message", "")) == (self.code, message) for one in known):
            return None
        ended = {
            "terminated": {
                "exitCode": self.code,
                "reason": "Error" if self.code else "Completed",
                "message": message,
                "startedAt": NOW,
                "finishedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        }
        if self.final:
            after = {**container, "ready": False, "started": False, "state": ended, "lastState": {}}
            return {**status, "phase": "Failed" if self.code else "Succeeded", "containerStatuses": [after]}
        restarts = container["restartCount"] + 1
        return {**status, "containerStatuses": [{**container, "lastState": ended, "restartCount": restarts}]}

    def of_job(self) -> Object:
        """Status of the Job, with all that the API server wants to see in one that has ended."""
        good = self.code == 0
        kinds = ("SuccessCriteriaMet", "Complete") if good else ("FailureTarget", "Failed")
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": NOW, "lastProbeTime": NOW} for kind in kinds
        ]
        count = {"succeeded": 1, "completionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        return {
            "active": 0,
            "ready": 0,
            "startTime": NOW,
            "conditions": conditions,
            **(count if good else {"failed": 1}),
        }


def made_pod(owner: Object, name: str, kind: str, labels: Mapping[str, str]) -> Object:
    """A pod of a workload. The ReplicaSet between it and its Deployment has the Deployment's uid here: nobody looks."""
    meta, template = owner["metadata"], owner["spec"]["template"]
    reference = {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "name": name.rpartition("-")[0] if kind == "ReplicaSet" else meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {**template["metadata"]["labels"], **labels},
            "annotations": template["metadata"].get("annotations", {}),
            "ownerReferences": [reference],
        },
        "spec": {**template["spec"], "nodeName": "nowhere", **({"hostname": name} if kind == "StatefulSet" else {})},
    }


def job_pod(job: Object, name: str) -> Object:
    """A pod of a Job."""
    meta = job["metadata"]
    labels = {"batch.kubernetes.io/job-name": meta["name"], "batch.kubernetes.io/controller-uid": meta["uid"]}
    return made_pod(job, name, "Job", labels)


def running(pod: Object, address: str, *, ready: bool) -> Object:
    """Status of a pod that runs."""
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": NOW,
        "conditions": [
            {"type": kind, "status": "True" if kind in kinds[:2] else str(ready), "lastTransitionTime": NOW}
            for kind in kinds
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": ready,
                "started": ready,
                "restartCount": 0,
                "state": {"running": {"startedAt": NOW}},
            }
            for container in pod["spec"]["containers"]
        ],
    }


def component(pod: Object) -> str:
    """The component that a pod belongs to."""
    return str(pod["metadata"].get("labels", {}).get(COMPONENT, ""))


def is_stopping(pod: Object) -> bool:
    """Whether the pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def is_ready(pod: Object) -> bool | None:
    """What the pod's condition says, None where it has none."""
    conditions: list[dict[str, Any]] = pod.get("status", {}).get("conditions", [])
    return next((one["status"] == "True" for one in conditions if one["type"] == "Ready"), None)


def belongs(pod: Object, owner: Object) -> bool:
    """Whether the pod is of this very workload, and of no former one of its name."""
    return any(one["uid"] == owner["metadata"]["uid"] for one in pod["metadata"].get("ownerReferences", ()))
