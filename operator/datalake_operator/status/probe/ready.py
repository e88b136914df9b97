"""Ready of a QoSProbe: whether runs begin, and whether they can measure. The first step that has an answer wins."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from datalake_operator.api.probe import QoSProbe
from datalake_operator.build.context import Context
from datalake_operator.build.probe import called
from datalake_operator.build.probe.pod import image
from datalake_operator.status.conditions import parse_time
from datalake_operator.status.pods import Finding, condition
from datalake_operator.status.probe import jobs, maintenance, phases
from datalake_operator.status.probe.maintenance import Found
from datalake_operator.status.probe.reasons import ProbeReason
from datalake_operator.status.reasons import EngineReason
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

PATIENCE = timedelta(minutes=2)
"""Time that a pod may wait for a node without being told of: a cluster that grows on demand takes that long."""

_LONGEST = 300
"""Characters of a kubelet's or scheduler's words that are shown."""

_TRUE = frozenset({ProbeReason.SCHEDULED, EngineReason.SUSPENDED})

_WORDS: Mapping[str, str] = {
    ProbeReason.IMAGE_UNAVAILABLE: "image {image} cannot be pulled; check spec.image and its pull secrets",
    ProbeReason.CONFIG_ERROR: "the runner's container could not be started, or its plan makes no sense to it; check "
    "what the spec names, and of spec.custom whether {image} has the command",
    ProbeReason.UNSCHEDULABLE: "no node took the runner's pod; free or add nodes, or change spec.resources, "
    "spec.nodeSelector, spec.tolerations",
    ProbeReason.OUT_OF_MEMORY: "the runner needed more memory than it may have; raise the memory limit in "
    "spec.resources",
    ProbeReason.DEADLINE_EXCEEDED: "the run took too long and was ended; raise spec.timeout, or find out what keeps "
    "its pod: kubectl describe job {run}",
    ProbeReason.RUNNER_FAILED: "the runner ended with an error and left no result; see kubectl logs job/{run}",
    ProbeReason.NO_MESSAGE: "the run left no result: its pod was deleted, or its program writes no termination "
    "message; see kubectl describe job {run}",
    ProbeReason.TRUNCATED: "the result of the run is cut off or too long; use the runner of this operator's version",
    ProbeReason.FOREIGN_MESSAGE: "the result of the run carries the id of another run; a program of your own has to "
    "write the value of PROBE_RUN",
    ProbeReason.OTHER_VERSION: "the result of the run is of another version of the envelope; use the runner of this "
    "operator's version",
    ProbeReason.MALFORMED: "what the run left is no result; a program of your own has to write the envelope that "
    "docs/probes.md describes",
    ProbeReason.IN_THE_FUTURE: "the result of the run carries a time that has not come yet; check the clocks of the "
    "nodes",
}
"""Why the last run measured nothing, and the mend."""


@dataclass(frozen=True)
class Seen:
    """What the chain looks at."""

    probe: QoSProbe
    context: Context
    view: View
    fields: Mapping[str, Any]
    """Status as it will be."""
    lists: Found
    now: datetime


def ready(seen: Seen) -> Finding:
    """Whether runs begin and measure."""
    return next(finding for step in _READY if (finding := step(seen)) is not None)


def status_of(finding: Finding) -> Literal["True", "False"]:
    """Status of Ready for its finding."""
    return "True" if finding.reason in _TRUE else "False"


def wake_at(probe: QoSProbe, view: View, now: datetime) -> datetime | None:
    """When a pod that waits for a node now is worth telling."""
    times = (since + PATIENCE for since, _ in _unplaced(probe, view))
    return min((time for time in times if time > now), default=None)


Step: TypeAlias = Callable[[Seen], Finding | None]


def _pod_waits(seen: Seen) -> Finding | None:
    """What keeps a pod from starting now, in the scheduler's words: they are gone with the pod."""
    for since, words in _unplaced(seen.probe, seen.view):
        if seen.now >= since + PATIENCE:
            text = f"no node takes the runner's pod: {_shown(words)}"
            return Finding(ProbeReason.UNSCHEDULABLE, text, progressing=False)
    return None


def _last_run_measured_nothing(seen: Seen) -> Finding | None:
    last = seen.fields.get("lastRun") or {}
    words = _WORDS.get(last.get("reason") or "")
    if words is None or last.get("result") != "unknown":
        return None
    kept = _said_before(seen, last)
    if kept:
        return Finding(last["reason"], kept, progressing=False)
    text = words.format(image=image(seen.probe, seen.context), run=last.get("id"))
    found = [phases.words(pod) for job in _jobs_called(seen, last) for pod in jobs.pods(job, seen.view)]
    told = next((_shown(one) for one in found if one), "")
    return Finding(last["reason"], f"{text}. The kubelet says: {told}" if told else text, progressing=False)


def _said_before(seen: Seen, last: Manifest) -> str:
    """What Ready says of this very run already: what the kubelet said is gone with the pod."""
    before = seen.view.previous
    ready: Manifest = next((one for one in before.get("conditions", ()) if one["type"] == "Ready"), {})
    same = (before.get("lastRun") or {}).get("id") == last.get("id") and ready.get("reason") == last["reason"]
    return str(ready["message"]) if same else ""


def _jobs_called(seen: Seen, last: Manifest) -> Iterator[Manifest]:
    return (job for job in jobs.jobs(seen.probe, seen.view) if jobs.name_of(job) == last.get("id"))


def _shown(text: str) -> str:
    """A text of somebody else on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _suspended(seen: Seen) -> Finding | None:
    if not seen.probe.spec.suspend:
        return None
    return Finding(EngineReason.SUSPENDED, "no more runs begin; what was measured is still shown", progressing=False)


def _not_scheduled(seen: Seen) -> Finding | None:
    if jobs.cron_job(seen.probe, seen.view) is not None:
        return None
    name = called.cron_job(seen.probe.metadata.name)
    return Finding(ProbeReason.SCHEDULING, f"CronJob {name} is being made", progressing=True)


def _lists_invalid(seen: Seen) -> Finding | None:
    if not seen.lists.problems:
        return None
    return Finding(ProbeReason.MAINTENANCE_INVALID, maintenance.told(seen.lists.problems), progressing=False)


def _scheduled(seen: Seen) -> Finding:
    spec = seen.probe.spec
    zone = f" ({spec.time_zone})" if spec.time_zone else ""
    when = f"every {spec.interval}" if spec.interval else f"at {spec.schedule}{zone}"
    return Finding(ProbeReason.SCHEDULED, f"runs {when}", progressing=False)


_READY: tuple[Step, ...] = (
    _pod_waits,  # it is so now
    _last_run_measured_nothing,  # it was so at the last run, and will be at the next
    _suspended,  # nothing of what follows is wanted
    _not_scheduled,
    _lists_invalid,  # runs go on
    _scheduled,
)


def _unplaced(probe: QoSProbe, view: View) -> Iterator[tuple[datetime, str]]:
    """Since when pods of runs that go on wait for a node, and the scheduler's words."""
    for job in jobs.jobs(probe, view):
        if jobs.ended(job) is not None:
            continue
        for pod in jobs.pods(job, view):
            trouble = phases.waiting(pod)
            since = parse_time(condition(pod, "PodScheduled").get("lastTransitionTime"))
            if trouble is not None and trouble.reason == ProbeReason.UNSCHEDULABLE and since is not None:
                yield since, trouble.words
