"""How much time is left."""

import time
from collections.abc import Callable

from datalake_probe.outcome import Reason, Unmeasured


class Deadline:
    """The end of a run, on a clock that nobody sets.

    Args:
        seconds: from now.
        clock: in seconds, monotonic.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def left(self) -> float:
        """Seconds that are left; 0 when it is over."""
        return max(0.0, self._end - self._clock())

    def step(self, seconds: float) -> float:
        """Seconds that a step may take: as many as it asks for, and no more than are left.

        Raises:
            Unmeasured: when it is over.
        """
        left = self.left()
        if left <= 0:
            raise Unmeasured(Reason.NOT_MEASURED, "the run's time is over")
        return min(seconds, left)
