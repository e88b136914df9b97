"""A data lake in every kind of trouble, as operators and an exporter would tell of it; without a cluster."""

import itertools
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from datalake_operator.kube.resource import QOS_PROBES
from datalake_operator.kube.store import Store
from datalake_operator.metrics import Conditions, Metrics, RucioFigures
from datalake_operator.reconcile.probe_figures import ProbePages
from datalake_operator.web import Health, serve
from tests.monitoring.prometheus import Job
from tests.support.postgres import free_port
from tests.support.probe_bodies import body, cell, mesh

EXPORTER = Path(__file__).parents[2] / "images" / "xcache" / "xcache_recorded" / "expected.prom"
"""What the exporter of a cache says after a recorded day."""
MARK = 'xcache_watermark_bytes{mark="files_max"}'
SYSTEM = "datalake-system"
"""Namespace of the operators."""

CONDITIONS: tuple[Conditions, ...] = (
    ("XCacheNode", "lake", "down", (("Ready", "False"), ("Serving", "False"), ("OriginReachable", "Unknown"))),
    ("XCacheNode", "lake", "cut", (("Ready", "True"), ("Serving", "True"), ("OriginReachable", "False"))),
    ("XCacheNode", "lake", "stalled", (("Ready", "False"), ("Serving", "True"), ("Stalled", "True"))),
    ("XCacheNode", "lake", "waiting", (("Ready", "False"), ("Serving", "True"), ("Reconciling", "True"))),
    ("RucioServer", "lake", "no-database", (("Ready", "False"), ("DatabaseReachable", "False"))),
    ("RucioServer", "lake", "no-server", (("Ready", "False"), ("DatabaseReachable", "True"), ("Bootstrapped", "True"))),
    ("RucioServer", "lake", "no-login", (("Ready", "False"), ("Bootstrapped", "True"))),
    ("RucioServer", "lake", "silent", (("Ready", "False"), ("DaemonsHealthy", "False"), ("BackupFresh", "False"))),
    ("RucioServer", "lake", "good", (("Ready", "True"), ("DatabaseReachable", "True"))),
    ("QoSProbe", "lake", "mesh", (("Ready", "True"), ("Healthy", "False"))),
    ("QoSProbe", "lake", "paused", (("Ready", "True"), ("Suspended", "True"))),
)  # fmt: skip

RUCIO = (
    RucioFigures("lake", "no-server", {"server": False, "database": False, "login": False, "heartbeats": False}),
    RucioFigures("lake", "no-login", {"server": True, "database": True, "login": False, "heartbeats": True}),
    RucioFigures(
        "lake", "good", {"server": True, "database": True, "login": True, "heartbeats": True},
        ("41.5.1", "a", "a"), {"reaper": 12.0}, {"health": 0.01, "login": 0.2}, 3600.0,
    ),
)  # fmt: skip


def probes(now: datetime) -> Iterator[dict[str, Any]]:
    """Probes: one with a bad endpoint, a bad link and an unmeasured one; one of each trouble that a probe can have."""
    grid = mesh(4, now=now)
    states = {("SITE-00", "SITE-01"): "critical", ("SITE-01", "SITE-02"): "unknown", ("SITE-03", None): "critical"}
    for one in grid["status"]["cells"]:
        one["state"] = states.get((one["source"], one.get("destination")), one["state"])
        if "SITE-03" in (one["source"], one.get("destination")) and one.get("destination"):
            one.update(state="skipped", reason="Refused")
    grid["status"]["endpoints"] = [{"name": "SITE-03", "role": "both", "state": "critical", "reason": "Refused"}]
    grid["status"]["summary"] = {"ok": 5, "critical": 2, "unknown": 1, "skipped": 6}
    yield grid
    ends = {"tls_days_left": "5", "seconds": "0.1"}
    yield body("web", {"http": {"targets": []}}, [cell("www", measurements=ends)], now=now)
    faster = {"warm_speedup_ratio": "8.5", "cold_seconds": "2"}
    yield body("cached", {"cache": {}}, [cell("edge", None, "root", measurements=faster)], now=now)
    yield body("old", {"tcp": {"targets": []}}, [cell("A")], now=now - timedelta(hours=3))
    yield body("broken", {"tcp": {"targets": []}}, [cell("A", state="unknown", reason="ImageUnavailable")], now=now, results="o??")  # fmt: skip # noqa: E501
    yield body("paused", {"suspend": True, "tcp": {"targets": []}}, [cell("A")], now=now - timedelta(days=30))
    control = [{"name": "cluster-dns", "ok": False}]
    lost = [cell("A", state="unknown", reason="CentralFault")]
    yield body("dark", {"tcp": {"targets": []}}, lost, namespace="dark", now=now, control=control)


def leading() -> Metrics:
    """An operator that knows all of it, sees runs of all probes at each scrape, and fails at one resource."""
    metrics, store, versions = Metrics(), Store(QOS_PROBES), itertools.count(1)
    metrics.leader.set(1)

    def run() -> None:
        version = next(versions)
        for one in probes(datetime.now(UTC)):
            one["metadata"]["resourceVersion"] = f"{version}"
            for measured in one["status"]["cells"]:
                measured["totals"] = f"o{90 + version}x2"
            store.put(one)

    def resources() -> tuple[Conditions, ...]:
        run()
        metrics.reconciles.labels(kind="XCacheNode", result="error").inc()
        metrics.duration.labels(kind="XCacheNode").observe(0.01)
        return CONDITIONS

    metrics.serve_resources(resources)
    metrics.serve_rucio(lambda: RUCIO)
    metrics.serve_probes(ProbePages(store))
    return metrics


def stuck() -> Metrics:
    """An operator that leads and finishes nothing."""
    metrics = Metrics()
    metrics.leader.set(1)
    metrics.depth.set(3)
    return metrics


def exporter() -> Callable[[], str]:
    """The exporter of a cache that serves, has a full disk, and reads wrong blocks; each time a little more."""
    recorded, times = EXPORTER.read_text(), itertools.count(1)
    grows = re.compile(r"^(xcache_(?:served_bytes|checksum_errors)_total) (\S+)$", re.MULTILINE)
    disk = 'xcache_disk_used_bytes{space="data",disk="d"} 96\n'  # the recording has no disks
    full = recorded.replace(MARK, f'{disk}xcache_watermark_bytes{{mark="high"}} 95\n{MARK}')
    assert full != recorded

    def said() -> str:
        number = next(times)
        return grows.sub(lambda found: f"{found[1]} {float(found[2]) + 1000 * number}", full)

    return said


@asynccontextmanager
async def world(*, honor_labels: bool) -> AsyncIterator[list[Job]]:
    """Serve all of it on loopback, and say how it is to be scraped: as our monitors do, or without honorLabels."""
    async with AsyncExitStack() as stack:
        jobs = []
        quiet = Health(alive=tuple, ready=tuple)
        operators = {"datalake-operator": leading(), "standby": Metrics(), "stuck": stuck()}
        for name, metrics in operators.items():
            port = free_port()
            await stack.enter_async_context(serve("127.0.0.1", port, quiet, metrics))
            labels = {"namespace": SYSTEM, "pod": name}
            jobs.append(Job(name, f"127.0.0.1:{port}", labels, honor_labels))
        said = exporter()
        port = await stack.enter_async_context(_text(said))
        jobs.append(Job("lake/edge", f"127.0.0.1:{port}", {"namespace": "lake", "pod": "edge-0"}, honor_labels))
        yield jobs


@asynccontextmanager
async def _text(said: Callable[[], str]) -> AsyncIterator[int]:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=said())

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield port
    finally:
        await runner.cleanup()
