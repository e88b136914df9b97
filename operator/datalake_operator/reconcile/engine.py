"""Runs the workers: takes keys from the queue, reconciles them, puts off what failed."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from time import monotonic

from datalake_operator.kube.errors import ApiError, NotFound
from datalake_operator.metrics import Metrics
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.pipeline import TOLD_AFTER, Reconciler
from datalake_operator.reconcile.queue import Queue
from datalake_operator.reconcile.resources import Resources

log = logging.getLogger(__name__)


class Engine:
    """The queue and its workers.

    Args:
        reconciler: does one pass.
        resources: the custom resources.
        queue: of keys.
        metrics: counts.
        workers: passes under way at once.
        resync: seconds after which every resource gets a pass although nothing changed; jittered by a tenth.
        on_missing: told when the API server does not know a kind, or not any more.
    """

    def __init__(
        self,
        *,
        reconciler: Reconciler,
        resources: Resources,
        queue: Queue[Key],
        metrics: Metrics,
        workers: int,
        resync: float,
        on_missing: Callable[[], Awaitable[None]],
    ) -> None:
        self._reconciler = reconciler
        self._resources = resources
        self._queue = queue
        self._metrics = metrics
        self._workers = workers
        self._resync = resync
        self._on_missing = on_missing
        metrics.depth.set_function(lambda: len(queue))

    async def work(self) -> None:
        """Reconcile everything once and then whatever is added, until cancelled."""
        self.everything()
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._worker(), name=f"worker {number}")

    def everything(self) -> None:
        """Ask for a pass over every resource."""
        for key in self._resources.keys():  # noqa: SIM118 - no dict
            self._queue.add(key)

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
            wake = await self._reconciler.reconcile(key, self._queue.failures(key))
        except ApiError as error:
            if isinstance(error, NotFound):
                await self._on_missing()
            self._put_off(key, str(error), error.retry_after)
            return "retry"
        except Exception:
            log.exception("%s: a pass failed for a reason that is our own fault", key)
            self._put_off(key, "internal error", None)
            return "error"
        self._queue.forget(key)
        if self._resources.get(key) is not None:
            resync = self._resync * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
            self._queue.add_after(key, resync if wake is None else min(wake, resync))
        return "ok"

    def _put_off(self, key: Key, why: str, retry_after: float | None) -> None:
        delay = self._queue.retry(key, retry_after or 0.0)
        self._metrics.retries.labels(kind=key.kind).inc()
        level = logging.WARNING if self._queue.failures(key) >= TOLD_AFTER else logging.INFO
        log.log(level, "%s: tries again in %.1f s: %s", key, delay, why)
