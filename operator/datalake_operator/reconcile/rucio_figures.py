"""Numbers about one RucioServer for its metrics. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from datalake_operator.build.rucio import called
from datalake_operator.metrics import RucioFigures
from datalake_operator.reconcile.kind import Key, Manifest
from datalake_operator.status import Observation
from datalake_operator.status.conditions import parse_time
from datalake_operator.status.rucio import live

_DAEMON = called.daemon_component("")
"""What the component of a daemon's pods begins with; the instance's name follows."""


def figures(
    key: Key,
    status: Mapping[str, Any],
    pods: Iterable[Manifest],
    observation: Observation | None,
    now: datetime,
) -> RucioFigures:
    """Give what is known.

    Args:
        key: of the RucioServer.
        status: its status.
        pods: its pods.
        observation: what its server said last.
        now: the time of day, UTC.
    """
    data = (observation.data if observation else None) or {}
    answers = observation is not None and observation.error is None
    health = data.get("health", {})
    return RucioFigures(
        namespace=key.namespace,
        name=key.name,
        up={
            "server": answers,
            "database": answers and health.get("state") == "current",
            "login": answers and data.get("login") == "ok",
            "heartbeats": answers and "heartbeats" in data,
        },
        schema=_schema(health),
        heartbeat_ages=_ages(data.get("heartbeats", ()), pods, now),
        latencies=data.get("latencySeconds", {}) if answers else {},
        backup_age=_backup_age(status, now),
    )


def _schema(health: Mapping[str, Any]) -> tuple[str, str, str] | None:
    version, revision, head = (health.get(name) for name in ("version", "revision", "head"))
    return (version or "", revision or "", head or "") if version or revision else None


def _ages(beats: Iterable[Mapping[str, str]], pods: Iterable[Manifest], now: datetime) -> dict[str, float]:
    newest: dict[str, datetime] = {}
    for beat in beats:
        at = parse_time(beat["updatedAt"])
        if at is not None:
            newest[beat["hostname"]] = max(at, newest.get(beat["hostname"], at))
    ages: dict[str, float] = {}
    for pod in pods:
        component = live.component_of(pod)
        last = newest.get(pod["metadata"]["name"])
        if component.startswith(_DAEMON) and last is not None:
            name = component.removeprefix(_DAEMON)
            ages[name] = max(ages.get(name, 0.0), (now - last).total_seconds())
    return ages


def _backup_age(status: Mapping[str, Any], now: datetime) -> float | None:
    times = [at for backup in status.get("backups", ()) if (at := parse_time(backup["time"])) is not None]
    return (now - max(times)).total_seconds() if times else None
