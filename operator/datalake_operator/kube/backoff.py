"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Iterator

PATIENCE = 60.0
"""A server that asks us to wait is obeyed up to so many seconds."""


class Backoff:
    """Exponential delays with jitter: between half and all of `first`, of twice that, and so on up to `limit` seconds.

    Iterating never ends and begins anew each time, so it serves as kopf's `error_backoffs` too.
    """

    def __init__(self, first: float = 0.2, limit: float = 10.0) -> None:
        self.first = first
        self.limit = limit
        self._failures = 0

    def reset(self) -> None:
        """Begin with the shortest delay again: something went well."""
        self._failures = 0

    def next(self, at_least: float | None = None) -> float:
        """Return the next delay in seconds; `at_least` is what the server asked for in `Retry-After`."""
        delay = min(self.limit, self.first * 2.0**self._failures)
        self._failures = min(self._failures + 1, 32)
        return max(delay * random.uniform(0.5, 1.0), min(at_least or 0.0, PATIENCE))  # noqa: S311 - jitter

    def __iter__(self) -> Iterator[float]:
        fresh = Backoff(self.first, self.limit)
        while True:
            yield fresh.next()
