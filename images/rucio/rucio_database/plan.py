"""The way from one revision of the schema to that of this Rucio, and its SQL."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import rucio.db.sqla.migrate_repo as repository
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import Connection

from rucio_database.result import Plan


class Unknown(LookupError):
    """A revision that this version of Rucio does not have."""


@lru_cache(maxsize=1)
def scripts() -> ScriptDirectory:
    """Rucio's migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(next(iter(repository.__path__)))))
    return ScriptDirectory.from_config(config)


@lru_cache(maxsize=1)
def head() -> str:
    """The revision of a database that this version works with."""
    found = scripts().get_current_head()
    if found is None:
        raise Unknown("Rucio's migrations have no head")
    return str(found)


@lru_cache(maxsize=16)
def path(revision: str) -> tuple[str, ...]:
    """The revisions between this one and the head, oldest first; empty at the head.

    Raises:
        Unknown: This version has no such revision.
    """
    try:
        found = scripts().get_revision(revision)
    except CommandError as error:
        raise Unknown(revision) from error
    if found is None or found.revision != revision:  # alembic also takes the first letters of one
        raise Unknown(revision)
    steps = list(scripts().iterate_revisions(head(), revision))
    return tuple(step.revision for step in reversed(steps) if step.revision != revision)


@lru_cache(maxsize=4)
def make(database: str, schema: str, revision: str) -> Plan:
    """The plan of a migration. Its hash is bound to the database, both revisions and the SQL.

    The SQL is None where a migration cannot be told without a database; then the path stands for it.
    """
    statements = _sql(schema, revision)
    bound = [database, revision, head(), statements if statements is not None else list(path(revision))]
    return Plan(hashlib.sha256(json.dumps(bound).encode()).hexdigest(), statements)


def upgrade(connection: Connection, schema: str, applied: Callable[[str], None]) -> None:
    """Migrate to the head in one transaction of this connection; `applied` is called with each revision done.

    What env.py of Rucio's migrations does, on our connection: it has the lock, so that a session that is lost takes
    lock and transaction with it, and no second migration can run beside a first one.
    """

    def tell(step: Any = None, **_: Any) -> None:
        applied(str(step.up_revision_id))

    def configure(environment: EnvironmentContext) -> None:
        environment.configure(
            connection=connection.execution_options(schema_translate_map={None: schema or None}),
            version_table_schema=schema or None,
            include_schemas=True,
            on_version_apply=tell,
        )

    with _environment(configure) as environment, environment.begin_transaction():
        if schema:
            # For statements that name no schema. LOCAL: nothing of it is left for anybody.
            connection.execute(text("SELECT set_config('search_path', quote_ident(:name), true)"), {"name": schema})
        environment.run_migrations()


def _sql(schema: str, revision: str) -> str | None:
    buffer = io.StringIO()
    if schema:
        name = schema.replace('"', '""')
        buffer.write(f'SET search_path TO "{name}";\n\n')

    def configure(environment: EnvironmentContext) -> None:
        environment.configure(
            url="postgresql+psycopg://",
            version_table_schema=schema or None,
            literal_binds=True,
            include_schemas=True,
            output_buffer=buffer,
        )

    try:
        with (
            _environment(configure, as_sql=True, starting_rev=revision, destination_rev="head") as environment,
            environment.begin_transaction(),
        ):
            environment.run_migrations()
    except Exception:  # whatever a migration raises that wants to ask a database: it cannot be shown
        return None
    return buffer.getvalue()


@contextmanager
def _environment(configure: Callable[[EnvironmentContext], None], **options: Any) -> Iterator[EnvironmentContext]:
    def steps(revision: Any, _: Any) -> Any:
        return scripts()._upgrade_revs("head", revision)  # noqa: SLF001 - as alembic's own documentation does it

    with EnvironmentContext(Config(), scripts(), fn=steps, **options) as environment:
        configure(environment)
        yield environment
