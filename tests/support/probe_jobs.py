"""Jobs of probes for a control plane without controllers and nodes: as a CronJob makes them, and how they end.

A test says what the runner would have written; nothing runs.
"""

import base64
import itertools
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.client import Client, Object
from tests.support.pods import JobEnd, job_pod, running
from tests.support.waiting import eventually

INDEX = "batch.kubernetes.io/job-completion-index"
LONGEST_PLAIN = 4000
"""Bytes of an envelope that are written as they are (images/probe/envelope.schema.json)."""

_numbers = itertools.count(29_000_000)


def envelope(
    run: str,
    cells: Iterable[Mapping[str, Any]] = (),
    *,
    kind: str = "tcp",
    index: int | None = None,
    packed: bool | None = None,
    **fields: Any,
) -> str:
    """A termination message as the runner writes it; `fields` replace parts of the envelope."""
    now = datetime.now(UTC)
    body = {
        "v": 1,
        "run": run,
        "index": index,
        "type": kind,
        "start": _text(now - timedelta(seconds=2)),
        "end": _text(now),
        "state": "done",
        "problem": None,
        "control": {"cluster-dns": "ok", "api-server": "ok"},
        "cells": [*cells],
        **fields,
    }
    text = json.dumps(body, separators=(",", ":"))
    if packed is None:
        packed = len(text.encode()) > LONGEST_PLAIN
    return "z1:" + base64.b64encode(zlib.compress(text.encode(), 9)).decode() if packed else text


def cell(source: str, result: str = "ok", **fields: Any) -> Object:
    """One cell of an envelope; `reason` stands where the result is not ok, `m` holds measurements."""
    reason = {} if result == "ok" else {"reason": fields.pop("reason", "Refused")}
    return {"source": source, "result": result, **reason, **fields}


class ProbeJobs:
    """Plays CronJob controller, Job controller and node for the probes of one namespace."""

    def __init__(self, admin: Client, namespace: str) -> None:
        self._admin = admin
        self._namespace = namespace

    async def begin(self, probe: str) -> Object:
        """Make a Job from the template of a probe's CronJob, with pods that run; return the Job."""

        async def cron_job() -> Object:
            return await self._admin.get("CronJob", probe, self._namespace)

        cron = await eventually(cron_job)
        assert cron is not None
        assert not cron["spec"].get("suspend"), f"{probe} is suspended"
        template = cron["spec"]["jobTemplate"]
        reference = {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "name": probe,
            "uid": cron["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        metadata = {
            "name": f"{probe}-{next(_numbers)}",
            "namespace": self._namespace,
            "labels": template.get("metadata", {}).get("labels", {}),
            "annotations": template.get("metadata", {}).get("annotations", {}),
            "ownerReferences": [reference],
        }
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}
        return await self.take(await self._admin.create(job))

    async def take(self, job: Object) -> Object:
        """Give a Job the pods that it wants, all of them running; return the Job."""
        for index in indexes(job):
            pod = await self._admin.create(_pod(job, index))
            await self.tell(pod, running(pod, "10.0.0.1", ready=True))
        count = len(indexes(job))
        return await self.tell(job, {"active": count, "ready": count, "startTime": _text(datetime.now(UTC))})

    async def end(self, job: Object, *messages: str, code: int = 0) -> Object:
        """Let each pod of a Job end with its message, in order of their indexes, and then the Job; return that."""
        for pod, message in zip(await self.pods(job), messages, strict=True):
            ended = JobEnd(code, message, gave_up=True).of_pod(pod)
            assert ended is not None
            await self.tell(pod, ended)
        return await self.over(job, failed=code != 0)

    async def waits(self, job: Object, reason: str) -> None:
        """Let the container of each pod of a Job wait for something."""
        for pod in await self.pods(job):
            image = pod["spec"]["containers"][0]["image"]
            state = {"waiting": {"reason": reason, "message": f"{reason} of {image}"}}
            container = {**pod["status"]["containerStatuses"][0], "ready": False, "started": False, "state": state}
            await self.tell(pod, {"phase": "Pending", "containerStatuses": [container]})

    async def over(
        self,
        job: Object,
        *,
        failed: bool = False,
        reason: str = "BackoffLimitExceeded",
        ago: timedelta = timedelta(),
    ) -> Object:
        """Let a Job end, whatever its pods do, or let it have ended a while ago; return it."""
        status = JobEnd(int(failed), gave_up=True).of_job()
        now = _text(datetime.now(UTC) - ago)
        for one in status["conditions"]:
            one |= {"lastTransitionTime": now, "lastProbeTime": now, **({"reason": reason} if failed else {})}
        status |= {"startTime": job["status"]["startTime"]}
        if job["spec"].get("completionMode") == "Indexed" and not failed:
            count = job["spec"]["completions"]
            status |= {"succeeded": count, "completedIndexes": f"0-{count - 1}" if count > 1 else "0"}
        return await self.tell(job, status)

    async def run(self, probe: str, cells: Sequence[Mapping[str, Any]], *, kind: str = "tcp", **fields: Any) -> str:
        """A whole run of one pod with these cells; return its id."""
        job = await self.begin(probe)
        name: str = job["metadata"]["name"]
        await self.end(job, envelope(name, cells, kind=kind, **fields))
        return name

    async def pods(self, job: Object) -> list[Object]:
        """The pods of a Job, in order of their indexes."""
        labels = f"batch.kubernetes.io/job-name={job['metadata']['name']}"
        pods = await self._admin.list("Pod", self._namespace, labels)
        return sorted(pods, key=lambda pod: int(pod["metadata"]["labels"].get(INDEX, 0)))

    async def tell(self, body: Object, status: Object) -> Object:
        """Write the status of a Job or a pod."""
        change, name = {"status": status}, body["metadata"]["name"]
        return await self._admin.patch(body["kind"], name, self._namespace, change, subresource="status")


def indexes(job: Object) -> list[int | None]:
    """The indexes of the pods that a Job wants; [None] unless it is Indexed."""
    if job["spec"].get("completionMode") != "Indexed":
        return [None]
    return [*range(job["spec"]["completions"])]


def _pod(job: Object, index: int | None) -> Object:
    suffix = job["metadata"]["uid"][:5]
    pod = job_pod(job, f"{job['metadata']['name']}-{suffix}" + ("" if index is None else f"-{index}"))
    if index is not None:
        for part in ("labels", "annotations"):
            pod["metadata"][part] = {**pod["metadata"][part], INDEX: str(index)}
    return pod


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
