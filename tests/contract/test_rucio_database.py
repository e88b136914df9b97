"""What becomes of a RucioServer in each state of its database, and on the way from one version to the next."""

import asyncio
import contextlib
from typing import Any

import pytest

from tests.support.calls import Kill
from tests.support.client import Object
from tests.support.kubelet import Kubelet
from tests.support.lab import Lab
from tests.support.objects import condition, is_current, is_ready, is_stalled
from tests.support.rucio import HEADS, NEWEST, PLAN, Rucio, command
from tests.support.waiting import eventually, stays

APPROVE = "datalake.projectescape.eu/approve-migration"
ADOPT = "datalake.projectescape.eu/adopt-database"
HOLD = "datalake.projectescape.eu/approve-destructive"
STATES: dict[str, tuple[str, bool]] = {
    "unreachable": ("DatabaseUnreachable", False),
    "wrong-password": ("DatabasePasswordRefused", False),
    "busy": ("DatabaseBusy", False),
    "unstamped": ("SchemaUnstamped", True),
    "not-utf8": ("DatabaseEncoding", True),
    "no-permission": ("DatabasePermissionMissing", True),
    "missing-schema": ("DatabaseSchemaMissing", True),
    "pooler": ("TransactionPooler", True),
    "other-schema": ("OtherSchema", True),
    "version-mismatch": ("VersionMismatch", True),
}
"""Reason by state, and whether hands must mend it."""


def has(reason: str) -> Any:
    """Whether Ready is false for this reason, and the status is of the newest spec."""

    def holds(body: Object) -> bool:
        return is_current(body) and condition(body, "Ready").get("reason") == reason

    holds.__name__ = reason
    return holds


async def deployments(lab: Lab) -> dict[str, int]:
    found = await lab.admin.list("Deployment", lab.namespace)
    return {one["metadata"]["name"]: one["spec"]["replicas"] for one in found}


async def jobs(lab: Lab, prefix: str) -> list[str]:
    found = await lab.admin.list("Job", lab.namespace)
    return [one["metadata"]["name"] for one in found if one["metadata"]["name"].startswith(prefix)]


@pytest.mark.parametrize("state", STATES)
async def test_each_state_is_told_and_nothing_starts_until_it_is_mended(
    state: str, lab: Lab, rucio: Rucio, kubelet: Kubelet
) -> None:
    reason, stalled = STATES[state]
    rucio.database.state = state
    await lab.operator()
    await lab.create()
    body = await lab.until(lambda body: has(reason)(body) and state in condition(body, "Ready")["message"])
    assert is_stalled(body, reason) is stalled
    assert bool(condition(body, "Reconciling")) is not stalled
    await lab.quiet()
    assert not await deployments(lab)
    rucio.database.state = "empty"
    await kubelet.sync()
    await lab.ready(within=30)


async def test_an_empty_database_is_not_filled_where_that_is_never_wanted(lab: Lab, rucio: Rucio) -> None:
    await lab.operator()
    await lab.create(bootstrap="Never")
    await lab.until(lambda body: is_stalled(body, "DatabaseEmpty"))
    await lab.quiet()
    assert not await deployments(lab)
    assert rucio.database.state == "empty"


async def test_somebody_elses_database_is_used_only_when_adopted_and_then_deletes_nothing_until_approved(
    lab: Lab, rucio: Rucio
) -> None:
    other = {"cluster": "other", "namespace": "n", "name": "y"}
    rucio.database.state, rucio.database.revision, rucio.database.owner = "filled", NEWEST, other
    await lab.operator()
    await lab.create()
    body = await lab.until(lambda body: is_stalled(body, "DatabaseNotOurs"))
    assert ADOPT in condition(body, "Ready")["message"]
    assert not await deployments(lab)
    await lab.change({"metadata": {"annotations": {ADOPT: "another"}}})
    await lab.quiet()
    assert rucio.database.owner == other
    await lab.change({"metadata": {"annotations": {ADOPT: "rucio"}}})
    body = await lab.until(lambda body: condition(body, "DestructiveDaemonsHeld").get("status") == "True", within=30)
    assert "hold-1" in condition(body, "DestructiveDaemonsHeld")["message"]
    found = await deployments(lab)
    assert found["x-server"] == 2
    assert found["x-abacus-rse"] == 1
    for name in ("undertaker", "reaper", "judge-cleaner", "minos", "necromancer"):
        assert found[f"x-{name}"] == 0, name
    await lab.change({"metadata": {"annotations": {HOLD: "another"}}})
    await lab.quiet()
    assert (await deployments(lab))["x-reaper"] == 0
    await lab.change({"metadata": {"annotations": {HOLD: "hold-1"}}})
    await lab.until(lambda body: is_ready(body) and not condition(body, "DestructiveDaemonsHeld"), within=30)
    assert (await deployments(lab))["x-reaper"] == 1


