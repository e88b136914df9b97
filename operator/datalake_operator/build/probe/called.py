"""Names of children, and of what is in their pods.

All names fit: `metadata.name` of a QoSProbe is at most 40 long, and Kubernetes adds 11 characters to that of a CronJob.
"""

import hashlib
from collections.abc import Container
from itertools import count

APP = "probe"
"""Value of app.kubernetes.io/name on all children."""

COMPONENT = "runner"
"""Value of app.kubernetes.io/component on all children."""

CONTAINER = "probe"
"""The only container of a run's pod."""

PLAN_KEY = "plan.json"
"""Key of the plan in its ConfigMap, and name of its file."""


def plan(name: str) -> str:
    """What names of plans begin with, before a dash and the hash of their content."""
    return f"{name}-plan"


def cron_job(name: str) -> str:
    """The CronJob."""
    return name


def now_job(name: str, value: str, past: Container[str] = ()) -> str:
    """The Job that the annotation reconcile-at with this value asks for.

    Args:
        name: of the probe.
        value: of the annotation. The same one gives the same Job, until that has run.
        past: names of Jobs whose results are known: what a second one of that name finds would be taken for them.
    """
    turns = (hashlib.sha256(value.encode() + b"\0" * turn).hexdigest()[:10] for turn in count())
    return next(found for turn in turns if (found := f"{name}-{turn}") not in past)
