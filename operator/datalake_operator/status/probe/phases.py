"""What became of a run's pod, in our words. Nothing here is ever a failure of what was to be measured."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from datalake_operator.build.probe import called
from datalake_operator.status.pods import CREATE_ERRORS, IMAGE_ERRORS, condition
from datalake_operator.status.probe.reasons import ProbeReason

Pod: TypeAlias = Mapping[str, Any]

INTERRUPTED = "Interrupted"
"""Reason of cells and runs, and of no condition: the pod was taken away, and the next run will tell."""

_IMAGE = IMAGE_ERRORS | {"SignatureValidationFailed"}
"""Waiting reasons of a container whose image does not come (pkg/kubelet/images/types.go)."""

_NOT_STARTED = frozenset({"StartError", "ContainerCannotRun"})
"""Reasons of a container that ended before its program began: the command is not there, or may not be run."""

_LOST = "ContainerStatusUnknown"
"""Reason of a container that the kubelet could not find any more (pkg/kubelet/kubelet_pods.go)."""

_TAKEN_AWAY = frozenset(
    {"Evicted", "Preempting", "Preempted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "NodeAffinity"}
)
"""Reasons of a failed pod that the node, and not the pod, is to blame for (pkg/kubelet/eviction, nodeshutdown)."""

_REFUSED_BY_NODE = ("OutOf", "UnexpectedAdmissionError", "TopologyAffinityError", "NodePorts")
"""What reasons begin with of a pod that its node did not take (pkg/kubelet/lifecycle/predicate.go): OutOfcpu."""


class Trouble(NamedTuple):
    """Why a pod does not start."""

    reason: str
    words: str
    """The kubelet's or the scheduler's, empty where they say no more than the reason."""
    for_good: bool
    """It will not start by itself."""


class End(NamedTuple):
    """How a pod ended, as far as the result that it may have left needs to be told."""

    text: str
    """Its termination message, empty for none."""
    reason: str
    """Why there is no result, or why it is not whole."""
    decisive: bool
    """The reason says more than what may be wrong with the text."""


def waiting(pod: Pod) -> Trouble | None:
    """Why a pod that has not run does not start; None where nothing is known to be wrong."""
    if is_over(pod):
        return None
    state = (_container(pod).get("state") or {}).get("waiting") or {}
    words = str(state.get("message") or "")
    if state.get("reason") in _IMAGE:
        return Trouble(ProbeReason.IMAGE_UNAVAILABLE, words, for_good=True)
    if state.get("reason") in CREATE_ERRORS:
        return Trouble(ProbeReason.CONFIG_ERROR, words, for_good=True)
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return Trouble(ProbeReason.UNSCHEDULABLE, str(scheduled.get("message") or ""), for_good=False)
    return None


def words(pod: Pod) -> str:
    """Why a container was not started, in the words of the kubelet; empty for none."""
    trouble = waiting(pod)
    if trouble is not None:
        return trouble.words
    ended = _terminated(pod)
    return str(ended.get("message") or "") if ended.get("reason") in _NOT_STARTED else ""


def is_over(pod: Pod) -> bool:
    """Whether the pod has ended."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def interrupted(pod: Pod) -> bool:
    """Whether the pod was taken away before it ended: evicted, preempted, or its node was lost."""
    status = pod.get("status", {})
    if condition(pod, "DisruptionTarget").get("status") == "True":
        return True
    return status.get("reason") in _TAKEN_AWAY or _terminated(pod).get("reason") == _LOST


def end(pod: Pod) -> End:
    """How a pod ended, or would have: one that waits for something that will not come counts as ended."""
    ended = _terminated(pod)
    text = ended.get("message")
    text = text if isinstance(text, str) else ""
    cause = next((found for step in _CAUSES if (found := step(pod)) is not None), None)
    if cause is not None:
        return End(text if cause in _SPOKE_BEFORE else "", cause, decisive=True)
    return End(text, ProbeReason.RUNNER_FAILED if ended.get("exitCode") else ProbeReason.NO_MESSAGE, decisive=False)


def _taken_away(pod: Pod) -> str | None:
    return INTERRUPTED if interrupted(pod) else None


def _not_started(pod: Pod) -> str | None:
    return ProbeReason.CONFIG_ERROR if _terminated(pod).get("reason") in _NOT_STARTED else None


def _out_of_memory(pod: Pod) -> str | None:
    return ProbeReason.OUT_OF_MEMORY if _terminated(pod).get("reason") == "OOMKilled" else None


def _too_long(pod: Pod) -> str | None:
    return ProbeReason.DEADLINE_EXCEEDED if pod.get("status", {}).get("reason") == "DeadlineExceeded" else None


def _waits(pod: Pod) -> str | None:
    trouble = waiting(pod)
    return trouble.reason if trouble is not None else None


def _refused_by_node(pod: Pod) -> str | None:
    reason = str(pod.get("status", {}).get("reason") or "")
    return ProbeReason.UNSCHEDULABLE if reason.startswith(_REFUSED_BY_NODE) else None


_CAUSES: tuple[Callable[[Pod], str | None], ...] = (
    _taken_away,
    _not_started,
    _out_of_memory,
    _too_long,
    _waits,
    _refused_by_node,
)
_SPOKE_BEFORE = frozenset({ProbeReason.OUT_OF_MEMORY, ProbeReason.DEADLINE_EXCEEDED})
"""Causes before which the runner may have written a part of its result."""


def _container(pod: Pod) -> Mapping[str, Any]:
    """Status of the runner's container: a mutating webhook may have put others beside it."""
    found = pod.get("status", {}).get("containerStatuses") or ()
    return next((one for one in found if one.get("name") == called.CONTAINER), {})


def _terminated(pod: Pod) -> Mapping[str, Any]:
    return (_container(pod).get("state") or {}).get("terminated") or {}
