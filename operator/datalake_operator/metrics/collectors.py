"""Series of what this process knows of resources: read at each scrape, so each lives as long as what it is about."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

Conditions: TypeAlias = tuple[str, str, str, tuple[tuple[str, str], ...]]
"""Kind, namespace, name and (type, status) of each condition of one resource."""


@dataclass(frozen=True)
class RucioFigures:
    """What is known of one RucioServer at the moment of a scrape; what is not known is not there."""

    namespace: str
    name: str
    up: Mapping[str, bool]
    """Whether each check passed, by its name."""
    schema: tuple[str, str, str] | None = None
    """Version of Rucio, revision of the database, revision that the version needs."""
    heartbeat_ages: Mapping[str, float] = field(default_factory=dict)
    """Seconds since the newest heartbeat of the pod that is worst off, by daemon instance."""
    latencies: Mapping[str, float] = field(default_factory=dict)
    """Seconds that each request to the server took, by its name."""
    backup_age: float | None = None
    """Seconds since the newest dump was made."""


class Resources(Collector):
    """Series that live exactly as long as their resource, since no state is kept between scrapes."""

    def __init__(self, resources: Callable[[], Iterable[Conditions]]) -> None:
        self._resources = resources

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Count the resources by kind and Ready, and give each condition of each resource."""
        totals: dict[tuple[str, str], int] = {}
        conditions = GaugeMetricFamily(
            "datalake_resource_condition",
            "1 for True, 0 for False, -1 for Unknown.",
            labels=["kind", "namespace", "name", "type"],
        )
        for kind, namespace, name, said in self._resources():
            ready = dict(said).get("Ready", "Unknown")
            for type_, status in said:
                value = {"True": 1.0, "False": 0.0}.get(status, -1.0)
                conditions.add_metric([kind, namespace, name, type_], value)
            totals[kind, ready] = totals.get((kind, ready), 0) + 1
        resources = GaugeMetricFamily("datalake_resources", "Resources by kind and Ready.", labels=["kind", "ready"])
        for (kind, ready), count in sorted(totals.items()):
            resources.add_metric([kind, ready], count)
        return [resources, conditions]


class Rucio(Collector):
    """Series that live exactly as long as their RucioServer."""

    def __init__(self, figures: Callable[[], Iterable[RucioFigures]]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Give each figure of each RucioServer."""
        about = ["namespace", "name"]
        up = GaugeMetricFamily("datalake_rucio_up", "1 where a check of Rucio passes.", labels=[*about, "check"])
        schema = GaugeMetricFamily(
            "datalake_rucio_schema_info",
            "Version of Rucio and revisions of the database; the value is always 1.",
            labels=[*about, "version", "revision", "head"],
        )
        beats = GaugeMetricFamily(
            "datalake_rucio_heartbeat_age_seconds",
            "Time since the last heartbeat of the daemon pod that is worst off.",
            labels=[*about, "daemon"],
        )
        latency = GaugeMetricFamily(
            "datalake_rucio_api_latency_seconds", "Duration of the last request.", labels=[*about, "request"]
        )
        backup = GaugeMetricFamily(
            "datalake_rucio_backup_age_seconds", "Time since the newest dump of the database.", labels=about
        )
        for one in self._figures():
            key = [one.namespace, one.name]
            for family, values in ((up, one.up), (beats, one.heartbeat_ages), (latency, one.latencies)):
                for label, value in sorted(values.items()):
                    family.add_metric([*key, label], float(value))
            if one.schema is not None:
                schema.add_metric([*key, *one.schema], 1.0)
            if one.backup_age is not None:
                backup.add_metric(key, one.backup_age)
        return [up, schema, beats, latency, backup]


class Watches(Collector):
    """How often watches began anew."""

    def __init__(self, restarts: Callable[[], Mapping[str, int]]) -> None:
        self._restarts = restarts

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Give one counter for each resource."""
        restarts = CounterMetricFamily(
            "datalake_watch_restarts_total", "Watches that ended and were opened again.", labels=["resource"]
        )
        for resource, count in sorted(self._restarts().items()):
            restarts.add_metric([resource], count)
        return [restarts]
