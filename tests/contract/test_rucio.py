"""A RucioServer from nothing to Ready and to its end, counted and watched."""

import asyncio
import base64
from typing import Any

import pytest

from tests.support.calls import Answer
from tests.support.client import Object
from tests.support.kubelet import Kubelet
from tests.support.lab import Lab
from tests.support.objects import condition, is_current, is_ready, is_stalled
from tests.support.rucio import Rucio
from tests.support.waiting import eventually, stays

pytestmark = pytest.mark.usefixtures("rucio")

DAEMONS = 11
"""Of the preset Minimal."""


def verdicts(body: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["type"], one["status"], one["reason"]) for one in body.get("status", {}).get("conditions", [])}


async def made(lab: Lab, **spec: Any) -> Object:
    """Create one and wait until it is Ready and nothing more happens."""
    await lab.create(**spec)
    await lab.ready(within=30)
    await lab.quiet()
    return await lab.read()


async def replicas(lab: Lab, name: str = "x-server") -> int:
    return int((await lab.admin.get("Deployment", name, lab.namespace))["spec"]["replicas"])


async def test_a_new_one_becomes_ready_and_each_write_beyond_its_children_tells_of_a_transition(lab: Lab) -> None:
    await lab.operator()
    start = await lab.audit.mark()
    created = await lab.create()
    seen: list[dict[str, Any]] = []

    async def follow() -> None:
        async for event in lab.admin.watch("RucioServer", lab.namespace, created["metadata"]["resourceVersion"]):
            seen.append(event["object"])  # noqa: PERF401 - the watch does not end

    following = asyncio.create_task(follow())
    await lab.ready(within=30)
    await lab.quiet(1)
    following.cancel()
    requests = await lab.audit.since(start)
    children, writes = await lab.children(), requests.writes(lab.user)
    assert len([name for kind, name in children if kind == "Deployment"]) == 1 + DAEMONS
    transitions = sum(verdicts(a) != verdicts(b) for a, b in zip([{}, *seen], seen, strict=False))
    told = f"{writes.counts()}\n" + "\n".join(str(verdicts(body)) for body in seen)
    assert len(writes) <= len(children) + transitions, told
    assert len(requests.gets(lab.user)) <= len(children), str(requests.gets(lab.user))
    assert len(requests.events(lab.user)) <= 2, str(requests.events(lab.user))


async def test_nothing_is_written_or_read_at_rest_nor_after_a_restart(lab: Lab, rucio: Rucio) -> None:
    operator = await lab.operator(resync="1s")
    await made(lab)
    start = await lab.audit.mark()
    before, logins = await operator.metric("datalake_reconciles_total"), rucio.logins

    async def passed() -> bool:
        return await operator.metric("datalake_reconciles_total") >= before + 3

    await eventually(passed, 20)
    await operator.stop()
    await operator.started()
    await eventually(lambda: rucio.logins > logins, 20, "the operator asks again")
    before = await operator.metric("datalake_reconciles_total")
    await eventually(passed, 20)  # it comes to no rest, as it looks again every second
    requests = await lab.audit.since(start)
    assert not requests.writes(lab.user), str(requests.writes(lab.user))
    assert not requests.gets(lab.user), str(requests.gets(lab.user))
    assert not requests.events(lab.user)
    assert rucio.logins == logins + 1, "one login for each start"


async def test_the_metrics_tell_of_it(lab: Lab) -> None:
    operator = await lab.operator()
    await made(lab)
    for check in ("server", "database", "login", "heartbeats"):
        assert await operator.metric("datalake_rucio_up", name="x", check=check) == 1

    async def is_told() -> bool:
        return await operator.metric("datalake_rucio_schema_info", name="x", version="41.5.1") == 1

    await eventually(is_told)  # as soon as the operator has its own status back
    ages = (await operator.metrics())["datalake_rucio_heartbeat_age_seconds"]
    assert len(ages) == DAEMONS
    assert all(-2 < age < 60 for age in ages.values())
    await lab.admin.delete("RucioServer", "x", lab.namespace)

    async def gone() -> bool:
        return "datalake_rucio_up" not in await operator.metrics()

    await eventually(gone)


