"""What a database is, seen from this version of Rucio.

`classify` is cheap: for a readiness check of the REST server, every few seconds. `inspect` (inspection.py) looks at
everything, for those who are going to write.
"""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache

import psycopg
from psycopg import sql
from rucio.alembicrevision import ALEMBIC_REVISION
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from rucio_database import mark, plan
from rucio_database.connect import Target, explain, run
from rucio_database.installed import VERSION

_OPTIONS = {
    "connect_timeout": 3,
    # An answer is due within seconds even where the server's node has vanished.
    "tcp_user_timeout": 4000,
    "prepare_threshold": None,
}


@dataclass(frozen=True)
class Health:
    """What readiness depends on: `state` is one of `result.STATES`; only `current` is well."""

    state: str
    revision: str | None
    head: str
    message: str
    version: str = VERSION
    hold: str | None = None
    """Id of the hold on daemons that delete or move files, which a restore or an adoption left."""

    def document(self) -> dict[str, str | None]:
        """As JSON of `/_health/ready`."""
        return asdict(self)


def engine(target: Target) -> Engine:
    """An engine with one connection of its own, so that health does not wait for a busy pool."""
    url = target.url.update_query_dict({"application_name": "rucio-health"})
    return create_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=5, pool_pre_ping=True,
        connect_args=_OPTIONS, hide_parameters=True,
    )  # fmt: skip


def classify(engine: Engine, target: Target) -> Health:
    """The state as three statements show it: whether the database answers, its revision, its mark. Never raises."""
    table = sql.Identifier(target.schema, "alembic_version") if target.schema else sql.Identifier("alembic_version")
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = '4s'")
            query = sql.SQL("SELECT version_num FROM {}").format(table)
            revisions = [str(row[0]) for row in run(connection, query)]
            found = mark.of_table(connection, table)
    except (SQLAlchemyError, psycopg.Error, TypeError) as error:
        return _unable(target, error)
    if len(revisions) != 1:
        return Health("unstamped", None, ALEMBIC_REVISION, "The database does not say which revision its schema has")
    return replace(of_revision(revisions[0]), hold=found.hold if found else None)


@lru_cache(maxsize=8)
def of_revision(revision: str) -> Health:
    """The state that a revision means."""
    if revision == ALEMBIC_REVISION:
        return Health("current", revision, ALEMBIC_REVISION, "The database answers and has the schema of this Rucio")
    try:
        steps = plan.path(revision)
    except plan.Unknown:
        return Health("ahead", revision, ALEMBIC_REVISION, ahead(revision))
    return Health("behind", revision, ALEMBIC_REVISION, behind(revision, len(steps)))


def ahead(revision: str) -> str:
    """What to tell of an unknown revision."""
    return (
        f"The schema has revision {revision}, which Rucio {VERSION} does not know: a later version made it. "
        "Use that version, or restore a backup made before it"
    )


def behind(revision: str, steps: int) -> str:
    """What to tell of a schema that is to be migrated."""
    return f"The schema has revision {revision}; Rucio {VERSION} needs {plan.head()}, {steps} migrations later"


def _unable(target: Target, error: Exception) -> Health:
    if isinstance(error, TypeError):  # psycopg hands out bytes where SQLAlchemy wants text
        return Health("not-utf8", None, ALEMBIC_REVISION, "The database has another encoding than UTF8")
    code = getattr(getattr(error, "orig", None), "sqlstate", None)
    if code in {"42P01", "3F000"}:
        return Health("empty", None, ALEMBIC_REVISION, "The database holds no schema of Rucio")
    trouble = explain(target, error)
    # Whoever asks for health does not care why there is no answer in time.
    state = "unreachable" if trouble.state == "busy" else trouble.state
    return Health(state, None, ALEMBIC_REVISION, trouble.message)