async def test_a_database_that_goes_away_is_one_message_and_nothing_is_stopped(
    lab: Lab, rucio: Rucio, kubelet: Kubelet
) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready(within=30)
    before = await deployments(lab)
    rucio.health = lambda said: said | {"state": "unreachable", "message": "connection refused"}
    kubelet.unready |= {"server", "daemon-reaper", "daemon-minos"}
    await kubelet.sync()
    body = await lab.until(has("DatabaseUnreachable"), within=30)
    assert condition(body, "DaemonsHealthy")["status"] == "Unknown"
    assert await deployments(lab) == before
    rucio.health = lambda said: said
    kubelet.unready.clear()
    await kubelet.sync()
    await lab.ready(within=30)


@pytest.fixture
async def old(lab: Lab, rucio: Rucio) -> None:
    """A RucioServer of the version before, Ready, with few daemons and a scaler that wants three servers."""
    await lab.operator()
    await lab.create(version="38.6.4", daemons={"preset": "None", "instances": [{"name": "reaper"}, {"name": "minos"}]})
    await lab.ready(within=30)
    assert rucio.database.revision == HEADS["38.6.4"]
    await lab.admin.patch("Deployment", "x-server", lab.namespace, {"spec": {"replicas": 3}})
    await lab.quiet()


async def approve(lab: Lab, plan: str = PLAN) -> None:
    await lab.change({"metadata": {"annotations": {APPROVE: plan}}})


NEW = {"spec": {"version": "41.5.1"}}


@pytest.mark.usefixtures("old")
async def test_a_migration_waits_for_the_approval_of_its_very_plan(lab: Lab, rucio: Rucio) -> None:
    before = await deployments(lab)
    await lab.change(NEW)
    body = await lab.until(lambda body: is_stalled(body, "MigrationPending"))
    for word in (PLAN, APPROVE, "x-plan"):
        assert word in condition(body, "Ready")["message"]
    plan = (await lab.admin.get("ConfigMap", "x-plan", lab.namespace))["data"]
    assert PLAN in plan["plan.txt"]
    assert "deleted_at" in plan["plan.sql"]
    await approve(lab, "cd" * 32)
    await lab.until(lambda body: "another plan" in condition(body, "Ready")["message"])
    await lab.quiet(1)
    assert await deployments(lab) == before, "nothing is stopped"
    images = {pod["spec"]["containers"][0]["image"] for pod in await pods(lab, "server")}
    assert [image.rpartition(":")[2] for image in images] == ["38.6.4"], "nothing is rolled"
    assert not rucio.database.migrations
    await approve(lab)
    await lab.ready(within=40)
    assert rucio.database.revision == NEWEST
    assert len(rucio.database.migrations) == 1
    assert len(rucio.database.dumps) == 1
    assert await deployments(lab) == before, "as many as before, the scaler's number among them"
    await lab.quiet(1)
    assert not await lab.admin.find("ConfigMap", "x-plan", lab.namespace)
    assert not await jobs(lab, "x-migrate-")


async def pods(lab: Lab, component: str) -> list[Object]:
    return await lab.admin.list("Pod", lab.namespace, f"app.kubernetes.io/component={component}")


@pytest.mark.usefixtures("old")
async def test_before_a_migration_everything_is_stopped_and_a_dump_is_made(lab: Lab, rucio: Rucio) -> None:
    seen: list[tuple[str, int, int]] = []
    work = rucio.database.work

    def watched(job: Object) -> Any:
        words = " ".join(command(job))
        step = "check" if "--check" in words else "dump" if "postgres-backup" in words else words.split()[4]
        running = [pod for pod in rucio.pods() if "postgres" not in pod and "-db-" not in pod]
        seen.append((step, len([pod for pod in running if "server" in pod]), len(rucio.database.dumps)))
        return work(job)

    rucio.work_with(watched)
    await lab.change(NEW | {"spec": {"version": "41.5.1", "migrations": {"mode": "Automatic"}}})
    await lab.ready(within=40)
    steps = dict.fromkeys(step for step, _, _ in seen)
    assert [step for step in steps if step != "ensure"] == ["check", "dump", "migrate"]
    assert all(servers == 3 for step, servers, _ in seen if step == "check"), "nothing is stopped before it is known"
    assert all(servers == 0 for step, servers, _ in seen if step in ("dump", "migrate"))
    assert all(dumps == 1 for step, _, dumps in seen if step == "migrate")


