"""Whose a database is: a comment on alembic_version, which travels with every copy and dump."""

import json
import secrets
from dataclasses import dataclass, replace

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.engine import Connection

from rucio_database import connect

_PREFIX = "datalake-operator:"


@dataclass(frozen=True)
class Owner:
    """A RucioServer: `cluster` is the uid of the namespace kube-system."""

    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Mark:
    """The mark of an owner.

    `hold`: an id; daemons that delete or move files wait until somebody approves it. `adopted`: the database was
    filled by somebody else. `restored`: RFC 3339 time when it was restored from a dump. `lfn2pfn`: how names became
    paths when it was filled or adopted; another way would look for every file in another place.
    """

    owner: Owner
    hold: str | None = None
    adopted: bool = False
    restored: str | None = None
    lfn2pfn: str | None = None


def read(connection: Connection, schema: str) -> Mark | None:
    """The mark of the database; None without one, or with one that cannot be understood."""
    return of_table(connection, _table(schema))


def of_table(connection: Connection, table: sql.Identifier) -> Mark | None:
    """The mark on a table, where the schema need not be named."""
    comment = connection.execute(
        text("SELECT obj_description(to_regclass(:name), 'pg_class')"), {"name": table.as_string(None)}
    ).scalar()
    return parse(comment or "")


def write(connection: Connection, schema: str, mark: Mark) -> None:
    """Write the mark, in the transaction that is open. Needs the owner of the table."""
    statement = sql.SQL("COMMENT ON TABLE {} IS {}").format(_table(schema), sql.Literal(render(mark)))
    connect.run(connection, statement)


def adopt(found: Mark | None, owner: Owner, lfn2pfn: str | None) -> Mark:
    """The mark of a database that this owner takes over: its daemons are held until somebody approves."""
    before = found or Mark(owner)
    return replace(
        before, owner=owner, hold=secrets.token_hex(8), adopted=True, lfn2pfn=before.lfn2pfn or lfn2pfn or None
    )


def parse(comment: str) -> Mark | None:
    """The mark that a comment holds."""
    if not comment.startswith(_PREFIX):
        return None
    try:
        data = json.loads(comment.removeprefix(_PREFIX))
        owner = Owner(str(data["cluster"]), str(data["namespace"]), str(data["name"]))
    except (ValueError, KeyError, TypeError):
        return None
    hold, restored, lfn2pfn = (data.get(key) or None for key in ("hold", "restored", "lfn2pfn"))
    return Mark(owner, hold, bool(data.get("adopted")), restored, lfn2pfn)


def render(mark: Mark) -> str:
    """The comment that holds a mark."""
    data = {"cluster": mark.owner.cluster, "namespace": mark.owner.namespace, "name": mark.owner.name}
    extra = {"hold": mark.hold, "adopted": mark.adopted, "restored": mark.restored, "lfn2pfn": mark.lfn2pfn}
    return _PREFIX + json.dumps({**data, **{key: value for key, value in extra.items() if value}})


def _table(schema: str) -> sql.Identifier:
    return sql.Identifier(schema, "alembic_version")
