"""Each state of a database, on a real PostgreSQL, seen by the tool; and that nothing is written where it must not."""

import socket
from pathlib import Path

import pytest

from tests.support.postgres import PASSWORD, Server, free_port
from tests.support.rucio_tool import DATA, OWNER, Database, Outcome, Tool, decode, owned

NEW, OLD = "3b943000da18", "a62db546a1f1"
MARK = 'datalake-operator:{{"cluster": "7c1b", "namespace": "science", "name": "{name}"{more}}}'
UNMADE = "DELETE FROM account_map; DELETE FROM identities; DELETE FROM accounts; DELETE FROM vos"


def dump(server: Server, name: str) -> str:
    """All that a database holds, for comparison."""
    tables = server.sql(
        "SELECT relname, obj_description(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1",
        name,
    )
    if "identities" not in tables:
        return tables
    present = [table for table in ("identities", "vos", "alembic_version") if f"{table}|" in tables]
    return tables + "".join(server.sql(f"SELECT * FROM {table}", name) for table in present)


def test_empty_is_said_and_left_empty_unless_it_shall_be_filled(server: Server, tool: Tool, database: Database) -> None:
    url = server.url(name := database("template0"))
    for verb in (("state",), ("ensure", *owned(OWNER))):
        outcome = tool.run(url, *verb)
        assert (outcome.state, outcome.result["revision"], outcome.result["head"]) == ("empty", None, NEW)
        assert outcome.result["serverMajor"] >= 15
        assert outcome.result["maxConnections"] == 60
        assert outcome.result["databaseBytes"] > 1_000_000
    assert outcome.code == 3
    assert dump(server, name) == ""


def test_a_filled_database_is_current_and_its_own_and_a_second_run_changes_nothing(
    server: Server, tool: Tool, database: Database, filled: str, root_secret: Path
) -> None:
    name = database(filled)
    before = dump(server, name)
    outcome = tool.ensure(server.url(name), "--root-secret", str(root_secret))
    assert (outcome.code, outcome.state, outcome.result["ours"]) == (0, "current", True)
    assert (outcome.result["rootPassword"], outcome.result["bootstrapped"]) == ("unchanged", False)
    assert outcome.result["owner"] == OWNER
    assert outcome.result["hold"] is None
    assert dump(server, name) == before


def test_an_older_schema_is_behind_with_a_plan_that_is_always_the_same(
    server: Server, tool: Tool, database: Database, old: str
) -> None:
    first, second = database(old), database(old)
    outcome = tool.ensure(server.url(first))
    assert (outcome.code, outcome.state, outcome.result["revision"]) == (3, "behind", OLD)
    assert outcome.result["path"] == ["a7e76cf4881d", "0548e199f091", NEW]
    assert "ALTER TABLE rules ADD COLUMN deleted_at" in outcome.result["plan"]["sql"]
    assert tool.ensure(server.url(first)).result["plan"] == outcome.result["plan"]
    other = tool.ensure(server.url(second)).result["plan"]
    assert other["sql"] == outcome.result["plan"]["sql"]
    assert other["hash"] != outcome.result["plan"]["hash"]  # an approval is for one database
    assert server.sql("SELECT version_num FROM alembic_version", first) == OLD


def test_an_older_rucio_says_ahead_of_a_newer_schema(
    server: Server, old_tool: Tool, database: Database, filled: str
) -> None:
    name = database(filled)
    before = dump(server, name)
    outcome = old_tool.ensure(server.url(name))
    assert (outcome.code, outcome.state, outcome.result["revision"]) == (3, "ahead", NEW)
    assert "restore a backup" in outcome.message
    assert dump(server, name) == before


