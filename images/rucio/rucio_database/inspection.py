"""A thorough look at a database, in one transaction and without writing."""

from dataclasses import dataclass

from psycopg import sql
from rucio.db.sqla import models
from sqlalchemy import text
from sqlalchemy.engine import Connection

from rucio_database import connect, plan
from rucio_database import mark as marks
from rucio_database.classify import ahead, behind
from rucio_database.connect import Target
from rucio_database.installed import VERSION
from rucio_database.mark import Mark

_HOLDING_DATA = ("dids", "rses", "replicas")
# Whoever has used a catalogue has put something into one of them.


@dataclass(frozen=True)
class Server:
    """What the server says of itself and of us. `schema` None: there is no such schema."""

    database: str
    role: str
    schema: str | None
    major: int
    size: int
    connections: int
    usable: bool
    creatable: bool


@dataclass(frozen=True)
class Facts:
    """What was found. `state` is of the database alone; whose it is and what is wanted come later."""

    server: Server
    state: str
    message: str
    revision: str | None = None
    mark: Mark | None = None
    path: tuple[str, ...] = ()

    @property
    def schema(self) -> str:
        """The schema that holds, or shall hold, Rucio's tables."""
        return self.server.schema or ""


def inspect(connection: Connection, target: Target) -> Facts:
    """Look at the database. Leaves no transaction open."""
    with connection.begin():
        server = _server(connection, target.schema)
        if server.schema is None:
            wanted = f"schema {target.schema}" if target.schema else "schema in the search_path of the role"
            return Facts(server, "missing-schema", f"The database {server.database} has no {wanted}. Create it")
        if not server.usable:
            return Facts(server, "no-permission", f"{_grant('USAGE', server)}")
        tables = _tables(connection, server.schema)
        revisions = _revisions(connection, server.schema) if "alembic_version" in tables else []
        if not (tables & _wanted()) - {"alembic_version"}:
            return _without_tables(connection, server, revisions)
        mark = marks.read(connection, server.schema) if "alembic_version" in tables else None
        found = _with_tables(connection, server, tables, revisions)
        path = plan.path(found.revision) if found.state == "behind" and found.revision else ()
        return Facts(server, found.state, found.message, found.revision, mark, path)


def _server(connection: Connection, schema: str) -> Server:
    # Limits of -1 are none; where several hold, the least counts.
    row = connection.execute(
        text("""
        SELECT current_database(), current_user, n.nspname, current_setting('server_version_num')::int / 10000,
               pg_database_size(current_database()),
               least(current_setting('max_connections')::int, nullif(d.datconnlimit, -1), nullif(r.rolconnlimit, -1)),
               coalesce(has_schema_privilege(n.oid, 'USAGE'), false),
               coalesce(has_schema_privilege(n.oid, 'CREATE'), false)
        FROM pg_database d JOIN pg_roles r ON r.rolname = current_user
        LEFT JOIN pg_namespace n ON n.nspname = coalesce(nullif(:schema, ''), current_schema())
        WHERE d.datname = current_database()
        """),
        {"schema": schema},
    ).one()
    return Server(*row)


def _tables(connection: Connection, schema: str) -> frozenset[str]:
    rows = connection.execute(
        text("SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(:schema) AND relkind IN ('r', 'p')"),
        {"schema": sql.Identifier(schema).as_string(None)},
    )
    return frozenset(row[0] for row in rows)


def _revisions(connection: Connection, schema: str) -> list[str]:
    query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(schema, "alembic_version"))
    return [row[0] for row in connect.run(connection, query)]


def _wanted() -> frozenset[str]:
    return frozenset(table.name for table in models.BASE.metadata.tables.values())


def _grant(privilege: str, server: Server) -> str:
    return (
        f"Role {server.role} may not use schema {server.schema} as it must: GRANT {privilege} ON SCHEMA "
        f"{server.schema} TO {server.role}, or give the owner's URL in external.adminUrlSecretRef"
    )


