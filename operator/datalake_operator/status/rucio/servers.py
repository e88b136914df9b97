"""Whether servers serve, by their Deployments and pods."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from datalake_operator.build.rucio import called
from datalake_operator.status.conditions import Condition
from datalake_operator.status.pods import Finding, PodReason, is_ready, is_stopping, why_not_ready
from datalake_operator.status.rucio import live
from datalake_operator.status.rucio.blame import Blame, Seen
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.rucio.situation import Step
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

TYPE = "ServerReady"
"""Type of the condition."""


def unready(seen: Seen) -> Blame | None:
    """Why servers do not serve as the spec says."""
    name = seen.server.metadata.name
    parts = [(called.server(name), "server")]
    if seen.server.spec.auth_server.separate:
        parts.append((called.auth(name), "auth"))
    return next((blame for part in parts if (blame := _workload(seen.view, *part)) is not None), None)


def ready(seen: Seen, database: Blame | None) -> Condition:
    """Whether clients are served, by whatever revision of the spec."""
    pods = live.components(seen.view, "server")
    if any(map(is_ready, pods)):
        return Condition(TYPE, "True", RucioReason.SERVER_READY, "the server has ready pods")
    if database is not None and seen.at.step is not Step.RUNNING:
        return Condition(TYPE, "False", database.reason, "no server runs; Ready tells why")
    if database is not None:
        return Condition(TYPE, "False", database.reason, "the server waits for its database; Ready tells more")
    blame = unready(seen) or Blame(PodReason.STARTING, "pods of the server are starting")
    return Condition(TYPE, "False", blame.reason, blame.message)


def _workload(view: View, name: str, component: str) -> Blame | None:
    """Why a Deployment does not serve, or serves something else. A pod that starts beside ready ones is no reason."""
    deployment = view.children.get(("Deployment", name))
    if deployment is None:
        return Blame(PodReason.STARTING, f"Deployment {name} is being made")
    wanted, status = deployment.get("spec", {}).get("replicas", 1), deployment.get("status", {})
    if wanted == 0:
        return Blame(RucioReason.SCALED_TO_ZERO, f"Deployment {name} has no replicas", progressing=False)
    pods = [pod for pod in live.components(view, component) if not is_stopping(pod)]
    findings = [finding for pod in pods if (finding := why_not_ready(pod)) is not None]
    stuck = next((finding for finding in findings if not finding.progressing), None) or _refused(name, deployment)
    if stuck is not None:
        return Blame(stuck.reason, stuck.message, progressing=False)
    if any(map(is_ready, pods)):
        updated = status.get("updatedReplicas", 0)
        rolls = not live.current(deployment) or updated < wanted or status.get("replicas", 0) > updated
        return Blame(RucioReason.ROLLING_OUT, f"Deployment {name} replaces its pods") if rolls else None
    if any(finding.reason == PodReason.NOT_READY for finding in findings):
        return Blame(PodReason.NOT_READY, f"pods of Deployment {name} run and are not ready yet")
    return Blame(PodReason.STARTING, f"pods of Deployment {name} are starting")


def _refused(name: str, deployment: Manifest) -> Finding | None:
    why = live.refused(deployment)
    if why is None or deployment.get("status", {}).get("readyReplicas"):
        return None
    return Finding(PodReason.POD_MISSING, f"pods of Deployment {name} cannot be made: {why}", progressing=False)
