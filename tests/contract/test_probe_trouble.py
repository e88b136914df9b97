"""Runs that say nothing, or nonsense: unknown with a reason, never red, never a crash, and nothing of it is shown."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.client import Client, Object
from tests.support.lab import Lab
from tests.support.objects import condition
from tests.support.pods import running
from tests.support.probe_jobs import ProbeJobs, cell, envelope

HTML = "<script>alert(1)</script>"
LONG_AGO = timedelta(minutes=1)


@pytest.fixture
def jobs(admin: Client, namespace: str, lab: Lab) -> ProbeJobs:
    """Whoever makes and ends Jobs; the lab works with probes from now on."""
    lab.kind = "QoSProbe"
    return ProbeJobs(admin, namespace)


def good(run: str, **fields: Any) -> str:
    return envelope(run, [cell("a")], **fields)


def many(run: str) -> list[Object]:
    return [cell(f"{run}-{number}") for number in range(100)]


def _with_html(run: str) -> str:
    found = {"source": HTML, "destination": HTML, "protocol": HTML, "result": "bad", "reason": HTML, "m": {HTML: 1}}
    return envelope(run, [found], control={HTML: HTML}, problem={"reason": HTML, "message": HTML})


FUTURE = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
MESSAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "none": (lambda _: "", "NoMessage"),
    "blank": (lambda _: " \n", "NoMessage"),
    "truncated": (lambda run: envelope(run, many(run), packed=False)[:4096], "Truncated"),
    "truncated while packed": (lambda run: good(run, packed=True)[:-40], "Truncated"),
    "of 100 KB": (lambda run: envelope(run, many(run) * 25, packed=False), "Malformed"),
    "binary": (lambda _: "\x00\x01\u0085\ufffd\U0001f600" * 99, "Malformed"),
    "a log line": (lambda _: "Traceback (most recent call last):", "Malformed"),
    "a list": (lambda _: "[]", "Malformed"),
    "nested too deeply": (lambda _: "[" * 4000, "Malformed"),
    "without cells": (lambda run: json.dumps({"v": 1, "run": run}), "Malformed"),
    "of a future time": (lambda run: good(run, start=FUTURE), "InTheFuture"),
    "HTML in every string": (_with_html, "Malformed"),
    "HTML where words are free": (
        lambda run: envelope(run, problem={"reason": HTML, "message": HTML}),
        "RunnerFailed",
    ),
    "of another version": (lambda run: good(run, v=2), "OtherVersion"),
    "of another run": (lambda _: good("another-1"), "ForeignMessage"),
    "a bomb": (lambda run: envelope(run, note="0" * 9_000_000, packed=True), "Malformed"),
}


def names(count: int) -> list[str]:
    return [f"p{number:02}" for number in range(count)]


async def ended_with(lab: Lab, jobs: ProbeJobs, name: str, message: Callable[[str], str]) -> Object:
    """A probe after a good run and one with a message; the latter is read."""
    await lab.create(name)
    first = await jobs.run(name, [cell("a")])
    await lab.until(lambda body: body["status"]["lastRun"]["id"] == first, name, 60)
    job = await jobs.begin(name)
    run = job["metadata"]["name"]
    await jobs.end(job, message(run))
    return await lab.until(lambda body: body["status"]["lastRun"]["id"] == run, name, 60)


async def test_a_bad_message_is_an_unknown_run_with_its_reason_and_nothing_of_it_is_shown(
    lab: Lab, jobs: ProbeJobs
) -> None:
    operator = await lab.operator()
    found = await asyncio.gather(
        *(
            ended_with(lab, jobs, name, message)
            for name, (message, _) in zip(names(len(MESSAGES)), MESSAGES.values(), strict=True)
        )
    )
    for body, (sentence, (_, reason)) in zip(found, MESSAGES.items(), strict=True):
        status = body["status"]
        assert (status["lastRun"]["result"], status["lastRun"].get("reason")) == ("unknown", reason), sentence
        assert (status["cells"][0]["state"], status["summary"]["critical"]) == ("unknown", 0), sentence
        ready = condition(body, "Ready")
        assert (ready["status"], ready["reason"]) == ("False", reason), sentence
        assert "<script" not in json.dumps(status), sentence
    for path in ("/", "/metrics", "/api/v1/probes"):
        assert HTML not in await operator.page(path)


def waits(reason: str) -> Object:
    state = {"waiting": {"reason": reason, "message": f"about {HTML}"}}
    container = {"name": "probe", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": state}
    return {"phase": "Pending", "containerStatuses": [container]}


def ends(code: int, why: str, message: str = "", **status: Any) -> Object:
    over = {"exitCode": code, "reason": why, "message": message}
    over |= {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}
    container = {"name": "probe", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    return {"phase": "Failed", "containerStatuses": [container | {"state": {"terminated": over}}], **status}


def taken(reason: str) -> Object:
    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": reason, "lastTransitionTime": None}
    return {"phase": "Failed", "reason": reason, "conditions": [disrupted]}


WAITING: dict[str, tuple[Object, str]] = {
    "image not pulled": (waits("ErrImagePull"), "ImageUnavailable"),
    "image not pulled again": (waits("ImagePullBackOff"), "ImageUnavailable"),
    "configuration missing": (waits("CreateContainerConfigError"), "ConfigError"),
    "container not created": (waits("CreateContainerError"), "ConfigError"),
}
ENDED: dict[str, tuple[Object, str]] = {
    "no memory": (ends(137, "OOMKilled"), "OutOfMemory"),
    "its deadline": (ends(137, "Error", reason="DeadlineExceeded"), "DeadlineExceeded"),
    "no such command": (ends(128, "StartError", HTML), "ConfigError"),
    "an error": (ends(1, "Error"), "RunnerFailed"),
    "evicted": ({"phase": "Failed", "reason": "Evicted"}, "Interrupted"),
    "preempted": (taken("PreemptionByScheduler"), "Interrupted"),
    "node lost": (taken("DeletionByPodGC"), "Interrupted"),
    "node shut down": ({"phase": "Failed", "reason": "Terminated"}, "Interrupted"),
    "refused by its node": ({"phase": "Failed", "reason": "OutOfmemory"}, "Unschedulable"),
}


async def troubled(lab: Lab, jobs: ProbeJobs, name: str, pod: Object | None, over: str = "") -> Object:
    """A probe after a run whose pod got this status, or is gone; `over` is why its Job failed, if it did."""
    await lab.create(name)
    job = await jobs.begin(name)
    run = job["metadata"]["name"]
    for live in await jobs.pods(job):
        if pod is None:
            await lab.admin.delete("Pod", live["metadata"]["name"], lab.namespace)
        else:
            conditions = [*pod.get("conditions", ()), *running(live, "10.0.0.1", ready=False)["conditions"]]
            await jobs.tell(live, {**pod, "conditions": conditions})
    if over:
        # Long ago where its pod is gone: one that is there may be heard of after its Job, and is awaited.
        await jobs.over(job, failed=True, reason=over, ago=LONG_AGO if pod is None else timedelta())
    return await lab.until(lambda body: body["status"]["lastRun"]["id"] == run, name, 60)


async def test_a_job_that_waits_for_what_will_not_come_is_told_of_and_deleted(lab: Lab, jobs: ProbeJobs) -> None:
    operator = await lab.operator()
    rows = zip(names(len(WAITING)), WAITING.values(), strict=True)
    found = await asyncio.gather(*(troubled(lab, jobs, name, pod) for name, (pod, _) in rows))
    for body, (sentence, (_, reason)) in zip(found, WAITING.items(), strict=True):
        check(body, "unknown", reason, sentence)
        assert f"The kubelet says: about {HTML}" in condition(body, "Ready")["message"], sentence
    await lab.quiet()
    assert not await lab.admin.list("Job", lab.namespace)
    for body in found:
        now = await lab.read(body["metadata"]["name"])
        assert condition(now, "Ready") == condition(body, "Ready"), "what the kubelet said outlives its pod"
    for path in ("/", "/metrics"):
        assert HTML not in await operator.page(path)


async def test_a_pod_that_did_not_end_well_is_unknown_or_interrupted_and_never_red(lab: Lab, jobs: ProbeJobs) -> None:
    await lab.operator()
    rows: dict[str, tuple[Object | None, str, str]] = {
        sentence: (pod, reason, "BackoffLimitExceeded") for sentence, (pod, reason) in ENDED.items()
    }
    rows["deleted"] = (None, "NoMessage", "BackoffLimitExceeded")
    rows["deleted at the Job's deadline"] = (None, "DeadlineExceeded", "DeadlineExceeded")
    found = await asyncio.gather(
        *(
            troubled(lab, jobs, name, pod, over)
            for name, (pod, _, over) in zip(names(len(rows)), rows.values(), strict=True)
        )
    )
    for body, (sentence, (_, reason, _)) in zip(found, rows.items(), strict=True):
        check(body, "interrupted" if reason == "Interrupted" else "unknown", reason, sentence)


def check(body: Object, result: str, reason: str, sentence: str) -> None:
    last, ready = body["status"]["lastRun"], condition(body, "Ready")
    assert (last["result"], last["reason"]) == (result, reason), sentence
    assert body["status"]["cells"][0]["state"] == ("notrun" if result == "interrupted" else "unknown"), sentence
    assert ready["reason"] == ("Scheduled" if result == "interrupted" else reason), sentence


async def test_what_a_killed_runner_had_measured_counts(lab: Lab, jobs: ProbeJobs) -> None:
    await lab.operator()
    targets = [{"name": name, "host": f"{name}.example.org", "port": 1} for name in ("a", "b")]
    await lab.create(tcp={"targets": targets})
    job = await jobs.begin("x")
    run = job["metadata"]["name"]
    (pod,) = await jobs.pods(job)
    await jobs.tell(pod, ends(137, "OOMKilled", good(run, state="running", end=None)))
    await jobs.over(job, failed=True)
    body = await lab.until(lambda body: body["status"]["lastRun"]["id"] == run)
    states = {one["source"]: (one["state"], one.get("reason")) for one in body["status"]["cells"]}
    assert states == {"a": ("ok", None), "b": ("unknown", "OutOfMemory")}
