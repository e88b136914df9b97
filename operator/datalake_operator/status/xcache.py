"""What the status of an XCacheNode says. Ready is the first answer of an ordered chain of small functions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import storage as volumes
from datalake_operator.build.config import EXPORTER_PORT
from datalake_operator.build.labels import INSTANCE
from datalake_operator.status.conditions import Condition
from datalake_operator.status.endpoints import endpoints
from datalake_operator.status.origin import origin_reachable
from datalake_operator.status.pods import (
    Finding,
    PodReason,
    has_started,
    is_ready,
    is_stopping,
    starting,
    why_missing,
    why_not_ready,
)
from datalake_operator.status.storage import StorageReason, bound
from datalake_operator.status.usage import usage
from datalake_operator.status.view import Assessment, View

Manifest: TypeAlias = Mapping[str, Any]

STALE = timedelta(minutes=2)
"""The exporter's last answer counts this long while it gives no new one: a restart is not worth a change of status."""


class XCacheReason:
    """Reasons of an XCacheNode's conditions, beside those of its claims, its pod and its origin."""

    SERVING = "Serving"
    """The cache is ready and runs what the spec says."""

    ROLLING_OUT = "RollingOut"
    """The pod of the newest revision has not replaced the old one yet."""

    DRAIN_REQUESTED = "DrainRequested"
    """The drain file is there: the cache takes no new clients and finishes what is open."""


@dataclass(frozen=True)
class _Seen:
    """What the chain looks at."""

    node: XCacheNode
    storage: Condition
    workload: Manifest | None
    pod: Manifest | None

    @property
    def pod_name(self) -> str:
        return f"{self.node.metadata.name}-0"


def assess(node: XCacheNode, view: View, now: datetime) -> Assessment:
    """Judge a cache by its children, its pod and what its exporter says."""
    seen = _Seen(node, bound(_claims(node, view)), _workload(node, view), _pod(node, view))
    ready = _first(_READY, seen)
    data, stale_at = _answer(view, now)
    figures, due = usage(node, data, view.previous, now)
    conditions = [
        _condition("Ready", ready),
        seen.storage,
        _condition("Serving", _first(_SERVING, seen)),
        *_observed_conditions(seen, view, data),
    ]
    return Assessment(
        conditions=tuple(conditions),
        fields=_fields(node, view, data) | figures,
        progressing=ready.progressing,
        wake_at=min((moment for moment in (stale_at, due) if moment is not None), default=None),
    )


def rolled(view: View) -> bool:
    """Whether the workload runs its newest revision and nothing else, so that old configuration may go."""
    workload = next((child for (kind, _), child in view.children.items() if kind == "StatefulSet"), None)
    if workload is None or not view.pods:
        return False
    return all(_is_current(pod, workload) and is_ready(pod) for pod in view.pods)


def stuck_pods(node: XCacheNode, view: View) -> list[Manifest]:
    """Pods of an old revision that have not started: a StatefulSet would wait for them, perhaps for ever.

    One that has started is none of them although it may be unready: it drains, and clients read from it.
    """
    workload = _workload(node, view)
    if workload is None or not _observed(workload):
        return []
    return [
        pod
        for pod in view.pods
        if not has_started(pod) and not is_stopping(pod) and _revision(pod) != _newest(workload)
    ]


def state_url(view: View) -> str | None:
    """Where the exporter tells its state; None as long as no pod has an address."""
    addresses = (pod.get("status", {}).get("podIP") for pod in view.pods)
    address = next((address for address in addresses if address), None)
    if address is None:
        return None
    return f"http://{f'[{address}]' if ':' in address else address}:{EXPORTER_PORT}/state"


def notable(data: Manifest) -> object:
    """What of the exporter's answer shows in status at once; usage figures wait for the next pass."""
    draining = bool(data.get("draining"))
    return (
        (data.get("xrootd") or {}).get("version"),
        draining and data.get("openFiles"),
        draining,
        origin_reachable(data).reason,
        data.get("cache") is None,
        (data.get("hour") or {}).get("hitPercent") is None,
    )


# --- Ready and Serving: the first step that has an answer

Step: TypeAlias = Callable[[_Seen], Finding | None]


def _first(steps: tuple[Step, ...], seen: _Seen) -> Finding:
    return next(finding for step in steps if (finding := step(seen)) is not None)


def _claims_not_bound(seen: _Seen) -> Finding | None:
    if seen.storage.status == "True":
        return None
    pending = seen.storage.reason == StorageReason.CLAIM_PENDING
    return Finding(seen.storage.reason, seen.storage.message, progressing=pending)


def _no_pod(seen: _Seen) -> Finding | None:
    if seen.pod is not None:
        return None
    return starting(seen.pod_name) if seen.workload is None else why_missing(seen.pod_name, seen.workload)


