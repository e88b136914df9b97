"""Fills an empty database, or completes a half made one: all of it in one transaction, or nothing."""

from alembic.runtime.migration import MigrationContext
from rucio.db.sqla import models
from sqlalchemy import text
from sqlalchemy.engine import Connection

from rucio_database import mark as marks
from rucio_database import plan, root
from rucio_database.mark import Mark


def bootstrap(connection: Connection, schema: str, mark: Mark, credentials: root.Credentials | None) -> None:
    """Tables, revision, owner mark, base VO, account root and its password.

    Rucio's own way (build_database, create_base_vo, create_root_account) takes a transaction for each, leaves a half
    made schema when it is stopped in between, cannot be repeated, and gives root well-known identities where the
    configuration names none. PostgreSQL makes tables in transactions, so that here a run that is killed has done
    nothing, and a second one finds either an empty database or the mark of the first.
    """
    with connection.begin():
        configured = models.BASE.metadata.schema
        if configured:
            # Rucio names the schema of its tables, and not that of their enumerations, which would lie in public: where
            # the role may not write, and no dump of the schema has them.
            connection.execute(text("SELECT set_config('search_path', quote_ident(:name), true)"), {"name": configured})
        models.BASE.metadata.create_all(connection)
        options = {"version_table_schema": configured} if configured else {}
        MigrationContext.configure(connection, opts=options).stamp(plan.scripts(), "head")
        root.create(connection)
        if credentials is not None:
            root.set_password(connection, credentials)
        marks.write(connection, schema, mark)
