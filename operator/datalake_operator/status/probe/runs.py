"""Runs that have ended: from Jobs, their pods and what these wrote to what a verdict is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from datalake_operator.api.probe import QoSProbe
from datalake_operator.probes import envelope
from datalake_operator.probes.envelope import Message, Problem
from datalake_operator.probes.history import MIN_RUNS
from datalake_operator.probes.model import CellKey, Run
from datalake_operator.status.conditions import parse_time
from datalake_operator.status.probe import jobs, phases
from datalake_operator.status.probe.reasons import ProbeReason
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

_PATIENCE = timedelta(seconds=30)
"""Time after the end of a Job within which its pods are still awaited: they are watched apart from it."""

_Pods: TypeAlias = Mapping[int | None, Manifest | None]
"""The pod that speaks for each part of a run, by its index; None as index: the only one; None as pod: it is gone."""


class Found(NamedTuple):
    """What Jobs say that status does not know yet."""

    runs: tuple[Run, ...]
    """The oldest first."""
    wake_at: datetime | None
    """When to look again although nothing changes."""


def found(probe: QoSProbe, view: View, keys: Sequence[CellKey], now: datetime) -> Found:
    """Give every run that has ended, or never will, and is not in status yet.

    Args:
        probe: the probe.
        view: its Jobs and pods, and its status.
        keys: every cell that is expected.
        now: the clock.
    """
    runs: list[Run] = []
    wakes: list[datetime] = []
    known = Known(view)
    for job in jobs.jobs(probe, view):
        if job in known:
            continue
        over = jobs.ended(job)
        if over is None and not blocked(job, view):
            continue
        pods = _chosen(job, view)
        if over is not None and now < over + _PATIENCE and not all(map(_is_over, pods.values())):
            wakes.append(over + _PATIENCE)
            continue
        runs.append(_run(job, pods, over or now, view, keys, now))
        if over is None:
            wakes.append(now)  # to delete it, now that status tells of it
    return Found(tuple(runs), min(wakes, default=None))


def blocked(job: Manifest, view: View) -> bool:
    """Whether a Job goes on only because a pod waits for what will not come: its image, or a container that fails."""
    pods = [pod for pod in _chosen(job, view).values() if pod is not None]
    waits = [pod for pod in pods if (trouble := phases.waiting(pod)) is not None and trouble.for_good]
    return jobs.is_active(job) and bool(waits) and all(phases.is_over(pod) or pod in waits for pod in pods)


def told(probe: QoSProbe, view: View) -> list[str]:
    """Names of Jobs that are in the way of the next run, and of which status tells already."""
    known = Known(view)
    return [jobs.name_of(job) for job in jobs.jobs(probe, view) if job in known and blocked(job, view)]


class Known:
    """The runs that status holds, and those that it held: no Job older than all of them is news."""

    def __init__(self, view: View) -> None:
        runs: Sequence[Manifest] = view.previous.get("runs") or ()
        self._ids = {run["id"] for run in runs}
        self._oldest = (parse_time(runs[0]["time"]), runs[0]["id"]) if len(runs) >= MIN_RUNS else (None, "")

    def __contains__(self, job: Manifest) -> bool:
        time, name = self._oldest
        known = jobs.name_of(job) in self._ids
        return known or (time is not None and (jobs.began(job), jobs.name_of(job)) <= (time, name))


def _chosen(job: Manifest, view: View) -> _Pods:
    """The pod that speaks for each part of a run: the last one, unless it was taken away and another was not."""
    chosen: dict[int | None, Manifest | None] = dict.fromkeys(jobs.pods_wanted(job))
    for pod in jobs.pods(job, view):
        index = jobs.index_of(pod)
        if index not in chosen:
            continue
        before = chosen[index]
        if before is None or phases.interrupted(before) or not phases.interrupted(pod):
            chosen[index] = pod
    return chosen


def _is_over(pod: Manifest | None) -> bool:
    return pod is not None and phases.is_over(pod)


def _run(job: Manifest, pods: _Pods, end: datetime, view: View, keys: Sequence[CellKey], now: datetime) -> Run:
    name, sources = jobs.name_of(job), jobs.sources(job, view)
    ends = {index: _end(pod, job, view) for index, pod in pods.items()}
    parts = {index: _part(ended, index, name, now) for index, ended in ends.items()}
    taken = any(ended.reason == phases.INTERRUPTED for ended in ends.values())
    run = envelope.merge(name, min(jobs.began(job), now), end, parts, sources=sources, interrupted=taken)
    killed: dict[str, str] = {}
    for index, part in parts.items():
        if isinstance(part, Message) and not part.done and ends[index].decisive:
            lost = [key.source for key in keys] if index is None else [sources[index]]
            killed |= dict.fromkeys(lost, ends[index].reason)
    return replace(run, missing={**run.missing, **killed})


def _part(end: phases.End, index: int | None, run: str, now: datetime) -> Message | Problem:
    """What one pod says, or why it says nothing."""
    if not end.text:
        return Problem(end.reason)
    read = envelope.read(end.text, run, now)
    if isinstance(read, Problem):
        return Problem(end.reason) if end.decisive else read
    return read if index is None or read.index == index else Problem(ProbeReason.FOREIGN_MESSAGE)


def _end(pod: Manifest | None, job: Manifest, view: View) -> phases.End:
    """How a pod ended. Of one that still runs after the end of its Job, only the end was not heard of."""
    if pod is not None and (phases.is_over(pod) or phases.waiting(pod) is not None):
        return phases.end(pod)
    return _gone(job, view)


def _gone(job: Manifest, view: View) -> phases.End:
    """How a pod ended that is not there any more."""
    if jobs.failure(job) != "DeadlineExceeded":
        return phases.End("", ProbeReason.NO_MESSAGE, decisive=False)
    waited = any(one["reason"] == ProbeReason.UNSCHEDULABLE for one in view.previous.get("conditions", ()))
    reason = ProbeReason.UNSCHEDULABLE if waited else ProbeReason.DEADLINE_EXCEEDED
    return phases.End("", reason, decisive=True)