def _pod_not_ready(seen: _Seen) -> Finding | None:
    return None if seen.pod is None else why_not_ready(seen.pod)


def _old_revision(seen: _Seen) -> Finding | None:
    if seen.pod is not None and seen.workload is not None and _is_current(seen.pod, seen.workload):
        return None
    return Finding(XCacheReason.ROLLING_OUT, f"pod {seen.pod_name} still runs the revision before", progressing=True)


def _serves(seen: _Seen) -> Finding:
    return Finding(XCacheReason.SERVING, f"serves files of {seen.node.spec.origin.url}", progressing=False)


_READY: tuple[Step, ...] = (
    _claims_not_bound,  # no pod starts without its volumes
    _no_pod,  # nothing serves without a pod
    _pod_not_ready,  # from the node that takes it to its readiness check
    _old_revision,  # it serves, and not yet as the spec says
    _serves,
)
_SERVING: tuple[Step, ...] = (_no_pod, _pod_not_ready, _serves)  # of whatever revision


# --- the other conditions


def _condition(type_: str, finding: Finding) -> Condition:
    return Condition(
        type_, "True" if finding.reason == XCacheReason.SERVING else "False", finding.reason, finding.message
    )


def _observed_conditions(seen: _Seen, view: View, data: Manifest | None) -> list[Condition]:
    """What the exporter says. Not asked yet, since the operator has just started: what was said last still stands."""
    if view.observation is None and seen.pod is not None:
        kept = [
            Condition(old["type"], old["status"], old["reason"], old["message"])
            for old in view.previous.get("conditions", ())
            if old["type"] in {"OriginReachable", "Draining"}
        ]
        if kept:
            return kept
    return [origin_reachable(data), *_draining(seen, data)]


def _draining(seen: _Seen, data: Manifest | None) -> Iterator[Condition]:
    """The condition Draining while the cache drains, nothing otherwise."""
    if seen.pod is None or data is None or not data.get("draining"):
        return
    count = data.get("openFiles")
    files = "the number of open files is not known" if count is None else f"{count} files are open"
    if is_stopping(seen.pod):
        limit = seen.node.spec.drain.timeout
        message = f"stops when no file is open, or after {limit}; {files}"
        yield Condition("Draining", "True", PodReason.POD_STOPPING, message)
    else:
        yield Condition("Draining", "True", XCacheReason.DRAIN_REQUESTED, f"new clients are sent away; {files}")


# --- fields


def _fields(node: XCacheNode, view: View, data: Manifest | None) -> dict[str, Any]:
    used = set(_claims(node, view))
    kept = {
        name
        for (kind, name), child in view.children.items()
        if kind == "PersistentVolumeClaim"
        and name not in used
        and child["metadata"].get("labels", {}).get(INSTANCE) == node.metadata.name
    }
    fields = {
        "endpoints": endpoints(node, view),
        "version": ((data or {}).get("xrootd") or {}).get("version") or view.previous.get("version"),
        "claims": sorted(used),
        "retainedClaims": sorted(kept),
    }
    return {key: value for key, value in fields.items() if value}


# --- looking things up


def _answer(view: View, now: datetime) -> tuple[Manifest | None, datetime | None]:
    """The exporter's last answer while it counts, and when it stops to."""
    seen = view.observation
    if seen is None or seen.data is None:
        return None, None
    if seen.error is None:
        return seen.data, None
    stale_at = seen.time + STALE
    return (seen.data, stale_at) if now < stale_at else (None, None)


def _claims(node: XCacheNode, view: View) -> dict[str, Manifest | None]:
    """Every claim that is mounted: ours among the children, others among the references."""
    key = "PersistentVolumeClaim"
    return {
        volume.claim_name: (view.children if volume.claim else view.references).get((key, volume.claim_name))
        for volume in volumes.volumes(node)
        if volume.claim_name is not None
    }


def _pod(node: XCacheNode, view: View) -> Manifest | None:
    return next((pod for pod in view.pods if pod["metadata"]["name"] == f"{node.metadata.name}-0"), None)


def _workload(node: XCacheNode, view: View) -> Manifest | None:
    return view.children.get(("StatefulSet", node.metadata.name))


def _observed(workload: Manifest) -> bool:
    """Whether the StatefulSet controller has seen the newest template, so that its revisions speak about it."""
    seen = workload.get("status", {}).get("observedGeneration")
    return bool(seen == workload["metadata"].get("generation"))


def _newest(workload: Manifest) -> Any:
    return workload.get("status", {}).get("updateRevision")


def _revision(pod: Manifest) -> Any:
    return pod["metadata"].get("labels", {}).get("controller-revision-hash")


def _is_current(pod: Manifest, workload: Manifest) -> bool:
    """Whether the pod is of the newest revision of its StatefulSet."""
    return bool(_observed(workload) and _revision(pod) == _newest(workload))
