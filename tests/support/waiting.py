"""Awaiting conditions: tests say what must become true, never how long to sleep."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

SHORTEST_PAUSE = 0.01
LONGEST_PAUSE = 0.1


@overload
async def eventually(condition: Callable[[], Awaitable[T]], within: float = 10.0, message: str = "") -> T: ...
@overload
async def eventually(condition: Callable[[], T], within: float = 10.0, message: str = "") -> T: ...
async def eventually(condition: Callable[[], Any], within: float = 10.0, message: str = "") -> Any:
    """Poll `condition`, which may be async, until it is true, and return what it returned.

    Assertion errors and missing keys count as "not yet". Raises AssertionError after `within` seconds, with what was
    seen last.
    """
    deadline = time.monotonic() + within
    pause = SHORTEST_PAUSE
    while True:
        seen: object
        try:
            if value := await _value(condition):
                return value
            seen = value
        except (AssertionError, LookupError) as error:
            seen = f"{type(error).__name__}: {error}"
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {message or _source(condition)}; last seen: {seen}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


async def stays(condition: Callable[[], Any], seconds: float, message: str = "") -> None:
    """Assert that `condition` holds all the time for `seconds`: for what must not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = await _value(condition)
        assert value, f"did not stay true: {message or _source(condition)}; seen: {value}"
        await asyncio.sleep(0.05)


async def unchanged(value: Callable[[], Any], seconds: float, within: float = 30.0) -> None:
    """Wait until `value` has been the same for `seconds`: for work that has no visible end."""
    last, since, deadline = await _value(value), time.monotonic(), time.monotonic() + within
    while time.monotonic() - since < seconds:
        await asyncio.sleep(0.02)
        if (now := await _value(value)) != last:
            last, since = now, time.monotonic()
        assert time.monotonic() < deadline, f"still changing after {within:g} s: {last}"


async def _value(condition: Callable[[], Any]) -> Any:
    value = condition()
    return await value if inspect.isawaitable(value) else value


def _source(condition: Callable[[], Any]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return repr(condition)