def _without_tables(connection: Connection, server: Server, revisions: list[str]) -> Facts:
    if revisions:
        return Facts(
            server,
            "not-ours",
            f"alembic_version names revision {revisions[0]}, but no table of Rucio is there: this is the database of "
            "another program. Name an empty one",
            revisions[0],
        )
    others = connection.execute(
        text("""
        SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'alembic_version' AND c.relkind IN ('r', 'p') AND n.nspname <> :schema ORDER BY 1
        """),
        {"schema": server.schema},
    )
    other = next((row[0] for row in others), None)
    if other is not None:
        return Facts(
            server,
            "other-schema",
            f"Schema {server.schema} is empty, but schema {other} of the same database holds an alembic_version. "
            f"Set external.schema to {other} if that is the catalogue, else use another database",
        )
    if not server.creatable:
        return Facts(server, "no-permission", _grant("CREATE", server))
    return Facts(server, "empty", f"The database {server.database} is empty")


@dataclass(frozen=True)
class _Verdict:
    state: str
    message: str
    revision: str | None = None


def _with_tables(connection: Connection, server: Server, tables: frozenset[str], revisions: list[str]) -> _Verdict:
    """What a schema is that has tables of Rucio."""
    if len(revisions) > 1:
        return _Verdict("unstamped", f"alembic_version names {', '.join(revisions)}. Leave the one that is true")
    revision = revisions[0] if revisions else None
    if revision not in {None, plan.head()}:
        return _of_other_revision(connection, server, str(revision))
    unlike = _missing_columns(connection, str(server.schema), tables)
    if unlike:
        said = f"claims revision {revision}" if revision else "does not say its revision"
        message = (
            f"The schema {said}, but is not that of Rucio {VERSION}: {unlike} is missing. Put the revision of the "
            "version that made it into alembic_version, or restore a backup"
        )
        return _Verdict("unstamped", message, revision)
    return _of_fitting_tables(connection, server, tables, revision)


def _of_fitting_tables(
    connection: Connection, server: Server, tables: frozenset[str], revision: str | None
) -> _Verdict:
    has_root = _has_root(connection, str(server.schema), tables)
    used = _first_used(connection, str(server.schema), tables)
    if revision is None and (has_root or used):
        message = (
            f"The schema holds {'data' if used else 'accounts'}, but not its revision. Put it into alembic_version: "
            f"{plan.head()} if Rucio {VERSION} made the schema, else that of the version which did"
        )
        return _Verdict("unstamped", message)
    if revision is not None and (has_root or used):
        return _Verdict("current", f"The database has the schema of Rucio {VERSION}", revision)
    if not server.creatable:
        return _Verdict("no-permission", _grant("CREATE", server), revision)
    message = "The schema is half made and holds no data. Let it be completed with bootstrap: IfEmpty, or drop it"
    return _Verdict("partial", message, revision)


def _of_other_revision(connection: Connection, server: Server, revision: str) -> _Verdict:
    try:
        steps = plan.path(revision)
    except plan.Unknown:
        return _Verdict("ahead", ahead(revision), revision)
    foreign = connection.execute(
        text("""
        SELECT tableowner FROM pg_tables WHERE schemaname = :schema AND NOT pg_has_role(tableowner, 'USAGE') LIMIT 1
        """),
        {"schema": server.schema},
    ).scalar()
    message = behind(revision, len(steps))
    if foreign is None:
        return _Verdict("behind", message, revision)
    message += f"; role {server.role} may not migrate it. Give the URL of {foreign}, who owns the tables, in "
    return _Verdict("no-permission", message + "external.adminUrlSecretRef", revision)


def _missing_columns(connection: Connection, schema: str, tables: frozenset[str]) -> str | None:
    """The first column, as table.column, that a table of ours should have and has not."""
    rows = connection.execute(
        text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = :schema"),
        {"schema": schema},
    )
    have = {(row[0], row[1].lower()) for row in rows}
    for table in models.BASE.metadata.sorted_tables:
        for column in table.columns:
            if table.name in tables and (table.name, column.name.lower()) not in have:
                return f"{table.name}.{column.name}"
    return None


def _has_root(connection: Connection, schema: str, tables: frozenset[str]) -> bool:
    if "accounts" not in tables:
        return False
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE account IN ('root', 'super_root'))")
    table = sql.Identifier(schema, "accounts")
    return bool(connect.run(connection, query.format(table)).scalar())


def _first_used(connection: Connection, schema: str, tables: frozenset[str]) -> str | None:
    """The first table with data among those that any user of a catalogue fills."""
    for name in _HOLDING_DATA:
        query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(schema, name))
        if name in tables and connect.run(connection, query).scalar():
            return name
    return None
