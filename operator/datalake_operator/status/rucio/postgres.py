"""The pod of an embedded database."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.rucio import called
from datalake_operator.status.conditions import parse_time
from datalake_operator.status.pods import condition, has_started, is_ready, is_stopping, why_missing, why_not_ready
from datalake_operator.status.rucio import live
from datalake_operator.status.view import View


def trouble(server: RucioServer, view: View) -> str | None:
    """Why the embedded database does not serve; None where its pod is ready, and for an external one.

    None, too, of a resource that was refused before anything was made.
    """
    if server.spec.database.embedded is None or not view.children:
        return None
    name = called.postgres(server.metadata.name)
    pods = live.components(view, called.POSTGRES)
    if any(map(is_ready, pods)):
        return None
    finding = next((found for pod in pods if (found := why_not_ready(pod)) is not None), None)
    workload = view.children.get(("StatefulSet", name))
    if finding is None and workload is not None:
        finding = why_missing(f"{name}-0", workload)
    return finding.message if finding else f"pod {name}-0 is starting"


def down_since(server: RucioServer, view: View, moment: datetime) -> bool:
    """Whether the embedded database's pod was lost after `moment`: what was heard of the database then is old."""
    if trouble(server, view) is None:
        return False
    times = [
        parse_time(pod["metadata"].get("deletionTimestamp") or condition(pod, "Ready").get("lastTransitionTime"))
        for pod in live.components(view, called.POSTGRES)
    ]
    return bool(times) and all(time is not None and time > moment for time in times)


def stuck_pods(server: RucioServer, view: View) -> list[Mapping[str, Any]]:
    """The pod, where it is of an old revision and has not started: a StatefulSet would wait for it for ever."""
    workload = view.children.get(("StatefulSet", called.postgres(server.metadata.name)))
    if workload is None or not live.current(workload):
        return []
    newest = workload.get("status", {}).get("updateRevision")
    return [
        pod
        for pod in live.components(view, called.POSTGRES)
        if not has_started(pod)
        and not is_stopping(pod)
        and pod["metadata"].get("labels", {}).get("controller-revision-hash") != newest
    ]