@pytest.mark.parametrize(
    ("statement", "state", "said"),
    [
        ("DELETE FROM alembic_version", "unstamped", NEW),
        ("DROP TABLE alembic_version", "unstamped", NEW),
        ("INSERT INTO alembic_version VALUES ('another')", "unstamped", "another"),
        ("ALTER TABLE rules DROP COLUMN deleted_at", "unstamped", "rules.deleted_at"),
        (f"{UNMADE}; ALTER TABLE rules DROP COLUMN deleted_at; DELETE FROM alembic_version", "unstamped", "rules"),
        ("COMMENT ON TABLE alembic_version IS NULL", "not-ours", "did not make"),
        ("COMMENT ON TABLE alembic_version IS 'datalake-operator:{'", "not-ours", "did not make"),
        (f"COMMENT ON TABLE alembic_version IS '{MARK.format(name='other', more='')}'", "not-ours", "science/other"),
        ("UPDATE alembic_version SET version_num = 'f00f'", "ahead", "f00f"),
    ],
)
def test_what_is_not_right_is_said_and_left_alone(
    server: Server, tool: Tool, database: Database, filled: str, root_secret: Path,
    statement: str, state: str, said: str,
) -> None:  # fmt: skip
    name = database(filled)
    server.sql(statement, name)
    before = dump(server, name)
    outcome = tool.ensure(server.url(name), "--root-secret", str(root_secret))
    assert (outcome.code, outcome.state) == (3, state), outcome
    assert said in outcome.message
    assert dump(server, name) == before


def test_the_schema_of_another_version_that_only_claims_to_be_current_is_unmasked(
    server: Server, tool: Tool, database: Database, old: str
) -> None:
    name = database(old)
    server.sql(f"UPDATE alembic_version SET version_num = '{NEW}'", name)
    outcome = tool.ensure(server.url(name))
    assert outcome.state == "unstamped"
    assert "deleted_at" in outcome.message


@pytest.mark.parametrize(
    "statement",
    [
        f"{UNMADE}; DELETE FROM alembic_version; COMMENT ON TABLE alembic_version IS NULL",
        f"{UNMADE}; DROP TABLE alembic_version, rules, requests, heartbeats CASCADE",
        UNMADE,
        # What rucio-init leaves when it is stopped between its transactions.
        "DELETE FROM account_map; DELETE FROM accounts; DELETE FROM alembic_version",
    ],
)
def test_a_half_made_schema_without_data_is_completed(
    server: Server, tool: Tool, database: Database, filled: str, root_secret: Path, statement: str
) -> None:
    url = server.url(name := database(filled))
    server.sql(statement, name)
    assert tool.run(url, "state").state == "partial"
    unasked = tool.run(url, "ensure", *owned(OWNER))
    assert (unasked.code, unasked.state) == (3, "partial")
    outcome = tool.ensure(url, "--root-secret", str(root_secret))
    assert (outcome.code, outcome.state, outcome.result["bootstrapped"]) == (0, "current", True), outcome
    assert server.sql("SELECT count(*) FROM identities", name) == "1"
    assert tool.ensure(url, "--root-secret", str(root_secret)).result["rootPassword"] == "unchanged"


@pytest.mark.parametrize("statement", ["DELETE FROM alembic_version", f"DELETE FROM alembic_version; {UNMADE}"])
def test_a_schema_with_data_and_without_a_revision_is_never_completed(
    server: Server, tool: Tool, database: Database, filled: str, statement: str
) -> None:
    url = server.url(name := database(filled))
    tool.python(url, DATA)
    server.sql(f"SET session_replication_role = replica; {statement}", name)
    outcome = tool.ensure(url)
    assert (outcome.code, outcome.state) == (3, "unstamped")
    assert server.sql("SELECT count(*) FROM alembic_version", name) == "0"


def test_another_program_s_database_is_not_touched(server: Server, tool: Tool, database: Database) -> None:
    url = server.url(name := database("template0"))
    server.sql("CREATE TABLE alembic_version (version_num varchar); INSERT INTO alembic_version VALUES ('aa')", name)
    server.sql("GRANT SELECT ON alembic_version TO rucio", name)
    outcome = tool.ensure(url)
    assert outcome.state == "not-ours"
    assert "another program" in outcome.message
    assert dump(server, name).splitlines() == ["alembic_version|"]


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding_than_utf8(server: Server, tool: Tool, encoding: str) -> None:
    name = server.database(encoding.lower(), options=f"ENCODING '{encoding}' LOCALE 'C'")
    outcome = tool.ensure(server.url(name))
    assert (outcome.code, outcome.state) == (3, "not-utf8")
    assert encoding in outcome.message
    assert "UTF8" in outcome.message
    assert dump(server, name) == ""


