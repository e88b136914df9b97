"""Ways to the database: what rucio.cfg says, connections, and what keeps us from having one."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from rucio.common.config import config_get
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.engine import Connection, CursorResult, Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rucio_database.errors import Trouble, first_line

APPLICATION = "rucio-database"
"""Name of our sessions in pg_stat_activity."""

_OPTIONS = {
    "connect_timeout": 5,
    # A server whose node is gone is noticed after 25 s, not after the 2 h of the kernel.
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # Prepared statements do not survive a pooler, and nothing here runs often enough to need them.
    "prepare_threshold": None,
}

_REFUSALS = (
    (
        "wrong-password",
        ("password authentication failed", "SASL authentication failed", "no password supplied"),
        "Put the right password into the Secret",
    ),
    (
        "no-permission",
        ("no pg_hba.conf entry", "permission denied", "not permitted to log in", "does not have CONNECT"),
        "Allow it at the server",
    ),
)

_DISTRUST = ("certificate", "server does not support SSL")
"""Signs that the server is there, and TLS does not lead to it."""


@dataclass(frozen=True)
class Target:
    """Where the database is; the URL hides its password when printed. `schema`: "" = the role's own."""

    url: URL
    schema: str = ""

    @property
    def database(self) -> str:
        """Its name, as far as the URL says it."""
        return self.url.database or ""

    def line(self, error: BaseException) -> str:
        """What happened, in one line without the password."""
        return first_line(error, str(self.url.password) if self.url.password else None)


def configured() -> Target:
    """What section database of rucio.cfg says.

    Raises:
        Trouble: It is no URL of a PostgreSQL.
    """
    schema = config_get("database", "schema", raise_exception=False, default="", check_config_table=False)
    value = config_get("database", "default", raise_exception=False, default="", check_config_table=False)
    return target(value or "", schema or "")


def target(value: str, schema: str = "") -> Target:
    """The target that a URL names.

    Raises:
        Trouble: It is no URL of a PostgreSQL. The message does not show it.
    """
    wanted = "The database URL must be postgresql://user:password@host:port/database, special characters as %XX"
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise Trouble("unreachable", f"{wanted}; the one given is no URL") from None
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise Trouble("unreachable", f"{wanted}; the one given is for {url.get_backend_name()}")
    return Target(url.set(drivername="postgresql+psycopg"), schema)


def engine(target: Target, application: str = APPLICATION) -> Engine:
    """An engine that keeps no connection, for work in transactions."""
    url = target.url.update_query_dict({"application_name": application})
    return create_engine(url, poolclass=NullPool, connect_args=_OPTIONS, hide_parameters=True)


@contextmanager
def session(target: Target) -> Iterator[Connection]:
    """A connection of our own, for as long as it is needed.

    Raises:
        Trouble: There is none, or it was lost, or we may not do what we tried.
    """
    probe(target)
    try:
        with engine(target).connect() as connection:
            # Another session's lock must not hold us for ever: what waits here is told as busy.
            connection.exec_driver_sql("SET lock_timeout = '5s'")
            connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")
            connection.commit()
            yield connection
    except (SQLAlchemyError, psycopg.Error) as error:
        raise explain(target, error) from None


def run(connection: Connection, statement: sql.Composable) -> "CursorResult[Any]":
    """Run a statement that names tables or holds literals."""
    # Without parameters too, SQLAlchemy lets psycopg look for their places.
    return connection.exec_driver_sql(statement.as_string(None).replace("%", "%%"))


def probe(target: Target) -> None:
    """Connect, and look whether Rucio and we can work with what answers.

    Raises:
        Trouble: unreachable, wrong-password, no-permission, not-utf8 or pooler.
    """
    try:
        with _raw(target) as first:
            encoding = first.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                raise Trouble(
                    "not-utf8",
                    f"The database {target.database} has the encoding {encoding}, with which Rucio cannot work. "
                    "Create one with ENCODING 'UTF8' and name it in the URL",
                )
            if _is_pooled(target, first):
                raise Trouble(
                    "pooler",
                    "The URL leads to a connection pooler that shares sessions (transaction pooling), where locks "
                    "are void. Give a direct URL in external.adminUrlSecretRef",
                )
    except psycopg.Error as error:
        raise explain(target, error) from None


def explain(target: Target, error: Exception) -> Trouble:
    """The state that an error of the database means."""
    code = getattr(getattr(error, "orig", None) or error, "sqlstate", None) or ""
    line = target.line(error)
    if code == "42501":
        return Trouble("no-permission", f"{line}. Grant it to role {target.url.username}, or give the owner's URL")
    if code in {"55P03", "57014"}:
        return Trouble("busy", f"Another session holds what is needed: {line}. End it, or wait")
    if code and code[:2] not in {"08", "28", "3D", "53", "57"}:
        return Trouble("failed", f"{line}. See the log of this Job")
    # libpq says first where it tried to connect to, then FATAL, then what counts.
    return _without_connection(target, re.sub(r"^.*(?:port \d+|socket \S+) failed: |.*FATAL: +", "", line))


def _without_connection(target: Target, line: str) -> Trouble:
    # libpq gives no code for what happens before there is a session, so that its text has to do.
    where = f"{target.url.host or 'the local socket'}:{target.url.port or 5432}"
    for state, signs, mend in _REFUSALS:
        if any(sign in line for sign in signs):
            return Trouble(state, f"{where} does not let role {target.url.username} in: {line}. {mend}")
    if any(sign in line for sign in _DISTRUST):
        mend = (
            "Give the authority of its certificate in external.caSecretRef, and the name of the certificate in the URL"
        )
        return Trouble("unreachable", f"{where} is not trusted: {line}. {mend}")
    if "does not exist" in line:
        return Trouble("unreachable", f"{where}: {line}. Create it, or correct the URL")
    return Trouble("unreachable", f"{where} does not answer: {line}. Look whether the server runs")


def _raw(target: Target) -> "psycopg.Connection[tuple[object, ...]]":
    # Without SQLAlchemy, whose first questions fail on a database that is not UTF-8.
    dialect = target.url.get_dialect()()
    arguments, options = dialect.create_connect_args(target.url)
    options = {**options, **_OPTIONS, "application_name": APPLICATION, "autocommit": True}
    return psycopg.connect(*arguments, **options)


def _is_pooled(target: Target, first: "psycopg.Connection[tuple[object, ...]]") -> bool:
    """Whether two connections of ours at once share a session of the server, or one of ours changes its session."""

    def session_of(connection: "psycopg.Connection[tuple[object, ...]]") -> object:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        return row and row[0]

    # Asked twice in a row, which tells a pooler that goes round; then beside a transaction, which tells one that
    # hands out first what was used last.
    if session_of(first) != (own := session_of(first)):
        return True
    with _raw(target) as second:
        try:
            with second.transaction():
                return session_of(second) == own or session_of(first) != own
        except psycopg.OperationalError as error:
            if "pooling mode" in str(error):  # one that shares statements refuses transactions
                return True
            raise
