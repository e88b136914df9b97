"""Databases of somebody else: what is told of each state, upgrades of what is in them, and an outage.

All are in one PostgreSQL. Servers that need time start together, before the first test.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.demo.kubectl import Kubectl, Object
from tests.e2e import catalogues, databases, plain
from tests.e2e.catalogues import NEW, OLD
from tests.e2e.names import RUCIO
from tests.support.objects import condition, is_ready

UPGRADED, BROKEN = "upgraded", "broken"
ROOT = "root-of-all"
"""Secret with the login of root in each of them."""
DELETES: Object = {"preset": "None", "instances": [{"name": "undertaker", "sleepTime": "5s"}]}
PAUSE = 30
"""Seconds within which an outage, and its end, are told."""

FILL = 'client.add_scope("root", "before"); client.add_rse("BEFORE"); answer = "filled"'
LOOK = 'answer = [client.whoami()["account"], sorted(client.list_scopes()), [one["rse"] for one in client.list_rses()]]'
THERE = ["root", ["before"], ["BEFORE"]]
PING = """
import urllib.request
print(urllib.request.urlopen("http://{name}.{namespace}.svc/ping", timeout=10).status)
"""


def spec(name: str, **more: Any) -> Object:
    """A server at the external database whose URL is in `NAME-url`."""
    return {
        **catalogues.SMALL,
        "database": {"external": {"urlSecretRef": {"name": f"{name}-url", "key": databases.KEY}}},
        "rootAccount": {"secretRef": {"name": ROOT}},
        "migrations": {"backup": {"claim": {"size": "1Gi"}}},
        **more,
    }


@pytest.fixture(scope="module", autouse=True)
def filled(lake: Kubectl, client: None, database: None) -> Iterator[None]:  # noqa: ARG001 - they are asked
    """Two servers of the older version with data in them."""
    login = {"username": "root", "password": "'%(more)s \" secret"}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": ROOT, "namespace": RUCIO}}
    lake.apply(json.dumps({**body, "stringData": login}))
    databases.create(lake, UPGRADED, BROKEN)
    for name in (UPGRADED, BROKEN):
        databases.external(lake, name)
    catalogues.apply(lake, UPGRADED, **spec(UPGRADED, version=OLD, daemons=DELETES))
    catalogues.apply(lake, BROKEN, **spec(BROKEN, version=OLD))
    for name in (UPGRADED, BROKEN):
        catalogues.ready(lake, name)
        catalogues.ask(lake, name, FILL, ROOT)
    yield
    lake("delete", "rucioserver", UPGRADED, BROKEN, "--namespace", RUCIO)


@pytest.fixture(scope="module")
def blocked(lake: Kubectl) -> Iterator[dict[str, str]]:
    """Servers that nothing starts for, by name: what Ready says of each."""
    databases.create(lake, "empty", "refused")
    databases.copy(lake, UPGRADED, "unstamped", "theirs")
    databases.sql(lake, "unstamped", "DELETE FROM alembic_version; COMMENT ON TABLE alembic_version IS NULL")
    databases.external(lake, "empty")
    databases.external(lake, "unstamped")
    databases.external(lake, "theirs")
    databases.external(lake, "refused", password="wrong")  # noqa: S106 - it is
    databases.external(lake, "nowhere", host="nowhere")
    for name in STATES:
        catalogues.apply(lake, name, **spec(name, **({"bootstrap": "Never"} if name == "empty" else {})))
    yield {name: catalogues.says(lake, name, reason) for name, (reason, _, _) in STATES.items()}
    catalogues.delete(lake, *STATES)


STATES = {
    "empty": ("DatabaseEmpty", True, "bootstrap"),
    "nowhere": ("DatabaseUnreachable", False, "nowhere"),
    "refused": ("DatabasePasswordRefused", False, databases.USER),
    "theirs": ("DatabaseNotOurs", True, UPGRADED),
    "unstamped": ("SchemaUnstamped", True, "alembic"),
}
"""By name: reason, whether a user must act, and a word of the message."""


@pytest.mark.parametrize("name", STATES)
def test_nothing_starts_at_a_database_that_is_not_right(name: str, lake: Kubectl, blocked: dict[str, str]) -> None:
    reason, stalled, word = STATES[name]
    server = catalogues.get(lake, name)
    assert word in blocked[name]
    assert condition(server, "Ready")["status"] == "False"
    assert (condition(server, "Stalled").get("reason") == reason) is stalled
    assert (condition(server, "Reconciling").get("status") == "True") is not stalled
    assert databases.PASSWORD not in json.dumps(server)
    labels = f"app.kubernetes.io/name=rucio,app.kubernetes.io/instance={name}"
    assert lake.list("deployment", RUCIO, labels) == []


@pytest.mark.usefixtures("blocked")
def test_nothing_is_written_to_a_database_that_is_not_right(lake: Kubectl) -> None:
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert databases.sql(lake, "empty", tables) == "0"
    assert databases.sql(lake, "unstamped", "SELECT count(*) FROM alembic_version") == "0"
    mark = "SELECT obj_description('alembic_version'::regclass)"
    assert databases.sql(lake, "unstamped", mark) == ""
    assert databases.sql(lake, "theirs", mark) == databases.sql(lake, UPGRADED, mark) != ""


@pytest.mark.usefixtures("blocked")
def test_a_password_that_is_mended_lets_it_start(lake: Kubectl) -> None:
    databases.external(lake, "refused")
    catalogues.ready(lake, "refused", 90)


def test_an_upgrade_waits_for_the_approval_of_its_plan_and_keeps_what_is_there(lake: Kubectl) -> None:
    head = catalogues.get(lake, UPGRADED)["status"]["schema"]["head"]
    catalogues.apply(lake, UPGRADED, **spec(UPGRADED, version=NEW, daemons=DELETES))
    catalogues.says(lake, UPGRADED, "MigrationPending")
    plan = lake.get("configmap", f"{UPGRADED}-plan", RUCIO)["data"]
    assert head in plan["plan.txt"]
    assert "ALTER TABLE" in plan["plan.sql"]
    assert catalogues.working(lake, UPGRADED) == [f"{UPGRADED}-server", f"{UPGRADED}-undertaker"]
    assert catalogues.ask(lake, UPGRADED, LOOK, ROOT) == THERE, "the older version serves on"

    stale = {"approve-migration": "0" * 64, "reconcile-at": "now"}
    catalogues.apply(lake, UPGRADED, stale, **spec(UPGRADED, version=NEW, daemons=DELETES))
    catalogues.until(lake, UPGRADED, lambda one: one["status"].get("lastHandledReconcileAt") == "now", "a pass")
    message = catalogues.says(lake, UPGRADED, "MigrationPending")
    assert "is for another plan and counts for nothing" in message

    catalogues.obey(lake, message)
    catalogues.says(lake, UPGRADED, "Migrating")
    server = catalogues.ready(lake, UPGRADED)
    schema = server["status"]["schema"]
    assert schema["revision"] == schema["head"] != head
    assert server["status"]["version"] == NEW
    assert catalogues.ask(lake, UPGRADED, LOOK, ROOT) == THERE
    assert [one["name"].startswith("migration-") for one in server["status"]["backups"]] == [True]
    assert not condition(server, "DestructiveDaemonsHeld"), "it is the same database"


def test_an_older_version_is_refused_and_nothing_is_touched(lake: Kubectl) -> None:
    before = {one["metadata"]["name"]: one["metadata"]["uid"] for one in catalogues.pods(lake, UPGRADED, "server")}
    catalogues.apply(lake, UPGRADED, **spec(UPGRADED, version=OLD, daemons=DELETES))
    assert catalogues.says(lake, UPGRADED, "SchemaAhead")
    assert catalogues.ask(lake, UPGRADED, LOOK, ROOT) == THERE
    catalogues.apply(lake, UPGRADED, **spec(UPGRADED, version=NEW, daemons=DELETES))
    catalogues.ready(lake, UPGRADED)
    assert {
        one["metadata"]["name"]: one["metadata"]["uid"] for one in catalogues.pods(lake, UPGRADED, "server")
    } == before


def test_a_migration_that_fails_midway_is_undone_by_the_dump_that_its_message_names(lake: Kubectl) -> None:
    databases.sql(lake, BROKEN, "ALTER TABLE rules_history ADD COLUMN deleted_at timestamp")  # the second revision does
    automatic = {"mode": "Automatic", "backup": {"claim": {"size": "1Gi"}}}
    catalogues.apply(lake, BROKEN, **spec(BROKEN, version=NEW, migrations=automatic))
    message = catalogues.says(lake, BROKEN, "MigrationFailed")
    server = catalogues.get(lake, BROKEN)
    assert "deleted_at" in message
    assert condition(server, "Stalled")["reason"] == "MigrationFailed"
    assert catalogues.working(lake, BROKEN) == []
    (backup,) = server["status"]["backups"]
    assert backup["name"] in message

    catalogues.restore(lake, BROKEN, backup["name"], claim=f"{BROKEN}-backup", url=f"{BROKEN}-url")
    lake("annotate", "secret", f"{BROKEN}-url", "restored=1", "--namespace", RUCIO)
    catalogues.apply(lake, BROKEN, **spec(BROKEN, version=OLD))
    server = catalogues.ready(lake, BROKEN)
    assert server["status"]["version"] == OLD
    assert catalogues.ask(lake, BROKEN, LOOK, ROOT) == THERE


def test_while_the_database_is_away_one_message_says_so_and_all_comes_back_without_hands(lake: Kubectl) -> None:
    begun = time.monotonic()
    plain.scale(lake, databases.HOST, 0)
    server = catalogues.until(lake, UPGRADED, lambda one: not is_ready(one), "not to be Ready", PAUSE + 10)
    message = catalogues.says(lake, UPGRADED, "DatabaseUnreachable")
    assert time.monotonic() - begun < PAUSE + 10, "of which the database takes some to stop"
    ping = PING.format(name=UPGRADED, namespace=RUCIO)
    assert lake.execute(RUCIO, f"deployment/{catalogues.CLIENT}", "python3", "-", given=ping).strip() == "200"
    server = catalogues.until(lake, UPGRADED, _restarted(lake), "its daemon to end", 120)
    for kind in ("DatabaseReachable", "DaemonsHealthy", "Authenticated"):
        assert condition(server, kind)["reason"] == "DatabaseUnreachable", kind
    assert condition(server, "Ready")["message"] == message
    assert not condition(server, "Stalled")

    plain.scale(lake, databases.HOST, 1)
    begun = time.monotonic()
    catalogues.until(lake, UPGRADED, lambda one: condition(one, "Ready")["reason"] != "DatabaseUnreachable", "to know")
    assert time.monotonic() - begun < PAUSE
    catalogues.ready(lake, UPGRADED)


def _restarted(lake: Kubectl) -> Any:
    """Whether the daemon's container was started again; kubelet waits longer and longer before it does."""

    def restarted(_: Object) -> bool:
        (pod,) = catalogues.pods(lake, UPGRADED, "daemon-undertaker")
        return any(one["restartCount"] for one in pod["status"]["containerStatuses"])

    return restarted
