"""What the tool does to a database: fills it, migrates it, sets root's password; stopped anywhere, or disturbed."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.postgres import PASSWORD, Server
from tests.support.rucio_tool import OWNER, Database, Outcome, Run, Tool, owned, secret

NEW, OLD = "3b943000da18", "a62db546a1f1"
OTHER = {**OWNER, "name": "other"}

HALT = """
CREATE FUNCTION halt() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE command_tag = '{tag}' AND object_identity ~ '{object}')
  THEN PERFORM pg_advisory_lock_shared(4711); END IF;
END $$;
CREATE EVENT TRIGGER halt ON ddl_command_end EXECUTE FUNCTION halt()
"""
WAITING = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
AT_WORK = "SELECT pid FROM pg_stat_activity WHERE application_name = 'rucio-database' AND datname = current_database()"
IDLE = "SELECT 'idle' WHERE NOT EXISTS (" + AT_WORK + ")"

LOGIN = """
from rucio.common.types import InternalAccount
from rucio.core.authentication import get_auth_token_user_pass
from rucio.db.sqla.session import get_session
session = get_session()()
with session.begin():
    token = get_auth_token_user_pass(InternalAccount("root"), {username!r}, {password!r}, "test", session=session)
print("in" if token else "refused")
"""


@contextlib.contextmanager
def halting(server: Server, name: str, tag: str, thing: str) -> Iterator[None]:
    """Whoever runs that command on that object waits at its end, while this lasts."""
    server.sql(HALT.format(tag=tag, object=thing), name)
    # As one of the tools, so that a migration does not take it for a stranger.
    with server.holding("SET application_name = 'postgres-backup'; SELECT pg_advisory_lock(4711)", name):
        yield
    server.sql("DROP EVENT TRIGGER halt; DROP FUNCTION halt", name)


def login(tool: Tool, url: str, username: str, password: str) -> str:
    return tool.python(url, LOGIN.format(username=username, password=password))


def plan_of(tool: Tool, url: str) -> str:
    return str(tool.ensure(url).result["plan"]["hash"])


def migrate(tool: Tool, url: str, plan: str, *arguments: str, folder: Path | None = None) -> Outcome:
    return tool.run(url, "migrate", "--plan", plan, *owned(OWNER), *arguments, folder=folder)


def end(server: Server, name: str, run: Run, by: str) -> None:
    """End a run that waits: itself, or its session."""
    pid = server.wait(WAITING, name)
    if by == "kill":
        run.kill()
    else:
        server.sql(f"SELECT pg_terminate_backend({pid})", name)


# Bootstrap


def test_the_bootstrap_makes_what_rucio_needs_and_no_well_known_identity(
    server: Server, tool: Tool, database: Database, filled: str, root_secret: Path
) -> None:
    url = server.url(name := database(filled))
    assert server.sql("SELECT identity, identity_type FROM identities", name) == "root|USERPASS"
    assert server.sql("SELECT account, identity, is_default FROM account_map", name) == "root|root|t"
    assert server.sql("SELECT account, account_type, status FROM accounts", name) == "root|SERVICE|ACTIVE"
    assert server.sql("SELECT vo FROM vos", name) == "def"
    comment = server.sql("SELECT obj_description('alembic_version'::regclass)", name)
    assert json.loads(comment.removeprefix("datalake-operator:")) == OWNER
    assert login(tool, url, "root", (root_secret / "password").read_text()) == "in"
    assert login(tool, url, "root", "secret") == "refused"


def test_a_bootstrap_remembers_how_names_become_paths_and_a_later_run_does_not_change_it(
    server: Server, tool: Tool, database: Database
) -> None:
    url = server.url(database("template0"))
    assert [tool.ensure(url, "--lfn2pfn", name).result["lfn2pfn"] for name in ("hash", "identity")] == ["hash", "hash"]


def test_a_bootstrap_leaves_the_schema_that_rucio_s_own_would(
    server: Server, tool: Tool, database: Database, filled: str
) -> None:
    theirs = database("template0")
    tool.python(
        server.url(theirs),
        "from rucio.db.sqla import models; from rucio.db.sqla.session import get_engine; "
        "models.register_models(get_engine())",
    )
    columns = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
    constraints = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    for query in (f"{columns} ORDER BY 1, 2", f"{constraints} ORDER BY 1, 2"):
        assert server.sql(query, database(filled)) == server.sql(query, theirs)


@pytest.mark.parametrize("owners", [(OWNER, OTHER), (OWNER, OWNER)])
def test_two_at_once_on_an_empty_database_are_one_bootstrap(
    server: Server, tool: Tool, database: Database, owners: tuple[dict[str, str], dict[str, str]]
) -> None:
    url = server.url(name := database("template0"))
    with halting(server, name, "COMMENT", "alembic_version"):
        first = tool.start(url, *tool.ensuring(owner=owners[0]))
        server.wait(WAITING, name)
        second = tool.start(url, *tool.ensuring(owner=owners[1]))
        server.wait(f"SELECT 'two' FROM ({AT_WORK}) AS s HAVING count(*) = 2", name)
    done = (first.wait(), second.wait())
    assert [outcome.result["bootstrapped"] for outcome in done] == [True, False]
    assert done[0].state == "current"
    assert done[1].state == ("current" if owners[0] == owners[1] else "not-ours")


@pytest.mark.parametrize("by", ["kill", "terminate"])
@pytest.mark.parametrize(
    ("tag", "thing"), [("CREATE TABLE", "public.rules$"), ("CREATE TABLE", "alembic_version"), ("COMMENT", "alembic")]
)
def test_a_bootstrap_stopped_anywhere_has_done_nothing_and_the_next_one_does_it_all(
    server: Server, tool: Tool, database: Database, tag: str, thing: str, by: str
) -> None:
    url = server.url(name := database("template0"))
    with halting(server, name, tag, thing):
        run = tool.start(url, *tool.ensuring())
        end(server, name, run, by)
    stopped = run.wait()
    assert (stopped.code, stopped.state) == ((-9, "None") if by == "kill" else (3, "unreachable"))
    server.wait(IDLE, name)
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == "0"
    again = tool.ensure(url)
    assert (again.code, again.state, again.result["bootstrapped"]) == (0, "current", True)


def test_another_run_is_waited_for_and_then_said_to_be_busy(
    server: Server, tool: Tool, database: Database, old: str
) -> None:
    url = server.url(name := database(old))
    plan = plan_of(tool, url)
    table = "LOCK TABLE rules IN ACCESS EXCLUSIVE MODE"
    with server.holding(f"SET application_name = 'rucio-database'; BEGIN; {table}", name):
        outcome = migrate(tool, url, plan)
    assert (outcome.code, outcome.state) == (3, "busy")
    assert server.sql("SELECT version_num FROM alembic_version", name) == OLD
    assert migrate(tool, url, plan).state == "current"


# Migration


def test_a_migration_keeps_the_data_and_makes_the_schema_of_the_new_version(
    server: Server, tool: Tool, database: Database, old: str, filled: str
) -> None:
    url = server.url(name := database(old))
    plan = plan_of(tool, url)
    refused = migrate(tool, url, "0" * 64)
    assert (refused.code, refused.state) == (3, "stale-plan")
    assert refused.result["plan"]["hash"] == plan
    assert server.sql("SELECT version_num FROM alembic_version", name) == OLD
    done = migrate(tool, url, plan)
    assert (done.code, done.state, done.result["revision"], done.result["ours"]) == (0, "current", NEW, True)
    assert server.sql("SELECT name FROM dids", name) == "kept"
    assert server.sql("SELECT rse FROM rses", name) == "DISK"
    columns = (
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
        "ORDER BY 1, 2"
    )
    assert server.sql(columns, name) == server.sql(columns, database(filled))
    again = migrate(tool, url, plan)
    assert (again.code, again.state) == (0, "current")
    assert tool.ensure(url).code == 0


@pytest.mark.parametrize("by", ["kill", "terminate"])
@pytest.mark.parametrize(
    ("tag", "thing"),
    [("CREATE TABLE", "dids_opendata_record"), ("ALTER TABLE", "rules_history"), ("ALTER TABLE", "rse_protocols")],
)
def test_a_migration_stopped_anywhere_has_changed_nothing_and_the_same_approval_resumes_it(
    server: Server, tool: Tool, database: Database, old: str, tag: str, thing: str, by: str
) -> None:
    url = server.url(name := database(old))
    plan = plan_of(tool, url)
    with halting(server, name, tag, thing):
        run = tool.start(url, "migrate", "--plan", plan, *owned(OWNER))
        end(server, name, run, by)
    stopped = run.wait()
    assert (stopped.code, stopped.state) == ((-9, "None") if by == "kill" else (3, "unreachable"))
    server.wait(IDLE, name)
    assert tool.run(url, "state").result["revision"] == OLD
    assert plan_of(tool, url) == plan
    done = migrate(tool, url, plan)
    assert (done.code, done.state) == (0, "current"), done


def test_a_migration_that_fails_says_where_and_is_not_tried_again_unasked(
    server: Server, tool: Tool, database: Database, old: str, tmp_path: Path
) -> None:
    url = server.url(name := database(old))
    server.sql("ALTER TABLE rules_history ADD COLUMN deleted_at timestamp", name)
    plan = plan_of(tool, url)
    failed = migrate(tool, url, plan, "--watch", folder=tmp_path)
    assert (failed.code, failed.state, failed.result["revision"]) == (1, "failed", OLD)
    assert "delete this Job to have it tried again" in failed.result["message"]
    assert "0548e199f091" in failed.message
    assert "already exists" in failed.message
    assert f"still has revision {OLD}" in failed.message
    assert server.sql("SELECT to_regclass('dids_opendata_record')", name) == ""
    server.sql("ALTER TABLE rules_history DROP COLUMN deleted_at", name)
    told = migrate(tool, url, plan, "--watch", folder=tmp_path)
    assert (told.code, told.result) == (1, failed.result)
    assert server.sql("SELECT version_num FROM alembic_version", name) == OLD
    assert migrate(tool, url, plan).code == 0  # a new pod: somebody asked for it


def test_nothing_is_migrated_beside_others(server: Server, tool: Tool, database: Database, old: str) -> None:
    url = server.url(name := database(old))
    plan = plan_of(tool, url)
    beat = "INSERT INTO heartbeats (executable, readable, hostname, pid, thread_id, created_at, updated_at) VALUES "
    ours, theirs, gone = (
        ("reaper --x", "catalogue-reaper-abc", "0"),
        ("minos", "elsewhere", "1 m"),
        ("minos", "d", "1 h"),
    )
    for executable, host, age in (ours, theirs, gone):
        now = f"now() AT TIME ZONE 'UTC' - interval '{age}'"
        server.sql(f"{beat} (md5('{host}'), '{executable}', '{host}', 1, 1, {now}, {now})", name)
    with server.holding("SET application_name = 'their-script'", name):
        stopped = migrate(tool, url, plan, "--patience", "0")
        assert (stopped.code, stopped.state) == (3, "foreign-writers")
        session, daemon = stopped.result["foreign"]
        assert "their-script" in session
        assert daemon == "daemon minos on elsewhere"
    server.sql("DELETE FROM heartbeats WHERE hostname = 'elsewhere'", name)
    with server.holding("SET application_name = 'postgres-backup'", name):
        assert migrate(tool, url, plan, "--patience", "0").code == 0


def test_sessions_that_are_hidden_from_the_role_count_too(
    server: Server, tool: Tool, database: Database, old: str
) -> None:
    url = server.url(name := database(old))
    plan = plan_of(tool, url)
    with server.holding("SELECT 1", name):  # of the superuser: its details are not for us
        stopped = migrate(tool, url, plan, "--patience", "0")
        assert stopped.state == "foreign-writers"
        assert "role postgres" in stopped.message


def test_a_schema_of_its_own_is_migrated_where_it_is(
    server: Server, tool: Tool, old_tool: Tool, database: Database
) -> None:
    url = server.url(name := database("template0"))
    server.sql('CREATE SCHEMA "Prod" AUTHORIZATION rucio', name)
    assert old_tool.alone(url, *old_tool.ensuring(), schema="Prod").state == "current"
    behind = tool.alone(url, *tool.ensuring(), schema="Prod")
    assert behind.state == "behind"
    done = tool.alone(url, "migrate", "--plan", behind.result["plan"]["hash"], *owned(OWNER), schema="Prod")
    assert (done.code, done.state) == (0, "current"), done
    assert server.sql("SELECT schemaname FROM pg_tables WHERE tablename = 'dids_opendata_record'", name) == "Prod"
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == "0"


@pytest.mark.parametrize("verb", ["migrate", "ensure"])
def test_a_foreign_owner_s_database_is_not_migrated(
    server: Server, tool: Tool, database: Database, old: str, verb: str
) -> None:
    url = server.url(name := database(old))
    plan = plan_of(tool, url)
    extra = ("--plan", plan) if verb == "migrate" else ()
    outcome = tool.run(url, verb, *extra, *owned(OTHER))
    assert (outcome.code, outcome.state) == (3, "not-ours")
    assert server.sql("SELECT version_num FROM alembic_version", name) == OLD


# Root


def test_the_password_of_root_is_set_once_when_it_differs(
    server: Server, tool: Tool, database: Database, filled: str, tmp_path: Path
) -> None:
    url = server.url(name := database(filled))
    server.sql("UPDATE identities SET email = 'admin@site.org'", name)
    second = ("--root-secret", str(secret(tmp_path / "second", "root", "second: 'pässword'\\")))
    assert tool.ensure(url, *second, "--manage-root", "no").result["rootPassword"] == "unmanaged"
    assert login(tool, url, "root", "second: 'pässword'\\") == "refused"
    assert tool.ensure(url, *second).result["rootPassword"] == "set"
    assert login(tool, url, "root", "second: 'pässword'\\") == "in"
    assert login(tool, url, "root", "first %@:/ password") == "refused"
    assert tool.ensure(url, *second).result["rootPassword"] == "unchanged"
    assert server.sql("SELECT count(*), min(email) FROM identities", name) == "1|admin@site.org"


def test_a_lost_login_of_root_is_made_anew(
    server: Server, tool: Tool, database: Database, filled: str, root_secret: Path
) -> None:
    url = server.url(name := database(filled))
    server.sql("DELETE FROM account_map; DELETE FROM identities", name)
    assert tool.ensure(url, "--root-secret", str(root_secret)).result["rootPassword"] == "set"
    assert login(tool, url, "root", (root_secret / "password").read_text()) == "in"


def test_root_of_an_adopted_database_is_managed_only_when_told_so(
    server: Server, tool: Tool, database: Database, filled: str, tmp_path: Path
) -> None:
    url = server.url(name := database(filled))
    new = ("--root-secret", str(secret(tmp_path / "new", "root", "new password")), "--adopt", name)
    assert tool.ensure(url, *new, owner=OTHER).result["rootPassword"] == "unmanaged"
    assert login(tool, url, "root", "new password") == "refused"
    assert tool.ensure(url, *new, "--manage-root", "yes", owner=OTHER).result["rootPassword"] == "set"
    assert login(tool, url, "root", "new password") == "in"


def test_an_empty_password_of_root_is_refused(
    server: Server, tool: Tool, database: Database, filled: str, tmp_path: Path
) -> None:
    outcome = tool.ensure(server.url(database(filled)), "--root-secret", str(secret(tmp_path / "none", "root", "")))
    assert (outcome.code, outcome.state) == (3, "failed")
    assert "empty" in outcome.message


# Poolers


@pytest.mark.parametrize(
    "settings",
    [
        ("pool_mode = transaction",),
        ("pool_mode = transaction", "server_round_robin = 1", "min_pool_size = 2"),
        ("pool_mode = transaction", "default_pool_size = 1"),
        ("pool_mode = statement",),
    ],
)
def test_a_pooler_that_shares_sessions_is_refused(
    server: Server, tool: Tool, database: Database, settings: tuple[str, ...]
) -> None:
    name = database("template0")
    with postgres.pooling(server, *settings) as port:
        for _ in range(3):  # also when sessions are left from the run before
            outcome = tool.ensure(server.url(name, port=port))
            assert (outcome.code, outcome.state) == (3, "pooler"), outcome
            assert "adminUrlSecretRef" in outcome.message
    assert server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == "0"


def test_a_pooler_that_shares_no_session_is_as_good_as_the_server(
    server: Server, tool: Tool, database: Database
) -> None:
    name = database("template0")
    with postgres.pooling(server, "pool_mode = session") as port:
        assert tool.ensure(server.url(name, port=port)).state == "current"
        wrong = tool.ensure(server.url(name, port=port, password="other password"))
        assert (wrong.code, wrong.state) == (3, "wrong-password")


# Health


def test_health_tells_the_state_and_keeps_one_connection(
    server: Server, tool: Tool, database: Database, filled: str, old: str
) -> None:
    current, behind, empty = database(filled), database(old), database("template0")
    lines = tool.python(
        server.url(current),
        f"""
import json
from rucio_database import classify
from rucio_database.connect import target
from sqlalchemy import text
for url in {[server.url(current), server.url(behind), server.url(empty), server.url("nowhere")]!r}:
    goal = target(url)
    engine = classify.engine(goal)
    for _ in range(2):
        health = classify.classify(engine, goal)
    print(json.dumps(health.document()))
    engine.dispose()
""",
    ).splitlines()
    found = [json.loads(line) for line in lines]
    assert [health["state"] for health in found] == ["current", "behind", "empty", "unreachable"]
    assert {health["head"] for health in found} == {NEW}
    assert found[0]["version"] == "41.5.1"
    assert PASSWORD not in "".join(lines)
