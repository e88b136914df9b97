"""Awaiting conditions: the one place of the cluster code that looks again and again."""

import time
from collections.abc import Callable
from typing import TypeVar

from tests.cluster.errors import ClusterError

T = TypeVar("T")


def until(check: Callable[[], T], what: str, *, seconds: float, every: float = 0.05) -> T:
    """Call `check` until it gives something true, and give that back.

    Args:
        check: Looked at again and again; an exception that it raises ends the waiting.
        what: What is awaited, for the message.
        seconds: How long at most.
        every: Seconds between two looks.

    Raises:
        ClusterError: It did not come true in time.
    """
    end = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > end:
            raise ClusterError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(every)
    return found
