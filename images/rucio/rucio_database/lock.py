"""One at a time: an advisory lock of the database, held by the session that also does the work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.engine import Connection

from rucio_database.errors import Trouble

KEY = 0x6461_7461_6C61_6B65
"""Of the lock: "datalake" in ASCII. Locks are per database, so that no other program's is likely to be the same."""


@contextmanager
def locked(connection: Connection, patience: float = 30.0, interval: float = 0.25) -> Iterator[None]:
    """Hold the lock. It goes with the session, so that nobody has to mend anything after a crash.

    Args:
        connection: It does the work too, outside a transaction now.
        patience: Seconds to wait for another holder.
        interval: Seconds between attempts.

    Raises:
        Trouble: busy.
    """
    until = time.monotonic() + patience
    while not _try(connection):
        if time.monotonic() > until:
            raise Trouble("busy", "Another run of rucio-database works on this database. Wait for its end")
        time.sleep(interval)
    try:
        yield
    finally:
        if not connection.invalidated and not connection.closed:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": KEY})
            connection.commit()


def _try(connection: Connection) -> bool:
    with connection.begin():
        return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": KEY}).scalar())
