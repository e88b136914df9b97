"""The Jobs of a probe: those that its CronJob made, and those that were asked for."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from datalake_operator.api.probe import QoSProbe
from datalake_operator.build.labels import belongs_to
from datalake_operator.build.probe import called
from datalake_operator.status.conditions import parse_time
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

INDEX = "batch.kubernetes.io/job-completion-index"
"""Label and annotation that the Job controller puts on the pods of an Indexed Job."""

_MOST_PODS = 64
"""Pods of a run, since a mesh has no more sources: whoever may make Jobs may make one of two thousand million."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def jobs(probe: QoSProbe, view: View) -> list[Manifest]:
    """Every Job of the probe that is there, the oldest first. One that merely carries our labels does not count."""
    uids = {probe.metadata.uid}
    cron = cron_job(probe, view)
    if cron is not None:
        uids.add(cron["metadata"].get("uid"))
    found = [
        child
        for (kind, _), child in view.children.items()
        if kind == "Job" and any(belongs_to(child, uid) for uid in uids if uid)
    ]
    return sorted(found, key=lambda job: (began(job), name_of(job)))


def cron_job(probe: QoSProbe, view: View) -> Manifest | None:
    """The probe's CronJob, None where it is not there."""
    live = view.children.get(("CronJob", called.cron_job(probe.metadata.name)))
    return live if live is not None and belongs_to(live, probe.metadata.uid) else None


def pods(job: Manifest, view: View) -> list[Manifest]:
    """The pods of a Job, the oldest first."""
    uid = job["metadata"].get("uid")
    found = [pod for pod in view.pods if belongs_to(pod, uid)]
    return sorted(found, key=lambda pod: (_created(pod), pod["metadata"]["name"]))


def name_of(job: Manifest) -> str:
    """Its name, which is the id of the run."""
    return str(job["metadata"]["name"])


def began(job: Manifest) -> datetime:
    """When the run began."""
    return parse_time(job.get("status", {}).get("startTime")) or _created(job)


def ended(job: Manifest) -> datetime | None:
    """When the Job ended, well or not; None while it goes on."""
    for condition in job.get("status", {}).get("conditions", ()):
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            return parse_time(condition.get("lastTransitionTime")) or began(job)
    return None


def failure(job: Manifest) -> str:
    """Why the Job failed, in the word of the Job controller; empty where it did not."""
    conditions = job.get("status", {}).get("conditions", ())
    found = (one.get("reason") for one in conditions if one["type"] == "Failed" and one["status"] == "True")
    return next(found, "") or ""


def pods_wanted(job: Manifest) -> tuple[int | None, ...]:
    """The index of each pod that the run consists of; (None,) for a run of one pod."""
    spec = job["spec"]
    if spec.get("completionMode") != "Indexed":
        return (None,)
    return tuple(range(min(spec.get("completions") or 1, _MOST_PODS)))


def index_of(pod: Manifest) -> int | None:
    """Which of the pods of an Indexed Job this is; None in every other Job, whose pods have no such label."""
    metadata = pod["metadata"]
    text = (metadata.get("labels") or {}).get(INDEX) or (metadata.get("annotations") or {}).get(INDEX) or ""
    return int(text) if text.isdecimal() else None


def rolled(probe: QoSProbe, view: View) -> bool:
    """Whether no run uses another plan than the CronJob's, and none can begin with one any more.

    The controller of CronJobs may make a Job before it hears of a new plan; once one has the new plan, all have.
    """
    cron = cron_job(probe, view)
    if cron is None:
        return False
    found = jobs(probe, view)
    wanted = _mounted(cron["spec"]["jobTemplate"])
    return all(_mounted(job) == wanted for job in (*filter(is_active, found), *found[-1:]))


def is_active(job: Manifest) -> bool:
    """Whether a Job goes on."""
    return ended(job) is None and not job["metadata"].get("deletionTimestamp")


def sources(job: Manifest, view: View) -> tuple[str, ...]:
    """Source of each pod of an Indexed Job, from the plan that it mounts; empty for every other Job.

    Empty names where that plan is gone: what the pods say counts, and what is missing is merely not measured.
    """
    wanted = pods_wanted(job)
    if wanted == (None,):
        return ()
    plans = (view.children.get(("ConfigMap", name)) for name in _mounted(job))
    texts = [plan["data"][called.PLAN_KEY] for plan in plans if plan and called.PLAN_KEY in (plan.get("data") or {})]
    try:
        found = tuple(map(str, json.loads(texts[0])["transfer"]["sources"]))
    except (LookupError, TypeError, ValueError, RecursionError):  # gone, or no plan of ours
        found = ()
    return found if len(found) == len(wanted) else ("",) * len(wanted)


def _mounted(job: Manifest) -> set[str]:
    """Names of the ConfigMaps that the pods of a Job mount."""
    names: set[str] = set()
    for volume in job["spec"]["template"]["spec"].get("volumes", ()):
        for source in (volume, *(volume.get("projected") or {}).get("sources", ())):
            name = (source.get("configMap") or {}).get("name")
            names |= {name} if name else set()
    return names


def _created(live: Manifest) -> datetime:
    return parse_time(live["metadata"].get("creationTimestamp")) or _LONG_AGO
