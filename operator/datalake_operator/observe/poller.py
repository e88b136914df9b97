"""Asks operands for their state at an interval and keeps the last answer."""

import asyncio
import json
import random
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import aiohttp

from datalake_operator.status import Observation

Key = TypeVar("Key", bound=Hashable)

TIMEOUT = 3.0
"""Seconds for one answer (design, section 3)."""
INTERVAL = 10.0
"""Seconds between two questions: a drain or an origin's failure shows within a quarter of a minute."""
CONCURRENCY = 32
"""Questions under way at once; at 5,000 operands and the interval above, most answers take milliseconds."""
_LARGEST_ANSWER = 256 * 1024
"""Bytes that an answer may have; the schema of an exporter's state stays far below."""


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
        self._urls: dict[Key, str] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._last: dict[Key, Observation] = {}
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._session: aiohttp.ClientSession | None = None

    def watch(self, key: Key, url: str | None) -> None:
        """Ask at `url` from now on; None stops asking and forgets."""
        if self._urls.get(key) == url:
            return
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()
        if url is None:
            del self._urls[key]
            self._last.pop(key, None)
            return
        self._urls[key] = url
        self._tasks[key] = asyncio.create_task(self._poll(key, url), name=f"observe {key}")

    def get(self, key: Key) -> Observation | None:
        """The last answer, None before the first question ended."""
        return self._last.get(key)

    async def close(self) -> None:
        """Stop asking."""
        for key in list(self._urls):
            self.watch(key, None)
        if self._session is not None:
            await self._session.close()

    async def _poll(self, key: Key, url: str) -> None:
        while True:
            async with self._slots:
                data, error = await self._ask(key, url)
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

    async def _ask(self, key: Key, url: str) -> tuple[Mapping[str, Any] | None, str | None]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    return None, f"HTTP {response.status}"
                text = await _read(response.content)
        except TimeoutError:
            return None, f"no answer within {TIMEOUT:g} s"
        except aiohttp.ClientError as error:
            return None, type(error).__name__
        if text is None:
            return None, "the answer is too long"
        return self._parsed(key, text)

    def _parsed(self, key: Key, text: bytes) -> tuple[Mapping[str, Any] | None, str | None]:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None, "the answer is no JSON"
        if not isinstance(data, dict):
            return None, "the answer is no JSON object"
        try:
            self._accept(key, data)
        except ValueError:
            return None, "the answer makes no sense"
        return data, None


async def _read(content: aiohttp.StreamReader) -> bytes | None:
    """Read a whole answer, however many packets it comes in; None for one that is too long."""
    text = bytearray()
    async for chunk in content.iter_any():
        text += chunk
        if len(text) > _LARGEST_ANSWER:
            return None
    return bytes(text)
