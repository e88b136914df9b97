"""All children of a QoSProbe: its plan, the CronJob that carries it out, and the Job that does so at once."""

import json
from collections.abc import Container
from typing import Any

from datalake_operator.api.probe import QoSProbe
from datalake_operator.build import names
from datalake_operator.build.context import Context
from datalake_operator.build.image import image_version
from datalake_operator.build.labels import labels, owner, stable_labels
from datalake_operator.build.probe import called, schedule
from datalake_operator.build.probe import shape as shapes
from datalake_operator.build.probe.plan import plan
from datalake_operator.build.probe.pod import image, template
from datalake_operator.build.probe.shape import Shape
from datalake_operator.build.probe.targets import Targets

Manifest = dict[str, Any]

_HISTORY = 3
"""Ended Jobs that stay, of each outcome: time enough to read what their pods said."""

_KEPT = 3600
"""Seconds that an ended Job stays which was asked for."""


def build(probe: QoSProbe, context: Context, targets: Targets) -> tuple[Manifest, ...]:
    """Give the desired children in the order in which they are applied.

    Args:
        probe: the probe; one that is suspended has a CronJob that is.
        context: with the uid of the cluster, which names our folder on storage.
        targets: of what it references.

    Raises:
        Refused: the probe cannot work; the message has the figures.
    """
    shape, name = shapes.of(probe, targets), probe.metadata.name
    config_map = _plan(probe, context, targets, shape)
    timing = schedule.of(probe)
    cron_job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {**_metadata(probe, context), "name": called.cron_job(name)},
        "spec": {
            "schedule": timing.cron,
            **({"timeZone": timing.time_zone} if timing.time_zone else {}),
            "suspend": probe.spec.suspend,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": schedule.starting_deadline(timing),
            "successfulJobsHistoryLimit": _HISTORY,
            "failedJobsHistoryLimit": _HISTORY,
            "jobTemplate": {
                "metadata": {"labels": stable_labels(called.APP, name, called.COMPONENT)},
                "spec": _job(shape, template(probe, context, shape, config_map["metadata"]["name"])),
            },
        },
    }
    return config_map, cron_job


def now_job(probe: QoSProbe, context: Context, targets: Targets, value: str, past: Container[str] = ()) -> Manifest:
    """Give the Job that the annotation reconcile-at asks for. It uses the plan that `build` makes.

    Args:
        probe: the probe.
        context: as for `build`.
        targets: as for `build`.
        value: of the annotation.
        past: ids of runs that are known; this is none of them, though the value be that of one.

    Raises:
        Refused: as `build`.
    """
    shape = shapes.of(probe, targets)
    plan_name = _plan(probe, context, targets, shape)["metadata"]["name"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**_metadata(probe, context), "name": called.now_job(probe.metadata.name, value, past)},
        "spec": {
            **_job(shape, template(probe, context, shape, plan_name, now=True)),
            "ttlSecondsAfterFinished": _KEPT,
        },
    }


def _plan(probe: QoSProbe, context: Context, targets: Targets, shape: Shape) -> Manifest:
    data = {called.PLAN_KEY: json.dumps(plan(probe, context, targets, shape), indent=1) + "\n"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**_metadata(probe, context), "name": names.hashed(called.plan(probe.metadata.name), data)},
        "immutable": True,
        "data": data,
    }


def _metadata(probe: QoSProbe, context: Context) -> Manifest:
    name = probe.metadata.name
    return {
        "namespace": probe.metadata.namespace,
        "labels": labels(called.APP, name, called.COMPONENT, image_version(image(probe, context))),
        "ownerReferences": [owner("QoSProbe", name, probe.metadata.uid)],
    }


def _job(shape: Shape, pod: Manifest) -> Manifest:
    """The spec of a Job: one attempt. A pod that a node was taken from is replaced, and that is nobody's failure."""
    if shape.indexed:
        attempts = {
            "completionMode": "Indexed",
            "completions": len(shape.sources),
            "parallelism": shape.parallel,
            "backoffLimitPerIndex": 0,
        }
    else:
        attempts = {"backoffLimit": 0}
    disrupted = {"type": "DisruptionTarget", "status": "True"}
    return {
        "activeDeadlineSeconds": shape.job_deadline,
        **attempts,
        "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [disrupted]}]},
        "template": pod,
    }
