"""The operator process: makes the parts, joins them, and runs them side by side until it is told to stop."""

import asyncio
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from datalake_operator.build import Context
from datalake_operator.handlers.host import Host
from datalake_operator.kube import resource as kube
from datalake_operator.kube.events import EventRecorder
from datalake_operator.kube.informer import Informer
from datalake_operator.kube.lease import Lease
from datalake_operator.kube.references import References
from datalake_operator.kube.session import Api
from datalake_operator.metrics import Metrics, RucioFigures
from datalake_operator.observe import Poller
from datalake_operator.reconcile.capabilities import Identity, PodMonitors
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.engine import Engine
from datalake_operator.reconcile.kind import Key, Kind
from datalake_operator.reconcile.peers import Peers
from datalake_operator.reconcile.pipeline import Reconciler
from datalake_operator.reconcile.probe import ProbeKind
from datalake_operator.reconcile.probe_figures import ProbePages
from datalake_operator.reconcile.queue import Queue
from datalake_operator.reconcile.resources import Resources
from datalake_operator.reconcile.rucio import RucioKind
from datalake_operator.reconcile.rucio_figures import figures
from datalake_operator.reconcile.xcache import XCacheKind
from datalake_operator.settings import Settings
from datalake_operator.web import Health, of_stores, serve

KINDS: tuple[Kind[Any], ...] = (
    XCacheKind(),
    RucioKind(),
    ProbeKind(),
)
"""Every kind that is watched."""

_SILENCE = 120.0
"""Seconds without a watch's attempt or any end of a reconcile that make the process unhealthy (design, section 4)."""

_IDENTITY_PAUSE = 10.0
"""Seconds before the API server is asked again what identifies the cluster: a missing right is soon granted."""


