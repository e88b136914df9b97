"""A probe and what controllers and nodes make of its runs, as plain values."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.probe import QoSProbe
from datalake_operator.build import Context
from datalake_operator.build.probe import build, placeholders
from datalake_operator.status import View
from datalake_operator.status.conditions import rfc3339

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CONTEXT = Context(
    xcache_image="x:1", operator_namespace="o", cluster="11111111-2222", probe_image="example.org/probe:1"
)
TCP: dict[str, Any] = {"tcp": {"targets": [{"name": "a", "host": "a.example.org", "port": 1}]}}

Object = dict[str, Any]
MakeProbe = Callable[..., QoSProbe]


def make_probe(name: str = "x", **spec: Any) -> QoSProbe:
    """A probe of one TCP target every 15 minutes; `spec` replaces its fields, None takes one away."""
    whole = {"interval": "15m", **TCP, **spec}
    model = parse(
        {
            "apiVersion": "datalake.projectescape.eu/v1alpha1",
            "kind": "QoSProbe",
            "metadata": {"name": name, "namespace": "ns", "uid": "u"},
            "spec": {key: value for key, value in whole.items() if value is not None},
        }
    )
    assert isinstance(model, QoSProbe)
    return model


def cron_job(probe: QoSProbe) -> Object:
    """Its CronJob."""
    cron: Object = build(probe, CONTEXT, placeholders(probe))[1]
    return {**cron, "metadata": {**cron["metadata"], "uid": "cron"}}


def job(
    probe: QoSProbe,
    name: str = "x-1",
    *,
    begun: datetime = NOW - timedelta(minutes=5),
    over: datetime | None = NOW - timedelta(minutes=4),
    failed: str = "",
    owner: str = "cron",
    **spec: Any,
) -> Object:
    """A Job of it; `over` is when it ended, `failed` why badly, `spec` replaces fields of its spec."""
    template = cron_job(probe)["spec"]["jobTemplate"]
    metadata = {
        "name": name,
        "namespace": "ns",
        "uid": f"uid-{name}",
        "labels": template["metadata"]["labels"],
        "creationTimestamp": rfc3339(begun),
        "ownerReferences": [{"kind": "CronJob", "name": "x", "uid": owner, "controller": True}],
    }
    conditions = []
    if over is not None:
        kind = "Failed" if failed else "Complete"
        conditions = [{"type": kind, "status": "True", "reason": failed, "lastTransitionTime": rfc3339(over)}]
    status = {"startTime": rfc3339(begun), "conditions": conditions}
    return {"kind": "Job", "metadata": metadata, "spec": {**template["spec"], **spec}, "status": status}


def pod(
    of: Mapping[str, Any],
    *,
    message: str | None = None,
    code: int = 0,
    index: int | None = None,
    suffix: str = "a",
    ended: Mapping[str, Any] | None = None,
    waiting: str = "",
    made: datetime = NOW - timedelta(minutes=5),
    phase: str = "",
    **status: Any,
) -> Object:
    """A pod of a Job.

    Args:
        of: the Job.
        message: its last words; None while it runs.
        code: exit code.
        index: of an Indexed Job.
        suffix: end of its name.
        ended: fields of the container's end.
        waiting: why the container waits.
        made: when it was made.
        phase: of the pod; given by the rest unless it is named.
        **status: fields of its status.
    """
    name = of["metadata"]["name"]
    state: Object = {"running": {}}
    if waiting:
        state = {"waiting": {"reason": waiting, "message": f"about {waiting}"}}
    if message is not None or ended is not None:
        state = {"terminated": {"exitCode": code, "message": message or "", **(ended or {})}}
    over = "Failed" if code else "Succeeded"
    default = over if "terminated" in state else "Pending" if waiting else "Running"
    labels = {"batch.kubernetes.io/job-name": name}
    if index is not None:
        labels["batch.kubernetes.io/job-completion-index"] = str(index)
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"{name}-{suffix}",
            "labels": labels,
            "creationTimestamp": rfc3339(made),
            "ownerReferences": [{"kind": "Job", "uid": of["metadata"]["uid"], "name": name, "controller": True}],
        },
        "status": {
            "phase": phase or default,
            "containerStatuses": [{"name": "probe", "state": state}],
            **status,
        },
    }


def view(probe: QoSProbe, *live: Mapping[str, Any], **parts: Any) -> View:
    """What is seen of a probe that has its CronJob: Jobs and pods, and further parts of the view."""
    there = [cron_job(probe), *(one for one in live if one["kind"] != "Pod")]
    return View(
        children={(one["kind"], one["metadata"]["name"]): one for one in there},
        pods=tuple(one for one in live if one["kind"] == "Pod"),
        **parts,
    )


@pytest.fixture
def probe() -> QoSProbe:
    """The plain one."""
    return make_probe()
