"""Dumps: which there are, and whether they are as fresh as the schedule says."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias

from cronsim import CronSim

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.rucio import called
from datalake_operator.status.conditions import Condition, parse_time
from datalake_operator.status.rucio import results
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

TYPE = "BackupFresh"
"""Type of the condition."""

_MISSED = 2
"""Intervals of the schedule that may pass without a dump."""

_SLACK = timedelta(minutes=10)
"""Time that a dump may take after its hour before it counts as missed."""

_PREFIXES = ("scheduled", "migration")
"""What names of dumps begin with; each kind is rotated by itself."""

_MOST = 400
"""Dumps that status lists: the newest."""


def listed(server: RucioServer, view: View) -> list[dict[str, Any]]:
    """Give every dump that is kept, newest first: each kind as the newest run that dealt with it says."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in view.previous.get("backups") or ():
        found.setdefault(_prefix(entry["name"]), []).append(dict(entry))
    for _, told in _runs(server, view):
        kinds: dict[str, list[dict[str, Any]]] = {_prefix(told.file): []} if told.file else {}
        for backup in told.backups:
            kinds.setdefault(_prefix(backup.name), []).append(backup.model_dump())
        found |= kinds
    every = {entry["name"]: entry for entries in found.values() for entry in entries}
    return sorted(every.values(), key=lambda entry: (entry["time"], entry["name"]), reverse=True)[:_MOST]


def fresh(server: RucioServer, view: View, now: datetime) -> tuple[Condition | None, datetime | None]:
    """Judge the scheduled dumps of an embedded database, and say when to judge again."""
    embedded = server.spec.database.embedded
    if embedded is None or not embedded.backup.enabled:
        return None, None
    job = view.children.get(("CronJob", called.backup(server.metadata.name)), {})
    last, made = _last(server, view, job), parse_time(job.get("metadata", {}).get("creationTimestamp"))
    start = last or made
    if start is None:
        return None, None
    schedule = embedded.backup.schedule
    due = _after(schedule, start)
    trouble = _trouble(server, view)
    if due is not None and now >= due:
        text = f"no dump {'since two intervals of' if last else 'yet, after two intervals of'} {schedule!r} (UTC)"
        mend = trouble or f"`kubectl get jobs` shows those of CronJob {called.backup(server.metadata.name)}"
        return Condition(TYPE, "False", RucioReason.BACKUPS_OVERDUE, f"{text}: {mend}"), None
    text = f"dumps are made as {schedule!r} (UTC) says" if last else f"the first dump comes as {schedule!r} (UTC) says"
    return Condition(TYPE, "True", RucioReason.BACKUPS_FRESH, f"{text}; {trouble}" if trouble else text), due


def _after(schedule: str, start: datetime) -> datetime | None:
    """When so many intervals have passed; None for a schedule that never comes."""
    coming = list(islice(CronSim(schedule, start.astimezone(UTC)), _MISSED))
    return coming[-1] + _SLACK if len(coming) == _MISSED else None


def _last(server: RucioServer, view: View, job: Manifest) -> datetime | None:
    """When the newest scheduled dump was made."""
    times = [entry["time"] for entry in listed(server, view) if _prefix(entry["name"]) == _PREFIXES[0]]
    told = [job.get("status", {}).get("lastSuccessfulTime"), *times]
    return max((at for text in told if (at := parse_time(text)) is not None), default=None)


def _trouble(server: RucioServer, view: View) -> str | None:
    """What the newest scheduled run said, if it failed."""
    runs = [told for name, told in _runs(server, view) if _scheduled(server, name)]
    return f"the last one failed: {runs[-1].message}" if runs and runs[-1].state != "done" else None


def _runs(server: RucioServer, view: View) -> list[tuple[str, results.BackupResult]]:
    """What each run that is still there said, oldest first."""
    name = server.metadata.name
    return results.backups(view, f"{called.backup(name)}-", called.dump_job(name, ""))


def _scheduled(server: RucioServer, job: str) -> bool:
    return job.startswith(f"{called.backup(server.metadata.name)}-")


def _prefix(name: str) -> str:
    return next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")