@pytest.mark.parametrize("name", ["x-server", "x-reaper"])
async def test_a_deployment_that_somebody_deletes_or_changes_is_mended(name: str, lab: Lab) -> None:
    await lab.operator()
    await made(lab)
    await lab.admin.delete("Deployment", name, lab.namespace)

    async def back() -> Object | None:
        return await lab.admin.find("Deployment", name, lab.namespace)

    body = await eventually(back, 5)
    assert body is not None
    image = body["spec"]["template"]["spec"]["containers"][0]["image"]
    await lab.admin.patch(
        "Deployment", name, lab.namespace, {"metadata": {"labels": {"app.kubernetes.io/version": "x"}}}
    )

    async def mended() -> bool:
        labels = (await lab.admin.get("Deployment", name, lab.namespace))["metadata"]["labels"]
        return bool(labels["app.kubernetes.io/version"] in image)

    await eventually(mended, 5)


async def test_the_replicas_of_a_scaler_are_left_alone_and_survive_a_change(lab: Lab) -> None:
    await lab.operator()
    await made(lab)
    assert await replicas(lab) == 2
    start = await lab.audit.mark()
    await lab.admin.patch("Deployment", "x-server", lab.namespace, {"spec": {"replicas": 5}})
    await lab.quiet(1)
    assert await replicas(lab) == 5
    touched = {entry.resource for entry in await lab.writes(start)}
    assert touched <= {"rucioservers/status"}
    await lab.change({"spec": {"server": {"processes": 3}}})

    async def changed() -> bool:
        body = await lab.admin.get("Deployment", "x-server", lab.namespace)
        return "'3'" in str(body["spec"]["template"]["spec"]["containers"][0]["env"])

    await eventually(changed)
    assert await replicas(lab) == 5
    await lab.change({"spec": {"replicas": 1}})

    async def ours() -> bool:
        return await replicas(lab) == 1

    await eventually(ours)
    await lab.ready()


async def test_a_budget_for_disruptions_unless_there_is_one_replica(lab: Lab) -> None:
    await lab.operator()
    await made(lab)
    budget = await lab.admin.get("PodDisruptionBudget", "x-server", lab.namespace)
    assert budget["spec"]["maxUnavailable"] == 1
    await lab.change({"spec": {"replicas": 1}})

    async def gone() -> bool:
        return await lab.admin.find("PodDisruptionBudget", "x-server", lab.namespace) is None

    await eventually(gone)


KEPT = {("Secret", "x-root"), ("Secret", "x-database")} | {
    ("PersistentVolumeClaim", f"x-{name}") for name in ("postgres", "backup")
}


async def test_what_is_retained_is_used_again_by_the_next_one_of_the_name(lab: Lab) -> None:
    await lab.operator()
    await made(lab)
    before = await lab.children()
    for kind, name in before:
        assert bool(before[kind, name]["metadata"].get("ownerReferences")) == ((kind, name) not in KEPT), (kind, name)
    await lab.admin.delete("RucioServer", "x", lab.namespace)
    for kind, name in before.keys() - KEPT:
        await lab.admin.delete(kind, name, lab.namespace)
    await made(lab)
    after = await lab.children()
    for key in KEPT:
        assert after[key]["metadata"]["uid"] == before[key]["metadata"]["uid"]
        assert after[key].get("data") == before[key].get("data")


async def test_with_the_policy_delete_everything_has_an_owner_and_a_change_of_policy_holds(lab: Lab) -> None:
    await lab.operator()
    await made(lab, deletionPolicy="Delete")
    before = await lab.children()
    assert all(child["metadata"].get("ownerReferences") for child in before.values())
    await lab.change({"spec": {"deletionPolicy": "Retain"}})

    async def owned(*, by_it: bool) -> bool:
        children = await lab.children()
        return all(bool(children[key]["metadata"].get("ownerReferences")) is by_it for key in KEPT)

    await eventually(lambda: owned(by_it=False))
    await lab.change({"spec": {"deletionPolicy": "Delete"}})
    await eventually(lambda: owned(by_it=True))
    after = await lab.children()
    assert all(after[key].get("data") == before[key].get("data") for key in KEPT)


