"""Whether daemons work: what they write into Rucio's table of heartbeats, beside their pods."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from datalake_operator.status.conditions import Condition, parse_time, rfc3339
from datalake_operator.status.pods import is_ready, is_stopping, why_not_ready
from datalake_operator.status.rucio import live
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

TYPE = "DaemonsHealthy"
"""Type of the condition."""

WRITTEN_EVERY = timedelta(minutes=5)
"""Times of heartbeats alone are written so often at most: they change all the time."""

_NAMED = 5
"""Daemons that a message names; status lists all."""


@dataclass(frozen=True)
class Wanted:
    """One daemon instance."""

    name: str
    replicas: int
    deployment: str
    prefixes: tuple[str, ...]
    """What the names in its heartbeats begin with, each of which every pod writes; empty where it writes none."""
    limit: timedelta
    """Age at which a heartbeat is stale."""
    needs: str = ""
    """What it ends without, however often it is started; empty for nothing."""


@dataclass(frozen=True)
class Daemon:
    """What is known of one instance."""

    wanted: Wanted
    live: int
    last: datetime | None
    """When the newest heartbeat was written."""
    failing: str | None
    """Why a pod of it cannot run."""
    silent: bool
    """Whether a pod runs for longer than the limit without a heartbeat within it."""
    due: datetime | None
    """When the next of its heartbeats will be stale."""


def look(wanted: Wanted, view: View, beats: Sequence[Mapping[str, Any]] | None, now: datetime) -> Daemon:
    """Judge one instance.

    Args:
        wanted: the instance.
        view: with its pods.
        beats: rows of the table of heartbeats: executable, hostname, updatedAt; None where they are not known.
        now: the time of day.
    """
    pods = [pod for pod in live.components(view, f"daemon-{wanted.name}") if not is_stopping(pod)]
    failing = next((text for pod in pods if (text := _trouble(pod)) is not None), None) or _no_pods(wanted, view, pods)
    if beats is None or not wanted.prefixes:
        return Daemon(wanted, sum(map(is_ready, pods)), None, failing, silent=False, due=None)
    newest = {pod["metadata"]["name"]: _newest(wanted, pod["metadata"]["name"], beats) for pod in pods}
    # A pod that has not written yet has the same time to do so as to write again. One that hangs is not ready either.
    since = [newest[pod["metadata"]["name"]] or (_started(pod) if is_ready(pod) else None) for pod in pods]
    ends = [at + wanted.limit for at in since if at is not None]
    written = [at for at in newest.values() if at is not None]
    return Daemon(
        wanted,
        live=sum(now <= at + wanted.limit for at in written),
        last=max(written, default=None),
        failing=failing,
        silent=any(end < now for end in ends),
        due=min((end for end in ends if end >= now), default=None),
    )


def healthy(daemons: Sequence[Daemon]) -> Condition:
    """Judge all instances together. Messages hold names, and no ages, which change all the time."""
    failing = [daemon for daemon in daemons if daemon.failing]
    if failing:
        needs = "".join(f"; {daemon.wanted.name} {daemon.wanted.needs}" for daemon in failing if daemon.wanted.needs)
        text = f"{_names(failing)}: {failing[0].failing}{needs}"
        return Condition(TYPE, "False", RucioReason.DAEMONS_FAILING, text)
    silent = [daemon for daemon in daemons if daemon.silent]
    if silent:
        text = (
            f"no heartbeat within the limit from {_names(silent, lambda daemon: f' ({_shown(daemon.wanted.limit)})')}"
        )
        return Condition(
            TYPE, "False", RucioReason.HEARTBEATS_STALE, f"{text}; `kubectl logs deployment/NAME` may tell"
        )
    if any(daemon.live < daemon.wanted.replicas for daemon in daemons):
        return Condition(TYPE, "False", RucioReason.DAEMONS_STARTING, "not every daemon has written a heartbeat yet")
    return Condition(TYPE, "True", RucioReason.DAEMONS_ALIVE, "every daemon that is wanted is alive")


def fields(daemons: Sequence[Daemon], previous: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Give `status.daemons` and `status.daemonCount`."""
    desired, alive = (
        sum(daemon.wanted.replicas for daemon in daemons),
        sum(min(daemon.live, daemon.wanted.replicas) for daemon in daemons),
    )
    entries = [
        {
            "name": daemon.wanted.name,
            "desired": daemon.wanted.replicas,
            "live": daemon.live,
            **({"lastHeartbeatTime": rfc3339(daemon.last)} if daemon.last else {}),
        }
        for daemon in daemons
    ]
    before: list[dict[str, Any]] = previous.get("daemons") or []
    count = {"desired": desired, "live": alive, "summary": f"{alive}/{desired}"}
    return {"daemonCount": count, "daemons": before if _only_times(before, entries, now) else entries}


def _only_times(before: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]], now: datetime) -> bool:
    """Whether nothing but times differs, and these were written a short while ago."""
    if [_without_time(entry) for entry in before] != [_without_time(entry) for entry in entries]:
        return False
    if any(
        ("lastHeartbeatTime" in old) != ("lastHeartbeatTime" in new) for old, new in zip(before, entries, strict=True)
    ):
        return False
    times = [at for entry in before if (at := parse_time(entry.get("lastHeartbeatTime"))) is not None]
    return not times or now < max(times) + WRITTEN_EVERY


def _without_time(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "lastHeartbeatTime"}


def _newest(wanted: Wanted, host: str, beats: Sequence[Mapping[str, Any]]) -> datetime | None:
    """When a pod wrote last, by the part of it that is quiet for longest; None while a part has not written.

    Rows of other hosts, such as pods that are gone, say nothing about it.
    """
    times: list[datetime] = []
    for prefix in wanted.prefixes:
        of_part = [
            at
            for beat in beats
            if beat.get("hostname") == host
            and str(beat.get("executable", "")).startswith(prefix)
            and (at := parse_time(beat.get("updatedAt"))) is not None
        ]
        if not of_part:
            return None
        times.append(max(of_part))
    return min(times, default=None)


def _started(pod: Manifest) -> datetime | None:
    """When the pod's container was started last, or the pod."""
    status = pod.get("status", {})
    running = [
        at
        for container in status.get("containerStatuses", ())
        if (at := parse_time((container.get("state", {}).get("running") or {}).get("startedAt"))) is not None
    ]
    return max(running, default=parse_time(status.get("startTime")))


def _trouble(pod: Manifest) -> str | None:
    finding = why_not_ready(pod)
    return None if finding is None or finding.progressing else finding.message


def _no_pods(wanted: Wanted, view: View, pods: Sequence[Manifest]) -> str | None:
    """Why pods that are wanted cannot be made."""
    if len(pods) >= wanted.replicas:
        return None
    return live.refused(view.children.get(("Deployment", wanted.deployment), {}))


def _names(daemons: Sequence[Daemon], more: Callable[[Daemon], str] = lambda _: "") -> str:
    shown = ", ".join(f"{daemon.wanted.name}{more(daemon)}" for daemon in daemons[:_NAMED])
    return shown if len(daemons) <= _NAMED else f"{shown} and {len(daemons) - _NAMED} more"


def _shown(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds}s" if seconds % 60 else f"{seconds // 60}m"
