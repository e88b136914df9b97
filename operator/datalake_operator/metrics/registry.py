"""The registry of a process, and its own series."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from datalake_operator import __version__
from datalake_operator.kube.resource import Resource
from datalake_operator.metrics import collectors, probes
from datalake_operator.metrics.collectors import Conditions, RucioFigures
from datalake_operator.metrics.probes import Page

_PASS_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bucket bounds in seconds: a pass without writes takes about a millisecond, one that waits for time-outs 30 s."""


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
        self._probes: Callable[[], Iterable[Page]] = tuple

    def request(self, verb: str, resource: Resource, code: int) -> None:
        """Count one request to the API server; `code` 0 means that no answer came."""
        self.requests.labels(verb=verb, resource=resource.plural, code=str(code)).inc()

    def serve_resources(self, resources: Callable[[], Iterable[Conditions]]) -> None:
        """Export the series of the watched resources, read anew at each scrape.

        Args:
            resources: gives kind, namespace, name and (type, status) of each condition; nothing on a standby.
        """
        self.registry.register(collectors.Resources(resources))

    def serve_rucio(self, figures: Callable[[], Iterable[RucioFigures]]) -> None:
        """Export the series of each RucioServer, read anew at each scrape; nothing on a standby."""
        self.registry.register(collectors.Rucio(figures))

    def serve_watches(self, restarts: Callable[[], Mapping[str, int]]) -> None:
        """Export how often watches began anew, by resource, read anew at each scrape."""
        self.registry.register(collectors.Watches(restarts))

    def serve_probes(self, pages: Callable[[], Iterable[Page]]) -> None:
        """Export the series of each QoSProbe, asked for at each scrape; nothing on a standby."""
        self._probes = pages

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry) + probes.exposition(self._probes())