async def test_a_strangers_secret_is_left_untouched(lab: Lab) -> None:
    meta = {"name": "x-root", "namespace": lab.namespace}
    stranger = await lab.admin.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"a": "b"}}
    )
    await lab.operator()
    await lab.create()
    body = await lab.until(lambda body: is_stalled(body, "NameTaken"))
    assert "Secret x-root" in condition(body, "Stalled")["message"]
    assert await lab.admin.get("Secret", "x-root", lab.namespace) == stranger
    await lab.admin.delete("Secret", "x-root", lab.namespace)
    await lab.ready(within=30)


async def test_passwords_are_found_nowhere_but_in_their_secrets(lab: Lab, rucio: Rucio) -> None:
    operator = await lab.operator(log_level="DEBUG")
    start = await lab.audit.mark()
    await made(lab)
    rucio.password = "another"  # noqa: S105 - of nothing real
    await lab.admin.patch("Secret", "x-root", lab.namespace, {"stringData": {"password": 5 * "new-secret"}})
    await lab.until(lambda body: condition(body, "Authenticated").get("status") == "False")
    kinds = ("RucioServer", "Event", "ConfigMap", "Pod", "Deployment", "StatefulSet", "Job", "CronJob", "Service")
    said = [str(await lab.admin.list(kind, lab.namespace)) for kind in kinds]
    said += [operator.log(), await operator.page("/metrics"), lab.audit.text(start)]
    for name in ("x-root", "x-database"):
        secret = await lab.admin.get("Secret", name, lab.namespace)
        encoded = secret["data"]["password"]
        for password in (encoded, base64.b64decode(encoded).decode()):
            assert len(password) > 40
            assert not any(password in text for text in said)


async def test_while_suspended_nothing_is_written_and_the_truth_is_told(lab: Lab, kubelet: Kubelet) -> None:
    await lab.operator()
    await made(lab)
    await lab.change({"spec": {"suspend": True, "server": {"processes": 3}}})
    await lab.until(lambda body: is_current(body) and condition(body, "Suspended"))
    start = await lab.audit.mark()
    await lab.admin.delete("Deployment", "x-reaper", lab.namespace)
    kubelet.unready.add("server")
    await kubelet.sync()
    await lab.until(lambda body: condition(body, "ServerReady").get("status") == "False")
    assert {entry.resource for entry in await lab.writes(start)} <= {"rucioservers/status"}
    kubelet.unready.clear()
    await lab.change({"spec": {"suspend": False}})
    await lab.ready(within=30)
    assert await lab.admin.find("Deployment", "x-reaper", lab.namespace)


async def test_a_suspended_one_is_never_begun(lab: Lab) -> None:
    await lab.operator()
    await lab.create(suspend=True)
    await lab.until(lambda body: condition(body, "Suspended"))
    await lab.quiet(1)
    assert not await lab.children()


async def templates(lab: Lab) -> dict[str, Any]:
    """Pod templates of all workloads by kind and name."""
    return {
        f"{kind}/{name}": child["spec"]["template"]
        for (kind, name), child in (await lab.children()).items()
        if kind in ("Deployment", "StatefulSet", "Job")
    }


async def changed_by(lab: Lab, secret: str, key: str, awaited: str) -> set[str]:
    """Change one value of a Secret; return the workloads whose template is another once that of `awaited` is."""
    before = await templates(lab)
    await lab.admin.patch("Secret", secret, lab.namespace, {"stringData": {key: "new"}})

    async def changed() -> set[str]:
        after = await templates(lab)
        found = {name for name in before | after if before.get(name) != after.get(name)}
        assert any(name.startswith(awaited) for name in found), found
        return found

    await eventually(changed, 30)
    await lab.ready(within=30)
    await lab.quiet(1)
    return await changed()


