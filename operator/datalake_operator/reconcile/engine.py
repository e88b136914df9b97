"""Runs the workers: takes keys from the queue, reconciles them, puts off what failed."""

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping
from time import monotonic

from datalake_operator.kube.errors import ApiError
from datalake_operator.kube.store import Store
from datalake_operator.metrics import Metrics
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.pipeline import Reconciler
from datalake_operator.reconcile.queue import Queue

log = logging.getLogger(__name__)

_LOUD_AFTER = 3
"""Failures in a row that are told at WARNING: fewer are everyday life of a cluster."""


class Engine:
    """The queue and its workers.

    Args:
        reconciler: does one pass.
        resources: stores of the custom resources, by kind.
        queue: of keys.
        metrics: counts.
        workers: passes under way at once.
        resync: seconds after which every resource gets a pass although nothing changed; jittered by a tenth.
    """

    def __init__(
        self,
        *,
        reconciler: Reconciler,
        resources: Mapping[str, Store],
        queue: Queue[Key],
        metrics: Metrics,
        workers: int,
        resync: float,
    ) -> None:
        self._reconciler = reconciler
        self._resources = resources
        self._queue = queue
        self._metrics = metrics
        self._workers = workers
        self._resync = resync
        metrics.depth.set_function(lambda: len(queue))

    def keys(self) -> Iterable[Key]:
        """Every resource that the stores hold."""
        for kind, store in self._resources.items():
            for namespace, name in store.keys():  # noqa: SIM118 - a store is no dict
                yield Key(kind, namespace, name)

    async def work(self) -> None:
        """Reconcile everything once and then whatever is added, until cancelled."""
        for key in self.keys():
            self._queue.add(key)
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._worker(), name=f"worker {number}")

    async def _worker(self) -> None:
        while True:
            key, waited = await self._queue.get()
            self._metrics.wait.observe(waited)
            began = monotonic()
            try:
                result = await self._one(key)
            finally:
                self._queue.done(key)
            self._metrics.duration.labels(kind=key.kind).observe(monotonic() - began)
            self._metrics.reconciles.labels(kind=key.kind, result=result).inc()

    async def _one(self, key: Key) -> str:
        try:
            wake = await self._reconciler.reconcile(key)
        except ApiError as error:
            self._put_off(key, str(error), error.retry_after)
            return "retry"
        except Exception:
            log.exception("%s: a pass failed for a reason that is our own fault", key)
            self._put_off(key, "internal error", None)
            return "error"
        self._queue.forget(key)
        if self._resources[key.kind].get(key.namespace, key.name) is not None:
            resync = self._resync * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
            self._queue.add_after(key, resync if wake is None else min(wake, resync))
        return "ok"

    def _put_off(self, key: Key, why: str, retry_after: float | None) -> None:
        delay = self._queue.retry(key, retry_after or 0.0)
        self._metrics.retries.labels(kind=key.kind).inc()
        level = logging.WARNING if self._queue.failures(key) >= _LOUD_AFTER else logging.INFO
        log.log(level, "%s: tries again in %.1f s: %s", key, delay, why)
