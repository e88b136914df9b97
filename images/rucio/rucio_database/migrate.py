"""The verb migrate: from one revision to that of this Rucio, as approved, and never beside anybody who writes."""

import time
from dataclasses import dataclass, replace

import psycopg
from alembic.util import CommandError
from psycopg import sql
from rucio.common.exception import RucioException
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from rucio_database import connect, inspection, plan, report
from rucio_database.lock import locked
from rucio_database.mark import Owner
from rucio_database.result import Plan, Result

FRESH = "15 minutes"
"""Age of a heartbeat up to which its writer may be at work: a conveyor that is idle beats every 10 minutes."""

OWN_SESSIONS = (connect.APPLICATION, "postgres-backup")
"""Names of sessions that belong to a migration."""


@dataclass(frozen=True)
class Approved:
    """What somebody approved: the hash of a plan.

    `own_hosts`: prefix of the host names of our own daemons, which are stopped already. Daemons of a RucioServer whose
    name begins with ours and a dash have it too: they are still noticed, by their sessions. `patience`: seconds to wait
    for sessions that are just ending.
    """

    owner: Owner
    plan: str
    own_hosts: str
    patience: float


def migrate(target: connect.Target, approved: Approved) -> Result:
    """Migrate, and tell what is then. Nothing is touched unless the plan is the approved one.

    Raises:
        Trouble: The database cannot be used, or somebody else works on it.
    """
    with connect.session(target) as connection:
        facts = inspection.inspect(connection, target)
        result = report.of_facts("migrate", target, facts, approved.owner)
        if result.state != "behind":
            return result
        with locked(connection):
            return _migrate(connection, target, approved)


def _migrate(connection: Connection, target: connect.Target, approved: Approved) -> Result:
    facts = inspection.inspect(connection, target)
    result = report.of_facts("migrate", target, facts, approved.owner)
    if result.state != "behind" or facts.revision is None:
        return result
    shown = plan.make(facts.server.database, target.schema, facts.revision)
    if shown.hash != approved.plan:
        message = f"The approved plan {approved.plan[:10]} is not the one that is due, {shown.hash[:10]}. Approve that"
        return replace(result, state="stale-plan", message=message, plan=shown)
    foreign = _wait_for_foreign(connection, facts.schema, approved)
    if foreign:
        message = f"Others use this database: {'; '.join(foreign[:5])}. Stop them; the migration then goes on by itself"
        return replace(result, state="foreign-writers", message=message, foreign=foreign, plan=shown)
    failure = _upgrade(connection, target, facts)
    after = report.of_facts("migrate", target, inspection.inspect(connection, target), approved.owner)
    return after if failure is None else _failed(after, facts.revision, failure, shown)


def _wait_for_foreign(connection: Connection, schema: str, approved: Approved) -> tuple[str, ...]:
    """Sessions and fresh heartbeats of others; empty as soon as there are none."""
    until = time.monotonic() + approved.patience
    while True:
        with connection.begin():
            found = (*_sessions(connection), *_heartbeats(connection, schema, approved.own_hosts))
        if not found or time.monotonic() > until:
            return found
        time.sleep(1)


def _sessions(connection: Connection) -> tuple[str, ...]:
    # Without the right to see the details, address, name and kind are NULL, but the role is not; helpers of the
    # server itself have no role.
    rows = connection.execute(
        text(
            """
        SELECT DISTINCT coalesce(host(client_addr), 'local'), coalesce(nullif(application_name, ''), 'unnamed'), usename
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
          AND coalesce(backend_type, 'client backend') = 'client backend'
          AND coalesce(application_name, '') NOT IN :own
        ORDER BY 1, 2, 3
        """.replace(":own", "(" + ", ".join(f"'{name}'" for name in OWN_SESSIONS) + ")")
        )
    )
    return tuple(f"session from {address}, {name}, role {role}" for address, name, role in rows)


def _heartbeats(connection: Connection, schema: str, own_hosts: str) -> tuple[str, ...]:
    query = sql.SQL("""
        SELECT DISTINCT hostname, split_part(coalesce(nullif(readable, ''), executable), ' ', 1) FROM {}
        WHERE updated_at > (now() AT TIME ZONE 'UTC') - CAST({} AS interval) AND NOT starts_with(hostname, {})
        ORDER BY 1, 2
    """).format(sql.Identifier(schema, "heartbeats"), sql.Literal(FRESH), sql.Literal(own_hosts))
    rows = connect.run(connection, query)
    return tuple(f"daemon {name} on {host}" for host, name in rows)


def _upgrade(connection: Connection, target: connect.Target, facts: inspection.Facts) -> str | None:
    """Why it failed, with the revision that did; None: it is done.

    PostgreSQL makes and changes tables in transactions and all migrations of a run share one, so that after a failure
    everything is as before, unless a migration commits on its own.
    """
    done: list[str] = []
    try:
        plan.upgrade(connection, target.schema, done.append)
        connection.commit()
    except (SQLAlchemyError, psycopg.Error, CommandError, RucioException, ValueError, LookupError) as error:
        if connection.invalidated:
            raise
        connection.rollback()
        if getattr(getattr(error, "orig", None), "sqlstate", None) == "55P03":
            raise  # somebody holds a lock: told as busy, and tried again
        at = next((step for step in facts.path if step not in done), "the commit")
        return f"{at}: {target.line(error)}"
    return None


def _failed(after: Result, before: str, failure: str, shown: Plan) -> Result:
    if after.revision == before:
        left = f"Nothing was changed, the schema still has revision {before}"
        mend = "Mend the cause and delete this Job to have it tried again, or go back to the version before"
    else:
        left = f"The schema now has revision {after.revision}"
        mend = "Restore the backup that was made before it"
    message = f"Migration {failure}. {left}. {mend}"
    return replace(after, state="failed", message=message, plan=shown)
