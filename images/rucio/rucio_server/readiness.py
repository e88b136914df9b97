"""Whether Rucio can work: what the database is, asked at most every few seconds, answered within a few."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic

from rucio.alembicrevision import ALEMBIC_REVISION

from rucio_database import classify, connect
from rucio_database.classify import Health
from rucio_database.errors import Trouble

FRESH = 5.0
"""Seconds for which an answer counts."""

PATIENCE = 2.5
"""Seconds that whoever asks waits at most; a probe's time-out must be longer."""


def looking() -> Callable[[], Health]:
    """What looks at the configured database over a connection of its own."""
    try:
        target = connect.configured()
    except Trouble as trouble:
        health = Health(trouble.state, None, ALEMBIC_REVISION, trouble.message)
        return lambda: health
    engine = classify.engine(target)
    return lambda: classify.classify(engine, target)


class Readiness:
    """Remembers what was found; one look at a time, however many ask and however long it takes."""

    def __init__(self, look: Callable[[], Health]) -> None:
        self._look = look
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(1, "readiness")
        self._running: Future[tuple[float, Health]] | None = None

    def answer(self) -> Health:
        """The state; unreachable where none is found in time."""
        with self._lock:
            if self._running is None or (self._running.done() and monotonic() - self._running.result()[0] > FRESH):
                self._running = self._thread.submit(self._timed)
            running = self._running
        try:
            return running.result(timeout=PATIENCE)[1]
        except TimeoutError:
            return Health("unreachable", None, ALEMBIC_REVISION, "The database does not answer")

    def _timed(self) -> tuple[float, Health]:
        try:
            found = self._look()
        except Exception as error:  # an answer too, and the next look may do better
            found = Health(
                "unreachable", None, ALEMBIC_REVISION, f"The database cannot be asked: {type(error).__name__}"
            )
        return monotonic(), found
