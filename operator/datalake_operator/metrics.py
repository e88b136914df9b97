"""The operator's own metrics; `docs/metrics.md` is their catalogue, and a test compares the two."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from datalake_operator import __version__
from datalake_operator.kube.resource import Resource

_PASS_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bucket bounds in seconds: a pass without writes takes about a millisecond, one that waits for time-outs 30 s."""


Conditions: TypeAlias = tuple[str, str, str, tuple[tuple[str, str], ...]]
"""Kind, namespace, name and (type, status) of each condition of one resource."""


class Metrics:
    """Every series of this process, in a registry of its own."""

    def __init__(self) -> None:
        # They would be a gauge beside each counter and histogram, of no use to anybody.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.reconciles = Counter(
            "datalake_reconciles_total", "Finished reconciles.", ["kind", "result"], registry=self.registry
        )
        self.duration = Histogram(
            "datalake_reconcile_duration_seconds",
            "Duration of one reconcile.",
            ["kind"],
            buckets=_PASS_SECONDS,
            registry=self.registry,
        )
        self.wait = Histogram(
            "datalake_queue_wait_seconds",
            "Time that a key waited for a worker.",
            buckets=_PASS_SECONDS,
            registry=self.registry,
        )
        self.depth = Gauge("datalake_queue_depth", "Keys that wait for a worker.", registry=self.registry)
        self.retries = Counter(
            "datalake_retries_total", "Reconciles put off by a failure.", ["kind"], registry=self.registry
        )
        self.requests = Counter(
            "datalake_api_requests_total",
            "Requests to the API server; code 0 is no answer.",
            ["verb", "resource", "code"],
            registry=self.registry,
        )
        self.leader = Gauge("datalake_leader", "1 where this process writes, 0 on a standby.", registry=self.registry)
        build = Gauge(
            "datalake_build_info", "The operator's version; the value is always 1.", ["version"], registry=self.registry
        )
        build.labels(version=__version__).set(1)

    def request(self, verb: str, resource: Resource, code: int) -> None:
        """Count one request to the API server; `code` 0 means that no answer came."""
        self.requests.labels(verb=verb, resource=resource.plural, code=str(code)).inc()

    def serve_resources(self, resources: Callable[[], Iterable[Conditions]]) -> None:
        """Export the series of the watched resources, read anew at each scrape.

        Args:
            resources: gives kind, namespace, name and (type, status) of each condition; nothing on a standby.
        """
        self.registry.register(_Resources(resources))

    def serve_watches(self, restarts: Callable[[], Mapping[str, int]]) -> None:
        """Export how often watches began anew, by resource, read anew at each scrape."""
        self.registry.register(_Watches(restarts))

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)


class _Resources(Collector):
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


class _Watches(Collector):
    def __init__(self, restarts: Callable[[], Mapping[str, int]]) -> None:
        self._restarts = restarts

    def collect(self) -> Iterable[CounterMetricFamily]:
        restarts = CounterMetricFamily(
            "datalake_watch_restarts_total", "Watches that ended and were opened again.", labels=["resource"]
        )
        for resource, count in sorted(self._restarts().items()):
            restarts.add_metric([resource], count)
        return [restarts]
