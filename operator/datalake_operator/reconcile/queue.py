"""The queue of keys: de-duplicated, one worker per key, timed keys, exponential backoff.

A key that is added while a worker has it is handed out again afterwards, never at the same time. Everything runs on
one event loop, so no locks are needed; the only await is in `get`.
"""

import asyncio
import heapq
import random
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

FIRST_BACKOFF = 0.2
"""Seconds before the first retry: longer than a conflict with another writer lasts."""
LONGEST_BACKOFF = 60.0
"""Seconds between retries at most: an API server that came back is used within a minute."""

_SPARE = 64
"""Kept appointments beyond twice those that count: few keys are not worth the tidying."""


class Queue(Generic[Key]):
    """Keys that want a reconcile.

    Args:
        clock: monotonic seconds.
        jitter: a number in [0, 1) for each retry.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, jitter: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._ready: dict[Key, float] = {}
        self._running: dict[Key, float] = {}
        self._dirty: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._due: dict[Key, float] = {}
        self._timers: list[tuple[float, int, Key]] = []
        self._sequence = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._last_progress = self._clock()
        self._served = False

    def __len__(self) -> int:
        """Keys that wait for a worker now."""
        return len(self._ready)

    def add(self, key: Key) -> None:
        """Ask for a reconcile of `key` as soon as a worker is free."""
        self._due.pop(key, None)
        if key in self._running:
            self._dirty.add(key)
        elif key not in self._ready:
            self._ready[key] = self._clock()
            self._wake.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Ask for a reconcile of `key` in `seconds`; an earlier appointment stays."""
        when = self._clock() + max(0.0, seconds)
        if key in self._ready or key in self._dirty or self._due.get(key, when + 1) <= when:
            return
        self._due[key] = when
        self._sequence += 1
        heapq.heappush(self._timers, (when, self._sequence, key))
        if len(self._timers) > 2 * len(self._due) + _SPARE:
            self._timers = [timer for timer in self._timers if self._due.get(timer[2]) == timer[0]]
            heapq.heapify(self._timers)
        self._arm()

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """Ask again after a failure: exponential backoff with jitter, never before `at_least` seconds.

        To be called before `done`: what came while the pass failed is seen by the next one, and brings it no sooner.
        Whatever is added later does, so that a mend takes effect at once.

        Returns:
            The delay in seconds.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures, 20))
        delay = max(at_least, backoff * (0.5 + self._jitter() / 2))
        self._dirty.discard(key)
        self.add_after(key, delay)
        return delay

    def failures(self, key: Key) -> int:
        """Failures of `key` in a row."""
        return self._failures.get(key, 0)

    def forget(self, key: Key) -> None:
        """Start the backoff of `key` anew, after a success."""
        self._failures.pop(key, None)

    async def get(self) -> tuple[Key, float]:
        """Take the key that has waited longest; the caller owes a `done`.

        Returns:
            The key and the seconds that it waited.
        """
        if not self._served:
            self._served, self._last_progress = True, self._clock()
        while not self._ready:
            self._wake.clear()
            await self._wake.wait()
        key = next(iter(self._ready))
        now = self._clock()
        waited = now - self._ready.pop(key)
        self._running[key] = now
        return key, waited

    def done(self, key: Key) -> None:
        """Give `key` back; it is handed out again if it was added meanwhile."""
        del self._running[key]
        self._last_progress = self._clock()
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)

    def stuck_for(self) -> float:
        """Seconds for which work has waited or run without any of it ending; 0 where there is none.

        Waiting counts from the first worker on: what a standby has gathered for hours is no fault of the new leader.
        """
        since = min((*self._ready.values(), *self._running.values()), default=None)
        return 0.0 if since is None or not self._served else self._clock() - max(since, self._last_progress)

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._timers:
            delay = max(0.0, self._timers[0][0] - self._clock())
            self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            when, _, key = heapq.heappop(self._timers)
            if self._due.get(key) == when:
                self.add(key)
        self._arm()