def test_no_server_no_database_and_no_url(server: Server, tool: Tool) -> None:
    silent = tool.ensure(server.url("rucio", port=free_port()))
    missing = tool.ensure(server.url("nowhere"))
    wrong = tool.ensure(f"sqlite:///{PASSWORD}")
    unreadable = tool.ensure(f"postgresql://rucio:{PASSWORD}@a:b:c/d")
    for outcome in (silent, missing, wrong, unreadable):
        assert (outcome.code, outcome.state) == (3, "unreachable")
        assert PASSWORD not in outcome.message + outcome.output + outcome.log
    assert "refused" in silent.message.lower()
    assert '"nowhere" does not exist' in missing.message
    assert "postgresql://" in unreadable.message


def test_a_server_that_accepts_and_says_nothing_is_given_up(tool: Tool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = tool.ensure(f"postgresql://rucio:x@127.0.0.1:{silent.getsockname()[1]}/rucio")
    assert outcome.state == "unreachable"


def test_a_wrong_password_and_no_role_like_it(server: Server, tool: Tool, filled: str) -> None:
    for url in (
        server.url(filled, password="wrong%secret"),
        server.url(filled, role="nobody", password="wrong%secret"),
    ):
        outcome = tool.ensure(url)
        assert (outcome.code, outcome.state) == (3, "wrong-password")
        assert "wrong%secret" not in outcome.message + outcome.output + outcome.log
        assert "Secret" in outcome.message


def test_a_role_without_permission(server: Server, tool: Tool, database: Database, filled: str, old: str) -> None:
    server.role("guest")
    empty, current, behind, closed = database("template0"), database(filled), database(old), database("template0")
    server.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", empty)
    server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest", behind)
    server.sql(f"REVOKE CONNECT ON DATABASE {closed} FROM PUBLIC", closed)

    def seen(name: str) -> Outcome:
        outcome = tool.ensure(server.url(name, role="guest"))
        assert (outcome.code, outcome.state) == (3, "no-permission"), outcome
        return outcome

    assert "GRANT CREATE ON SCHEMA public TO guest" in seen(empty).message
    assert "alembic_version" in seen(current).message
    assert "URL of rucio" in seen(behind).message
    assert "does not let role guest in: permission denied for database" in seen(closed).message
    server.sql("ALTER ROLE guest NOLOGIN", empty)
    seen(empty)


def test_a_schema_of_its_own(server: Server, tool: Tool, database: Database) -> None:
    url = server.url(name := database("template0"))
    missing = tool.alone(url, *tool.ensuring(), schema="Prod 1%")
    assert (missing.code, missing.state) == (3, "missing-schema")
    assert "Prod 1%" in missing.message
    server.sql('CREATE SCHEMA "Prod 1%" AUTHORIZATION rucio', name)
    made = tool.alone(url, *tool.ensuring(), schema="Prod 1%")
    assert (made.code, made.state, made.result["schema"]) == (0, "current", "Prod 1%"), made
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == "0"
    assert server.sql("SELECT count(*) FROM pg_type WHERE typnamespace = 'public'::regnamespace", name) == "0"
    # Without the schema the same database looks empty, and must not be filled once more.
    other = tool.ensure(url)
    assert (other.code, other.state) == (3, "other-schema")
    assert "Prod 1%" in other.message


def test_an_image_of_another_version_touches_nothing(server: Server, tool: Tool, database: Database) -> None:
    name = database("template0")
    outcome = tool.run(server.url(name), "ensure", "--bootstrap", "--version", "41.5.2", *owned(OWNER))
    assert (outcome.code, outcome.state, outcome.result["rucioVersion"]) == (3, "version-mismatch", "41.5.1")
    assert dump(server, name) == ""


@pytest.mark.parametrize(
    ("supported", "state"), [("['>=41,<42']", "empty"), ("'>=30,<41'", "version-mismatch"), (None, "version-mismatch")]
)
def test_a_policy_package_says_what_it_supports(
    server: Server, tool: Tool, database: Database, tmp_path: Path, supported: str | None, state: str
) -> None:
    if supported is not None:
        (tmp_path / "site_policy.py").write_text(f"SUPPORTED_VERSION = {supported}")
    url = server.url(database("template0"))
    arguments = ["ensure", *owned(OWNER), "--version", "41.5.1"]
    output = tool.python(
        url,
        "import os, sys; from rucio_database.__main__ import main; os.environ['RUCIO_POLICY_PACKAGE'] = 'site_policy'; "
        f"sys.path.append({str(tmp_path)!r}); main({arguments!r})",
    )
    result = decode(output)
    assert result["state"] == state
    assert result["policySupports"] == ([">=41,<42"] if state == "empty" else None)


def test_a_watching_run_tells_each_state_once_and_notices_when_it_is_mended(
    server: Server, tool: Tool, database: Database, filled: str, tmp_path: Path
) -> None:
    url = server.url(name := database(filled))
    mark = server.sql("SELECT obj_description('alembic_version'::regclass)", name)
    server.sql("COMMENT ON TABLE alembic_version IS NULL", name)
    watching = (*tool.ensuring(), "--watch")
    first = tool.run(url, *watching, folder=tmp_path)
    assert (first.code, first.state) == (3, "not-ours")
    again = tool.start(url, *watching, folder=tmp_path)
    sessions = (
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'rucio-database' AND datname = current_database()"
    )
    server.wait(sessions, name)  # it looks, and says nothing new
    server.wait(f"SELECT 'gone' WHERE NOT EXISTS ({sessions})", name)
    server.sql(f"COMMENT ON TABLE alembic_version IS '{mark}'", name)
    mended = again.wait()
    assert (mended.code, mended.state) == (0, "current")


@pytest.mark.parametrize("state", ["current", "behind"])
def test_adoption_takes_the_name_of_the_database_and_holds_what_deletes(
    server: Server, tool: Tool, database: Database, filled: str, old: str, root_secret: Path, state: str
) -> None:
    url = server.url(name := database(filled if state == "current" else old))
    other = {**OWNER, "name": "other"}
    secret = ("--root-secret", str(root_secret), "--lfn2pfn", "identity")
    assert tool.ensure(url, "--adopt", "another", *secret, owner=other).state == "not-ours"
    adopted = tool.ensure(url, "--adopt", name, *secret, owner=other)
    assert adopted.result["lfn2pfn"] == "identity"
    third = tool.ensure(url, "--adopt", name, "--lfn2pfn", "hash")
    assert third.result["lfn2pfn"] == "identity", "what the one before said of its files is still true"
    adopted = tool.ensure(url, "--adopt", name, *secret, owner=other)
    assert (adopted.state, adopted.result["ours"], adopted.result["owner"]) == (state, True, other)
    assert adopted.result["hold"]
    if state == "current":
        assert adopted.result["rootPassword"] == "unmanaged"
    again = tool.ensure(url, "--adopt", name, *secret, owner=other)
    assert again.result["hold"] == adopted.result["hold"]
    assert tool.ensure(url, *secret).state == "not-ours"


def test_a_restored_database_is_held(server: Server, tool: Tool, database: Database, filled: str) -> None:
    name = database(filled)
    more = ', "hold": "h1", "restored": "2026-11-26T03:00:00Z"'
    server.sql(f"COMMENT ON TABLE alembic_version IS '{MARK.format(name=OWNER['name'], more=more)}'", name)
    outcome = tool.ensure(server.url(name))
    assert (outcome.code, outcome.state, outcome.result["hold"]) == (0, "current", "h1")