async def test_a_secret_that_rotates_rolls_what_uses_it_and_nothing_else(lab: Lab) -> None:
    meta = {"namespace": lab.namespace}
    for name in ("tokens", "accounts"):
        await lab.admin.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, **meta}, "stringData": {"k": "old"}}
        )
    await lab.operator()
    await made(
        lab,
        secretConfig=[{"section": "oidc", "option": "secret", "secretKeyRef": {"name": "tokens", "key": "k"}}],
        files=[{"name": "a.cfg", "secretKeyRef": {"name": "accounts", "key": "k"}, "for": ["reaper"]}],
    )
    assert await changed_by(lab, "accounts", "k", "Deployment/x-reaper") == {"Deployment/x-reaper"}
    rolled = await changed_by(lab, "x-root", "password", "Job/x-db-")
    assert all(name.startswith("Job/x-db-") for name in rolled), "root's password rolls no pod"
    rolled = await changed_by(lab, "tokens", "k", "Deployment/x-undertaker")
    assert {"Deployment/x-server", "Deployment/x-reaper"} <= rolled
    assert "StatefulSet/x-postgres" not in rolled
    assert "StatefulSet/x-postgres" in await changed_by(lab, "x-database", "password", "Deployment/x-undertaker")


async def test_a_missing_secret_or_key_is_waited_for_and_named(lab: Lab, rucio: Rucio) -> None:
    rucio.password = "p"  # noqa: S105 - of nothing real
    await lab.operator()
    await lab.create(rootAccount={"secretRef": {"name": "mine"}})
    body = await lab.until(lambda body: condition(body, "Ready").get("reason") == "DependencyMissing")
    assert "Secret mine" in condition(body, "Ready")["message"]
    meta = {"name": "mine", "namespace": lab.namespace}
    await lab.admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"username": "root"}})
    body = await lab.until(lambda body: "key password" in condition(body, "Ready").get("message", ""))
    assert condition(body, "Reconciling")
    assert not await lab.children()
    await lab.admin.patch("Secret", "mine", lab.namespace, {"stringData": {"password": "p"}})
    await lab.until(is_ready, within=30)
    assert await lab.admin.find("Secret", "x-root", lab.namespace) is None


async def test_without_the_right_to_know_the_cluster_no_database_is_touched(lab: Lab, rucio: Rucio) -> None:
    lab.proxy.add(Answer(403, "Forbidden", "no right to list namespaces"), resource="namespaces", times=None)
    operator = await lab.operator()
    await lab.create()
    body = await lab.until(lambda body: condition(body, "Ready").get("reason") == "DependencyUnknown")
    assert "no right to list namespaces" in condition(body, "Ready")["message"]
    assert condition(body, "Reconciling")
    assert not await lab.children()
    assert not rucio.database.asked
    assert [record["level"] for record in operator.records() if "kube-system" in str(record)] == ["WARNING"]
    lab.proxy.clear()
    await lab.ready(within=40)


BAD: dict[str, dict[str, Any]] = {
    "UnknownVersion": {"version": "99.0.0"},
    "UnknownDaemon": {"daemons": {"instances": [{"name": "reapr"}]}},
    "UnknownFlag": {"daemons": {"instances": [{"name": "reaper", "options": [{"flag": "greedi"}]}]}},
}


@pytest.mark.parametrize("reason", BAD)
async def test_bad_input_is_told_and_nothing_is_made_nor_touched(reason: str, lab: Lab) -> None:
    await lab.operator()
    await lab.create("fresh", **BAD[reason])
    body = await lab.until(lambda body: is_stalled(body, reason), "fresh")
    assert condition(body, "Ready")["reason"] == reason
    assert not await lab.children("fresh")
    await made(lab)
    before = await templates(lab)
    await lab.change({"spec": BAD[reason]})
    await lab.until(lambda body: is_stalled(body, reason))

    async def same() -> bool:
        return await templates(lab) == before

    await stays(same, 1)
