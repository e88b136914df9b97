"""Why a pod is not ready: an ordered chain of small pure functions, the first that has an answer wins.

Each takes a pod and gives a `Finding` or None. The order goes from what must happen first to what happens last.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Pod: TypeAlias = Mapping[str, Any]

IMAGE_ERRORS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
CREATE_ERRORS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
"""Waiting reasons of a container as the kubelet names them (pkg/kubelet/images/types.go, container/sync_result.go)."""

_SILENT = "it left no message; `kubectl logs --previous` has its output"
"""Shown of a container that ended without a message, as Rucio's daemons do."""

_LAST_WORDS = 300
"""Characters of a container's last words that are shown; its log holds the rest."""


class PodReason:
    """Why the one pod of a workload does not serve."""

    POD_MISSING = "PodMissing"
    """The StatefulSet controller could not make the pod: a quota or an admission rule forbids it."""

    POD_STOPPING = "PodStopping"
    """The pod is being stopped; the next one follows."""

    UNSCHEDULABLE = "Unschedulable"
    """No node takes the pod; the message is the scheduler's."""

    IMAGE_PULL_FAILED = "ImagePullFailed"
    """An image cannot be pulled; the message names it."""

    CONTAINER_FAILED = "ContainerFailed"
    """A container cannot be created; the message is the kubelet's."""

    PREPARATION_FAILED = "PreparationFailed"
    """The init container ended with an error; the message is its last words."""

    CRASHING = "Crashing"
    """A container ends again and again; the message is its last words."""

    POD_FAILED = "PodFailed"
    """The pod has ended (evicted, or its node shut down); the next one follows."""

    STARTING = "Starting"
    """The pod is being made, placed on a node, or its containers are being started."""

    NOT_READY = "NotReady"
    """The pod runs and its readiness check has not passed yet, or not any more."""


@dataclass(frozen=True)
class Finding:
    """Why a pod is not ready."""

    reason: str
    message: str
    progressing: bool
    """It goes on by itself."""


def why_not_ready(pod: Pod) -> Finding | None:
    """The first reason why the pod does not serve, None for a ready one."""
    return next((finding for step in _CHAIN if (finding := step(pod)) is not None), None)


def why_missing(name: str, workload: Pod) -> Finding:
    """Why the pod `name` of a StatefulSet is not there."""
    status = workload.get("status", {})
    tried = status.get("observedGeneration") == workload["metadata"].get("generation")
    if not tried or status.get("replicas", 0) > 0:
        return starting(name)
    return Finding(
        PodReason.POD_MISSING,
        f"pod {name} could not be made; `kubectl describe statefulset {workload['metadata']['name']}` tells why",
        progressing=True,
    )


def starting(name: str) -> Finding:
    """The pod is on its way: one message for all the steps, so that status is not written for each."""
    return Finding(PodReason.STARTING, f"pod {name} is starting", progressing=True)


def is_ready(pod: Pod) -> bool:
    """Whether the pod is Ready and not about to stop."""
    return condition(pod, "Ready").get("status") == "True" and not is_stopping(pod)


def has_started(pod: Pod) -> bool:
    """Whether a container of the pod's has passed its startup check and not ended since: it may have clients."""
    return any(status.get("started") for status in pod.get("status", {}).get("containerStatuses", ()))


def is_stopping(pod: Pod) -> bool:
    """Whether the pod was asked to stop."""
    return "deletionTimestamp" in pod["metadata"]


def condition(pod: Pod, type_: str) -> Mapping[str, Any]:
    """One of the pod's conditions, empty if it is not there."""
    found = pod.get("status", {}).get("conditions", ())
    return next((entry for entry in found if entry.get("type") == type_), {})


def _stopping(pod: Pod) -> Finding | None:
    if is_stopping(pod):
        return Finding(PodReason.POD_STOPPING, f"pod {_name(pod)} is stopping; the next one follows", progressing=True)
    return None


def _ended(pod: Pod) -> Finding | None:
    status = pod.get("status", {})
    if status.get("phase") not in {"Failed", "Succeeded"}:
        return None
    why = status.get("message") or status.get("reason") or "it ended"
    return Finding(PodReason.POD_FAILED, f"pod {_name(pod)}: {_shown(why)}", progressing=True)


