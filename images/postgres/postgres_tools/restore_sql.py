"""What a restore asks of the database, and does there around the dump."""

# ruff: noqa: S608 - names come from the catalogue of the database, texts go through `literal`

from dataclasses import dataclass
from datetime import datetime

from postgres_tools.connection import Database
from postgres_tools.quoting import identifier, literal

MARK = "datalake-operator:"
"""Begins the comment on the table alembic_version that says whose the database is; JSON follows."""

LOCK = 0x6461_7461_6C61_6B65
"""Advisory lock that everybody takes who changes a Rucio's schema; the same as that of `rucio_database`."""

TOOLS = ("rucio-database", "postgres-restore")
"""Names under which our own tools connect: they look only, or wait for the lock."""

LOCK_WAIT = "60s"

# Whoever is not a superuser does not see backend_type of others; processes of the server itself have no user.
_OTHERS = f"""
    SELECT string_agg(DISTINCT concat_ws(' ', usename, nullif(application_name, ''), client_addr::text), ', ')
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
        AND coalesce(application_name, '') NOT IN ({", ".join(f"'{name}'" for name in TOOLS)})
"""

_MINE = """
    n.nspname = {schema} AND pg_has_role({row}.{owner}, 'USAGE')
    AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = {row}.tableoid AND d.objid = {row}.oid AND d.deptype = 'e'
    )
"""
"""Objects of the schema that we may drop and that no extension brought."""


@dataclass(frozen=True)
class Facts:
    """The state of a database: sessions of others in words, tables and views of the schema in number."""

    major: int
    database: str
    schema: str
    encoding: str
    relations: int
    sessions: str


def facts(database: Database) -> Facts:
    """Ask.

    Raises:
        DatabaseError: when it cannot be asked.
    """
    schema = literal(database.schema) if database.schema else "coalesce(current_schema(), 'public')"
    row = database.ask(f"""
SELECT current_setting('server_version_num')::int / 10000, current_database(), {schema},
    current_setting('server_encoding'),
    (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = {schema}
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'e')),
    coalesce(({_OTHERS}), '');
""")
    return Facts(int(row[0]), row[1], row[2], row[3], int(row[4]), row[5])


def prologue(schema: str, *, check_sessions: bool) -> str:
    """Begin the transaction, and empty the schema.

    Everything of a kind goes in one statement, without CASCADE: what lies outside and depends on it stops the restore.
    """
    others = f"""
    others := ({_OTHERS});
    IF others IS NOT NULL THEN RAISE EXCEPTION 'others are connected: %', others; END IF;"""
    drops = "\n".join(_drop(*words) for words in _kinds(schema))
    return f"""
BEGIN;
SET LOCAL lock_timeout = '{LOCK_WAIT}';
SELECT pg_advisory_xact_lock({LOCK});
DO $prologue$
DECLARE
    others text;
    doomed text;
BEGIN
    PERFORM set_config('search_path', '', true);{others if check_sessions else ""}
{drops}
END $prologue$;
SELECT format('CREATE SCHEMA %I', {literal(schema)})
    WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = {literal(schema)}) \\gexec
"""


def _kinds(schema: str) -> list[tuple[str, str, str]]:
    """Kinds of objects in an order in which each may go: the word to drop it, its name, and where it is found."""
    namespace = "JOIN pg_namespace n ON n.oid ="
    relation = f"pg_class c {namespace} c.relnamespace WHERE c.relkind {{}} AND " + _mine("c", "relowner", schema)
    names = "format('%I.%I', n.nspname, c.relname)"
    routine = f"pg_proc p {namespace} p.pronamespace WHERE " + _mine("p", "proowner", schema)
    kinds = (
        f"pg_type t {namespace} t.typnamespace WHERE t.typtype IN ('e', 'd', 'r', 'c') "
        "AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')) AND "
    ) + _mine("t", "typowner", schema)
    return [
        ("MATERIALIZED VIEW", names, relation.format("= 'm'")),
        ("VIEW", names, relation.format("= 'v'")),
        ("FOREIGN TABLE", names, relation.format("= 'f'")),
        ("TABLE", names, relation.format("IN ('r', 'p')")),
        ("SEQUENCE", names, relation.format("= 'S'")),
        ("ROUTINE", "p.oid::regprocedure::text", routine),
        ("TYPE", "format('%I.%I', n.nspname, t.typname)", kinds),
    ]


def _mine(row: str, owner: str, schema: str) -> str:
    return _MINE.format(row=row, owner=owner, schema=literal(schema))


def _drop(word: str, name: str, source: str) -> str:
    return f"""
    doomed := (SELECT string_agg({name}, ', ') FROM {source});
    IF doomed IS NOT NULL THEN EXECUTE 'DROP {word} ' || doomed; END IF;"""


def finish(schema: str, now: datetime, hold: str) -> str:
    """Tell the owner's mark, if there is one, that it was restored; then keep everything.

    A mark that nobody can read stays as it is: it is nobody's then, and the database must be adopted.
    """
    table = f"{identifier(schema)}.alembic_version"
    news = f"jsonb_build_object('restored', '{now:%Y-%m-%dT%H:%M:%SZ}', 'hold', '{hold}')"
    return f"""
DO $finish$
DECLARE
    mark text := obj_description({literal(table)}::regclass, 'pg_class');
BEGIN
    IF starts_with(mark, '{MARK}') THEN
        BEGIN
            mark := '{MARK}' || (substr(mark, {len(MARK) + 1})::jsonb || {news})::text;
        EXCEPTION WHEN data_exception THEN
            RAISE WARNING 'the mark of the owner cannot be read';
        END;
        EXECUTE format('COMMENT ON TABLE %s IS %L', {literal(table)}, mark);
    END IF;
END $finish$;
COMMIT;
\\set ON_ERROR_STOP off
SELECT format('ANALYZE %I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname = {literal(schema)} AND pg_has_role(tableowner, 'USAGE') \\gexec
"""
