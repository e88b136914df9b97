"""Asks operands for their state at an interval and keeps the last answer."""

import asyncio
import random
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import aiohttp

from datalake_operator.observe.exporter import Exporter
from datalake_operator.observe.http import TIMEOUT, Answer, trouble
from datalake_operator.observe.rucio import Rucio
from datalake_operator.status import Observation
from datalake_operator.status.rucio.target import Target

Key = TypeVar("Key", bound=Hashable)

INTERVAL = 10.0
"""Seconds between two questions: a drain or an origin's failure shows within a quarter of a minute."""
CONCURRENCY = 32
"""Questions under way at once; at 5,000 operands and the interval above, most answers take milliseconds."""


class Asker(Protocol):
    """Knows how to ask one type of target; belongs to one resource, and may remember what it learned, as a token."""

    async def ask(self, session: aiohttp.ClientSession, target: Any) -> Answer:
        """Give what the operand says of itself, or in words why there is nothing.

        Raises:
            aiohttp.ClientError, TimeoutError: it does not answer.
        """


ASKERS: Mapping[type, Callable[[], Asker]] = {str: Exporter, Target: Rucio}
"""Who asks, by the type of the target: the URL of an exporter, a server of Rucio."""


class Poller(Generic[Key]):
    """The operands' own words, by the key of the resource they belong to.

    Args:
        on_change: called with a key whose answer differs notably from the one before.
        accept: gives what of an answer is worth a reconcile at once; the rest waits for the next one. Raises
            ValueError for an answer that makes no sense: an operand's image is the user's choice, and may say anything.
        clock: the time of day, UTC.
        interval: seconds between two questions to one operand.
    """

    def __init__(
        self,
        on_change: Callable[[Key], None],
        accept: Callable[[Key, Mapping[str, Any]], object],
        clock: Callable[[], datetime],
        interval: float = INTERVAL,
    ) -> None:
        self._on_change = on_change
        self._accept = accept
        self._clock = clock
        self._interval = interval
        self._targets: dict[Key, Hashable] = {}
        self._askers: dict[Key, Asker] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._last: dict[Key, Observation] = {}
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._session: aiohttp.ClientSession | None = None

    def watch(self, key: Key, target: Hashable | None) -> None:
        """Ask there from now on; None stops asking and forgets."""
        old = self._targets.get(key)
        if old == target:
            return
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()
        if target is None:
            del self._targets[key], self._askers[key]
            self._last.pop(key, None)
            return
        self._targets[key] = target
        if type(target) is not type(old):
            self._askers[key] = ASKERS[type(target)]()
        self._tasks[key] = asyncio.create_task(self._poll(key, target), name=f"observe {key}")

    def get(self, key: Key) -> Observation | None:
        """The last answer, None before the first question ended."""
        return self._last.get(key)

    async def close(self) -> None:
        """Stop asking."""
        for key in list(self._targets):
            self.watch(key, None)
        if self._session is not None:
            await self._session.close()

    async def _poll(self, key: Key, target: Hashable) -> None:
        while True:
            async with self._slots:
                data, error = await self._ask(key, target)
            if self._keep(key, data, error):
                self._on_change(key)
            await asyncio.sleep(self._interval * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load, guards nothing

    def _keep(self, key: Key, data: Mapping[str, Any] | None, error: str | None) -> bool:
        """Keep an answer or the lack of one; tell whether that is news."""
        before = self._last.get(key)
        now = self._clock()
        if data is not None:
            after = Observation(now, None, data)
        elif before is not None and before.data is not None:
            after = Observation(before.time, error, before.data)
        else:
            after = Observation(now, error, None)
        self._last[key] = after
        if before is None or before.error != error or (before.data is None) != (after.data is None):
            return True
        if before.data is None or after.data is None:
            return False
        return self._accept(key, before.data) != self._accept(key, after.data)

    async def _ask(self, key: Key, target: Hashable) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT), cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            data, error = await self._askers[key].ask(self._session, target)
        except (aiohttp.ClientError, TimeoutError) as failure:
            return None, trouble(failure)
        if data is not None and not self._makes_sense(key, data):
            return None, "the answer makes no sense"
        return data, error

    def _makes_sense(self, key: Key, data: Mapping[str, Any]) -> bool:
        try:
            self._accept(key, data)
        except ValueError:
            return False
        return True