@pytest.mark.usefixtures("old")
async def test_a_dump_that_cannot_be_made_stops_nothing(lab: Lab, rucio: Rucio) -> None:
    before = await deployments(lab)
    rucio.database.dump = "impossible"
    await lab.change({"spec": {"version": "41.5.1", "migrations": {"mode": "Automatic"}}})
    await lab.until(lambda body: is_stalled(body, "BackupImpossible"))
    await lab.quiet()
    assert await deployments(lab) == before
    assert not rucio.database.migrations
    rucio.database.dump = "done"
    for name in await jobs(lab, "x-precheck-"):
        await lab.admin.delete("Job", name, lab.namespace)
    await lab.ready(within=40)
    assert rucio.database.revision == NEWEST


@pytest.mark.usefixtures("old")
async def test_foreign_sessions_are_waited_for_with_everything_of_ours_stopped(
    lab: Lab, rucio: Rucio, kubelet: Kubelet
) -> None:
    rucio.database.foreign = ["psql of somebody"]
    await lab.change({"spec": {"version": "41.5.1", "migrations": {"mode": "Automatic"}}})
    body = await lab.until(has("ForeignWriters"), within=30)
    assert "psql of somebody" in condition(body, "Ready")["message"]
    assert not any((await deployments(lab)).values())
    assert rucio.database.revision == HEADS["38.6.4"]
    rucio.database.foreign = []
    await kubelet.sync()
    await lab.ready(within=40)
    assert rucio.database.revision == NEWEST


@pytest.mark.usefixtures("old")
async def test_a_migration_that_fails_stays_where_it_is_and_names_the_dump(lab: Lab, rucio: Rucio) -> None:
    rucio.database.broken = "relation REPLICAS_PATH_IDX exists"
    await lab.change({"spec": {"version": "41.5.1", "migrations": {"mode": "Automatic"}}})
    body = await lab.until(lambda body: is_stalled(body, "MigrationFailed"), within=30)
    for word in ("REPLICAS_PATH_IDX", rucio.database.dumps[0]):
        assert word in condition(body, "Ready")["message"]

    async def stopped() -> bool:
        return not any((await deployments(lab)).values()) and len(await jobs(lab, "x-migrate-")) == 1

    await stays(stopped, 1)
    rucio.database.broken = ""
    for name in await jobs(lab, "x-migrate-"):
        await lab.admin.delete("Job", name, lab.namespace)
    await lab.ready(within=40)
    assert len(rucio.database.dumps) == 1, "one dump for one migration"


@pytest.mark.usefixtures("rucio")
async def test_a_lower_version_is_refused_and_what_runs_goes_on(lab: Lab, rucio: Rucio) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready(within=30)
    before = await deployments(lab)
    await lab.change({"spec": {"version": "38.6.4"}})
    await lab.until(lambda body: is_stalled(body, "SchemaAhead"))
    await lab.quiet()
    assert await deployments(lab) == before
    assert rucio.database.revision == NEWEST
    await lab.change(NEW)
    await lab.ready()


MOST = 60
"""Writes of one upgrade at most; more means that a sweep does not end."""


async def watch_migrations(lab: Lab, most: list[int]) -> None:
    """Note how many Jobs that migrate and have not ended were there at once."""
    there: set[str] = set()
    async for event in lab.admin.watch("Job", lab.namespace):
        job = event["object"]
        ended = event["type"] == "DELETED" or "conditions" in job.get("status", {})
        if "-migrate-" in job["metadata"]["name"]:
            (there.discard if ended else there.add)(job["metadata"]["uid"])
            most.append(len(there))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.usefixtures("old")
async def test_killed_at_each_write_of_an_upgrade(after: bool, lab: Lab, rucio: Rucio) -> None:
    """One upgrade during which the operator dies at every write that it makes."""
    most: list[int] = []
    watching = asyncio.create_task(watch_migrations(lab, most))
    operator = lab.operators["operator"]
    rucio.database.slow = 2
    rule = lab.proxy.add(Kill(after), verb="write")
    await lab.change({"spec": {"version": "41.5.1", "migrations": {"mode": "Automatic"}}})

    async def dead_or_done() -> bool:
        body = await lab.read()
        return not operator.running or (is_ready(body) and body["status"].get("version") == "41.5.1")

    kills = 0
    while kills < MOST:
        await eventually(dead_or_done, 40)
        if operator.running:
            break
        kills += 1
        rule.moments.clear()
        rule.seen = 0 if after else -1  # the write before which it died must pass the next time
        with contextlib.suppress(RuntimeError):  # killed again before it was ready
            await operator.started()
    lab.proxy.clear()
    await lab.ready(within=40)
    watching.cancel()
    assert 10 < kills < MOST
    assert rucio.database.revision == NEWEST
    assert max(most) == rucio.database.at_once == 1
    assert len(rucio.database.migrations) == 1
    assert await deployments(lab) == {"x-server": 3, "x-reaper": 1, "x-minos": 1}
