"""Whether Rucio can work: what the database is, asked at most every few seconds, answered within a few."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic

from rucio.alembicrevision import ALEMBIC_REVISION

from rucio_database import classify, connect
from rucio_database.classify import Health
from rucio_database.errors import Trouble

FRESH = 5.0
"""Seconds for which an answer counts."""

PATIENCE = 2.5
"""Seconds that a look may take until it is told that there is no answer; a probe's time-out must be longer."""


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
        self._running: Future[tuple[float, Health]] | None = None
        self._begun = 0.0

    def answer(self) -> Health:
        """The state; unreachable where none is found in time."""
        with self._lock:
            if self._running is None or (self._running.done() and monotonic() - self._running.result()[0] > FRESH):
                self._running, self._begun = Future(), monotonic()
                # A daemon, so that a database that is silent does not keep the process from its end.
                Thread(target=self._look_once, args=(self._running,), name="readiness", daemon=True).start()
            running, left = self._running, self._begun + PATIENCE - monotonic()
        try:
            return running.result(timeout=max(left, 0))[1]
        except TimeoutError:
            return Health("unreachable", None, ALEMBIC_REVISION, "The database does not answer")

    def _look_once(self, running: "Future[tuple[float, Health]]") -> None:
        try:
            found = self._look()
        except Exception as error:  # an answer too, and the next look may do better
            message = f"The database cannot be asked: {type(error).__name__}"
            found = Health("unreachable", None, ALEMBIC_REVISION, message)
        running.set_result((monotonic(), found))