class Operator:
    """All parts of one operator process.

    Args:
        api: the session.
        settings: from the environment.
        metrics: of the process.
        kinds: kinds to serve.
    """

    def __init__(self, api: Api, settings: Settings, metrics: Metrics, kinds: Iterable[Kind[Any]] = KINDS) -> None:
        by_name = {kind.resource.kind: kind for kind in kinds}
        self._settings = settings
        self._metrics = metrics
        self._leading = asyncio.Event()
        self._queue: Queue[Key] = Queue()
        add = self._queue.add
        self._resources = Resources(api, (kind.resource for kind in by_name.values()), add)
        self._children = Children(api, by_name.values(), add)
        self._references = References(api, lambda _, owners: _add_all(self._queue, owners))
        self._poller: Poller[Key] = Poller(add, lambda key, data: by_name[key.kind].notable(data), _now)
        self._events = EventRecorder(api, settings.identity)
        self._host = Host(api, self._resources.stores, settings.namespaces, on_started=self._take_signals)
        namespaces = settings.namespaces or (None,)
        self._informers = [
            informer
            for resource in self._children.stores
            if resource != kube.POD_MONITORS
            for informer in self._children.informers(resource, namespaces)
        ]
        self._pod_monitors = PodMonitors(
            api, namespaces, lambda: self._children.informers(kube.POD_MONITORS, namespaces), self._everything
        )
        self._identity = Identity(api)
        self._lease = Lease(
            api,
            settings.namespace,
            settings.lease,
            settings.identity,
            duration=settings.lease_duration,
            renew_deadline=settings.renew_deadline,
            retry_period=settings.retry_period,
        )
        self._engine = Engine(
            reconciler=Reconciler(
                api=api,
                kinds=by_name,
                resources=self._resources,
                children=self._children,
                references=self._references,
                observations=self._poller,
                peers=Peers(by_name.values(), self._resources.stores, add),
                events=self._events,
                context=self._context,
                clock=_now,
            ),
            resources=self._resources,
            queue=self._queue,
            metrics=metrics,
            workers=settings.workers,
            resync=settings.resync,
            on_missing=self._pod_monitors.refresh,
        )
        self._stop = asyncio.Event()
        metrics.serve_resources(lambda: self._resources.conditions() if self._leading.is_set() else ())
        metrics.serve_rucio(lambda: self._rucio_figures() if self._leading.is_set() else ())
        probe_pages = ProbePages(self._resources.stores.get(kube.QOS_PROBES))
        metrics.serve_probes(lambda: probe_pages() if self._leading.is_set() else ())
        metrics.serve_watches(self._watch_restarts)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            OSError: the address to listen on is taken.
        """
        self._take_signals()
        settings = self._settings
        health = Health(alive=self._not_alive, ready=self._not_ready)
        bodies = of_stores(self._resources.stores)
        async with serve(settings.host, settings.port, health, self._metrics, bodies):
            async with asyncio.TaskGroup() as group:
                parts = [self._references.run(), self._events.run(), self._work()]
                parts += [informer.run() for informer in self._informers]
                tasks = [group.create_task(part) for part in parts]
                stop_lease = asyncio.Event()
                lease = group.create_task(self._lead(stop_lease), name="lease")
                await self._host.run(self._stop)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                stop_lease.set()
                await lease
            await self._poller.close()
            await self._pod_monitors.close()

    async def _lead(self, stop: asyncio.Event) -> None:
        """Lead, where there is a Lease as soon as it is ours; given back only when nothing more is written."""
        if not self._settings.lease:
            self._lease.leading.set()
            return
        await self._lease.run(stop)

    async def _work(self) -> None:
        """Reconcile, once everything is known and this process leads."""
        await self._host.synced.wait()
        for informer in self._informers:
            await informer.synced.wait()
        await self._lease.leading.wait()
        self._leading.set()
        self._metrics.leader.set(1)
        await self._pod_monitors.refresh()
        await self._identity.learn()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._engine.work(), name="engine")
            group.create_task(self._identify(), name="identity")
            group.create_task(self._look_again(), name="capabilities")

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resync)
            await self._pod_monitors.refresh()

    async def _identify(self) -> None:
        """Ask again what identifies this cluster, as long as it is not known."""
        while not self._identity.uid:
            await asyncio.sleep(_IDENTITY_PAUSE)
            if await self._identity.learn():
                self._everything()

    def _context(self) -> Context:
        return Context(
            xcache_image=self._settings.xcache_image,
            rucio_image=self._settings.rucio_image,
            postgres_image=self._settings.postgres_image,
            probe_image=self._settings.probe_image,
            cluster=self._identity.uid,
            cluster_trouble=self._identity.trouble,
            operator_namespace=self._settings.namespace,
            pod_monitor=self._pod_monitors.served,
            monitoring_namespaces=self._settings.monitoring_namespaces,
        )

    def _rucio_figures(self) -> Iterator[RucioFigures]:
        for key in self._resources.keys():  # noqa: SIM118 - no dict
            if key.kind == kube.RUCIO_SERVERS.kind and (body := self._resources.get(key)) is not None:
                yield figures(key, body.get("status", {}), self._children.pods(key), self._poller.get(key), _now())

    def _everything(self) -> None:
        if self._leading.is_set():
            self._engine.everything()

    def _not_alive(self) -> Iterator[str]:
        if self._leading.is_set() and self._queue.stuck_for() > _SILENCE:
            yield f"no reconcile has ended for {self._queue.stuck_for():.0f} s although work waits"
        now = time.monotonic()
        for name, last in self._attempts():
            if now - last > _SILENCE:
                yield f"the watch of {name} made no attempt for {now - last:.0f} s"

    def _not_ready(self) -> Iterator[str]:
        if not self._host.synced.is_set():
            yield "custom resources are not known yet"
        for informer in self._informers:
            if not informer.synced.is_set():
                yield f"{informer} are not known yet"

    def _attempts(self) -> Iterator[tuple[str, float]]:
        yield "custom resources", self._host.last_attempt
        for informer in self._watches():
            yield str(informer), informer.last_attempt

    def _watches(self) -> list[Informer]:
        return [*self._informers, *self._references.informers(), *self._pod_monitors.running]

    def _watch_restarts(self) -> Mapping[str, int]:
        restarts = {"custom resources": self._host.restarts}
        for informer in self._watches():
            restarts[informer.resource.plural] = restarts.get(informer.resource.plural, 0) + informer.restarts
        return restarts

    def _take_signals(self) -> None:
        """Kopf sets its own handlers whenever it starts; ours come after, and stop the whole process in order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, self._stop.set)


def _now() -> datetime:
    return datetime.now(UTC)


def _add_all(queue: Queue[Key], owners: Iterable[object]) -> None:
    for owner in owners:
        if isinstance(owner, Key):
            queue.add(owner)
