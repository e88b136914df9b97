"""Tells a person what is going on: what, how far, how long. Plain lines, so that logs of a CI read well too."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_EVERY = 10.0  # seconds between two lines about how far a long step is


def say(line: str) -> None:
    """Write one line to standard error at once (standard output is for answers, such as the path of a kubeconfig)."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class Step:
    """One step that is going on; `far` may be called as often as one likes, lines appear every ten seconds."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.begun = self._said = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.begun

    def far(self, how_far: str) -> None:
        """Say how far the step is, unless that was said a moment ago."""
        if time.monotonic() - self._said >= _EVERY:
            self._said = time.monotonic()
            say(f"  {self.what}: {how_far}, {duration(self.seconds)}")


def duration(seconds: float) -> str:
    """Seconds as a person would say them: `4.2 s`, `3 min 05 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


@contextmanager
def step(what: str) -> Iterator[Step]:
    """Announce a step, and say how long it took when it has worked."""
    say(f"{what} ...")
    current = Step(what)
    yield current
    say(f"  {what}: done in {duration(current.seconds)}")