def _unscheduled(pod: Pod) -> Finding | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    return Finding(
        PodReason.UNSCHEDULABLE,
        f"no node takes pod {_name(pod)}: {_shown(scheduled.get('message', ''))}",
        progressing=False,
    )


def _image_not_pulled(pod: Pod) -> Finding | None:
    for container in _containers(pod):
        waiting = _waiting(container)
        if waiting.get("reason") in IMAGE_ERRORS:
            image = container.get("image") or "the image"
            return Finding(
                PodReason.IMAGE_PULL_FAILED,
                f"{image} cannot be pulled; check spec.image and its pull secrets",
                progressing=False,
            )
    return None


def _not_created(pod: Pod) -> Finding | None:
    for container in _containers(pod):
        waiting = _waiting(container)
        if waiting.get("reason") in CREATE_ERRORS:
            return Finding(
                PodReason.CONTAINER_FAILED,
                f"container {container['name']}: {_shown(waiting.get('message') or waiting['reason'])}",
                progressing=False,
            )
    return None


def _crashing(pod: Pod) -> Finding | None:
    """A container ended badly and has not run well since. An init container that runs once is the preparation."""
    sidecars = {
        container["name"]
        for container in pod.get("spec", {}).get("initContainers", ())
        if container.get("restartPolicy") == "Always"
    }
    initial = {entry["name"] for entry in pod.get("status", {}).get("initContainerStatuses", ())} - sidecars
    for container in _containers(pod):
        ended = _bad_end(container)
        if ended is None or container.get("ready"):
            continue
        preparing = container["name"] in initial
        return Finding(
            PodReason.PREPARATION_FAILED if preparing else PodReason.CRASHING,
            f"container {container['name']} ended with {_code(ended)}: {_shown(ended.get('message') or _SILENT)}",
            progressing=False,
        )
    return None


def _starting(pod: Pod) -> Finding | None:
    return None if has_started(pod) else starting(_name(pod))


def _unready(pod: Pod) -> Finding | None:
    if is_ready(pod):
        return None
    return Finding(PodReason.NOT_READY, f"pod {_name(pod)} runs and is not ready yet", progressing=True)


_CHAIN: tuple[Callable[[Pod], Finding | None], ...] = (
    _stopping,  # it was ready, perhaps, and will not be again
    _ended,  # it will not run again
    _unscheduled,  # nothing starts without a node
    _image_not_pulled,  # nothing runs without an image
    _not_created,  # nothing runs without what it mounts
    _crashing,  # it ran and ended: what it said last is the best message there is
    _starting,  # it was not up yet
    _unready,  # it is up
)


def _containers(pod: Pod) -> Iterator[Mapping[str, Any]]:
    status = pod.get("status", {})
    yield from status.get("initContainerStatuses", ())
    yield from status.get("containerStatuses", ())


def _waiting(container: Mapping[str, Any]) -> Mapping[str, Any]:
    waiting: Mapping[str, Any] = container.get("state", {}).get("waiting") or {}
    return waiting


def _bad_end(container: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """How the container ended last, if that was with an error. Zero is bad too where it waits for another start."""
    now: Mapping[str, Any] | None = container.get("state", {}).get("terminated")
    if now is not None:
        return now if now.get("exitCode") != 0 else None
    last: Mapping[str, Any] | None = container.get("lastState", {}).get("terminated")
    if last is not None and (last.get("exitCode") != 0 or _waiting(container).get("reason") == "CrashLoopBackOff"):
        return last
    return None


def _code(ended: Mapping[str, Any]) -> str:
    reason = ended.get("reason")
    code = f"exit code {ended.get('exitCode')}"
    return f"{code} ({reason})" if reason and reason not in {"Error", "Completed"} else code


def _name(pod: Pod) -> str:
    return str(pod["metadata"]["name"])


def _shown(text: str) -> str:
    """The end of a text on one line: the last words tell most."""
    line = " ".join(text.split())
    return line if len(line) <= _LAST_WORDS else "…" + line[-_LAST_WORDS:]
