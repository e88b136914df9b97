"""A QoSProbe from nothing to a verdict, counted and watched: what becomes of runs, of requests, of trouble."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.client import Client, Object
from tests.support.lab import Lab
from tests.support.objects import condition, is_current, is_ready, is_stalled, xcache
from tests.support.probe_jobs import ProbeJobs, cell, envelope
from tests.support.waiting import eventually

NOW = "datalake.projectescape.eu/reconcile-at"


@pytest.fixture
def runs(admin: Client, namespace: str, lab: Lab) -> ProbeJobs:
    """Whoever makes and ends Jobs; the lab works with probes from now on."""
    lab.kind = "QoSProbe"
    return ProbeJobs(admin, namespace)


def states(body: Object) -> dict[str, tuple[str, str | None]]:
    """State and reason of each cell by its source."""
    cells = body.get("status", {}).get("cells", ())
    return {one["source"]: (one["state"], one.get("reason")) for one in cells}


def last_run(body: Object) -> str:
    """Id of the last run that counts."""
    return str(body.get("status", {}).get("lastRun", {}).get("id", ""))


async def counted(lab: Lab, run: str, name: str = "x") -> Object:
    """Wait until a run counts."""
    return await lab.until(lambda body: last_run(body) == run, name, message=f"{run} is the last run")


async def test_a_new_probe_costs_its_children_and_one_write_and_each_run_one_more(lab: Lab, runs: ProbeJobs) -> None:
    operator = await lab.operator()
    start = await lab.audit.mark()
    await lab.create()
    await lab.ready()
    await lab.quiet(1)
    requests, children = await lab.audit.since(start), await lab.children()
    assert sorted(kind for kind, _ in children) == ["ConfigMap", "CronJob"]
    assert len(requests.writes(lab.user)) <= len(children) + 1, str(requests.writes(lab.user))
    assert len(requests.gets(lab.user)) <= len(children)
    start = await lab.audit.mark()
    for _ in range(3):
        await counted(lab, await runs.run("x", [cell("a", m={"connect_seconds": 0.01})]))
    await lab.quiet(1)
    writes = await lab.writes(start)
    assert [(one.verb, one.resource) for one in writes] == [("patch", "qosprobes/status")] * 3, str(writes)
    body = await lab.read()
    assert states(body) == {"a": ("ok", None)}
    assert condition(body, "Healthy")["status"] == "True"
    await operator.stop()
    start = await lab.audit.mark()
    await operator.started()
    await lab.quiet(1)
    requests = await lab.audit.since(start)
    assert not requests.writes(lab.user), str(requests.writes(lab.user))
    assert not requests.gets(lab.user), str(requests.gets(lab.user))


async def test_red_after_confirmations_and_green_after_recoveries(lab: Lab, runs: ProbeJobs) -> None:
    await lab.operator()
    await lab.create()
    await counted(lab, await runs.run("x", [cell("a")]))
    body = await counted(lab, await runs.run("x", [cell("a", "bad", reason="Refused")]))
    assert states(body)["a"][0] != "critical"
    body = await counted(lab, await runs.run("x", [cell("a", "bad", reason="Refused")]))
    assert states(body) == {"a": ("critical", "Refused")}
    assert condition(body, "Healthy")["status"] == "False"
    assert condition(body, "Ready")["status"] == "True", "the probe itself is well"
    await counted(lab, await runs.run("x", [cell("a")]))
    body = await counted(lab, await runs.run("x", [cell("a")]))
    assert states(body) == {"a": ("ok", None)}


MESH: dict[str, Any] = {
    "tcp": None,
    "endpoints": [
        {
            "name": f"site-{number:02}-storage",
            "site": f"site-{number:02}",
            "urls": [{"protocol": "root", "url": f"root://s{number:02}.example.org:1094//probe"}],
        }
        for number in range(30)
    ],
    "transfer": {
        "sources": [f"site-{number:02}-storage" for number in range(30)],
        "destinations": [f"site-{number:02}-storage" for number in range(30)],
        "payload": {"size": "1Mi"},
        "maxBytesPerDay": "1Ti",
        "maxConcurrent": 8,
        "maxConcurrentPerEndpoint": 4,
    },
    "timeout": "30m",
    "interval": "1h",
}


async def test_a_mesh_over_many_pods_is_one_run_even_where_one_pod_says_nothing(lab: Lab, runs: ProbeJobs) -> None:
    await lab.operator()
    await lab.create(**MESH)
    job = await runs.begin("x")
    name, names = job["metadata"]["name"], MESH["transfer"]["sources"]
    assert job["spec"]["completions"] == len(names)
    messages = []
    for index, source in enumerate(names):
        cells = [cell(one, protocol="root") for one in names]
        cells += [cell(source, destination=one, protocol="root") for one in names if one != source]
        messages.append(envelope(name, cells, kind="transfer", index=index) if index != 3 else "")
    start = await lab.audit.mark()
    await runs.end(job, *messages)
    body = await counted(lab, name)
    await lab.quiet(1)
    assert len(await lab.writes(start)) == 1
    assert body["status"]["summary"]["unknown"] == 29
    assert body["status"]["summary"]["ok"] == 30 * 29 + 30 - 29
    assert {one["source"] for one in body["status"]["cells"] if one["state"] == "unknown"} == {names[3]}


async def test_a_run_on_request_happens_once_and_after_the_one_that_goes_on(lab: Lab, runs: ProbeJobs) -> None:
    await lab.operator()
    await lab.create()
    job = await runs.begin("x")
    await lab.change({"metadata": {"annotations": {NOW: "one"}}})
    await lab.quiet(1)
    assert "lastHandledReconcileAt" not in (await lab.read())["status"]
    start = await lab.audit.mark()
    await runs.end(job, envelope(job["metadata"]["name"], [cell("a")]))
    await lab.until(lambda body: body["status"].get("lastHandledReconcileAt") == "one")
    await lab.quiet()
    writes = await lab.writes(start)
    assert [one.resource for one in writes.of(verb="create")] == ["jobs"]
    assert len(writes.of(verb="patch")) <= 2, str(writes)
    mine = [one for one in await lab.admin.list("Job", lab.namespace) if _owner(one) == "QoSProbe"]
    assert len(mine) == 1
    name = mine[0]["metadata"]["name"]
    await runs.take(mine[0])
    mine[0] = await lab.admin.get("Job", name, lab.namespace)
    await runs.end(mine[0], envelope(name, [cell("a")]))
    await counted(lab, name)
    await lab.admin.delete("Job", name, lab.namespace)  # as its time to live would
    await lab.quiet(1)
    assert not [one for one in await lab.admin.list("Job", lab.namespace) if _owner(one) == "QoSProbe"]


def _owner(job: Object) -> str:
    return str(job["metadata"]["ownerReferences"][0]["kind"])


@pytest.mark.usefixtures("runs")
async def test_suspend_stops_the_cron_job_and_writes_nothing_else(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.quiet()
    before = await lab.admin.get("CronJob", "x", lab.namespace)
    start = await lab.audit.mark()
    await lab.change({"spec": {"suspend": True, "timeout": "1m"}})
    await lab.until(lambda body: condition(body, "Suspended"))
    await lab.quiet(1)
    writes = await lab.writes(start)
    assert sorted(one.resource for one in writes) == ["cronjobs", "qosprobes/status"], str(writes)
    after = await lab.admin.get("CronJob", "x", lab.namespace)
    assert after["spec"] == before["spec"] | {"suspend": True}
    await lab.change({"spec": {"suspend": False, "timeout": "5m"}})
    await lab.until(lambda body: is_ready(body) and not condition(body, "Suspended"))
    assert (await lab.admin.get("CronJob", "x", lab.namespace))["spec"] == before["spec"]


async def test_a_job_that_cannot_get_its_image_makes_room_for_the_next(lab: Lab, runs: ProbeJobs) -> None:
    await lab.operator()
    await lab.create()
    job = await runs.begin("x")
    name = job["metadata"]["name"]
    await runs.waits(job, "ImagePullBackOff")
    body = await counted(lab, name)
    assert condition(body, "Ready")["reason"] == "ImageUnavailable"
    assert states(body) == {"a": ("unknown", "ImageUnavailable")}

    async def is_gone() -> bool:
        return await lab.admin.find("Job", name, lab.namespace) is None

    await eventually(is_gone)
    await counted(lab, await runs.run("x", [cell("a")]))
    await lab.ready()


@pytest.mark.usefixtures("runs")
async def test_probes_that_mean_different_things_by_a_name_both_tell(lab: Lab) -> None:
    def storage(url: str) -> dict[str, Any]:
        endpoint = {"name": "E", "site": "S", "urls": [{"protocol": "root", "url": url}]}
        return {"tcp": None, "endpoints": [endpoint], "storage": {"endpoints": ["E"]}}

    await lab.operator()
    await lab.create("one", **storage("root://one.example.org//d"))
    await lab.ready("one")
    await lab.create("two", **storage("root://two.example.org//d"))
    for name, other in (("one", "two"), ("two", "one")):
        body = await lab.until(lambda body: condition(body, "EndpointConflict"), name)
        assert f"E has another root URL in QoSProbe {other}" in condition(body, "EndpointConflict")["message"]
        assert is_ready(body)
    await lab.admin.delete("QoSProbe", "two", lab.namespace)
    await lab.until(lambda body: not condition(body, "EndpointConflict"), "one")


async def config_map(lab: Lab, name: str, **data: str) -> None:
    await lab.admin.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": lab.namespace}, "data": data}
    )


async def test_maintenance_from_a_config_map_holds_as_soon_as_it_is_written(lab: Lab, runs: ProbeJobs) -> None:
    await lab.operator()
    await lab.create(maintenanceFrom=[{"configMapRef": {"name": "gocdb", "key": "list"}}])
    await lab.until(lambda body: condition(body, "Ready")["reason"] == "DependencyMissing")
    await config_map(lab, "gocdb", list="[]")
    await lab.ready()
    for _ in range(2):
        await counted(lab, await runs.run("x", [cell("a", "bad")]))
    assert states(await lab.read()) == {"a": ("critical", "Refused")}
    now = datetime.now(UTC)
    times = [(now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (-1, 1)]
    good = f"{{name: upgrade, from: {times[0]}, to: {times[1]}, endpoints: [a], reason: new kernel}}"
    await config_map(lab, "gocdb", list=f"- {good}\n- {{name: broken, from: {times[0]}}}\n")
    body = await lab.until(lambda body: states(body)["a"][0] == "maintenance")
    ready = condition(body, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "MaintenanceInvalid")
    for word in ("ConfigMap gocdb", "key list", "entry 2 ('broken')", "to: is required"):
        assert word in ready["message"]
    await config_map(lab, "gocdb", list="")
    await lab.until(lambda body: is_ready(body) and states(body) == {"a": ("critical", "Refused")})


async def test_a_cache_that_drains_is_in_maintenance(lab: Lab, runs: ProbeJobs) -> None:
    await lab.admin.create(xcache("c", lab.namespace))
    await lab.operator()
    await lab.create(tcp=None, cache={"xcacheRef": {"name": "c"}, "file": {"path": "f", "adler32": "00000001"}})
    await lab.ready()
    for _ in range(2):
        await counted(lab, await runs.run("x", [cell("c", "bad", protocol="root")], kind="cache"))
    assert states(await lab.read())["c"][0] == "critical"
    drains: Object = {
        "type": "Draining",
        "status": "True",
        "reason": "DrainRequested",
        "message": "new clients are sent away",
    }
    drains |= {"lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "observedGeneration": 1}
    node = await lab.admin.get("XCacheNode", "c", lab.namespace)
    manifest = {part: node[part] for part in ("apiVersion", "kind")}
    manifest |= {"metadata": {"name": "c", "namespace": lab.namespace}, "status": {"conditions": [drains]}}
    await lab.admin.apply(manifest, subresource="status")
    await lab.until(lambda body: states(body)["c"][0] == "maintenance")


async def test_a_refused_spec_is_stalled_and_what_runs_is_still_judged(lab: Lab, runs: ProbeJobs) -> None:
    await lab.operator()
    await lab.create()
    await lab.ready()
    before = await lab.admin.get("CronJob", "x", lab.namespace)
    limit = {"measurement": "connect_seconds", "atMost": {"warning": "1", "critical": "2"}, "window": "720h"}
    await lab.change({"spec": {"thresholds": [limit]}})
    await lab.until(lambda body: is_stalled(body, "HistoryTooShort"))
    body = await counted(lab, await runs.run("x", [cell("a")]))
    assert states(body) == {"a": ("ok", None)}
    assert (await lab.admin.get("CronJob", "x", lab.namespace))["metadata"]["uid"] == before["metadata"]["uid"]


async def test_an_old_plan_outlives_the_run_that_uses_it(lab: Lab, runs: ProbeJobs) -> None:
    await lab.operator()
    await lab.create()
    job = await runs.begin("x")
    await lab.change({"spec": {"timeout": "2m"}})
    await lab.until(is_current)
    await lab.quiet()
    assert len([kind for kind, _ in await lab.children() if kind == "ConfigMap"]) == 2
    await runs.end(job, envelope(job["metadata"]["name"], [cell("a")]))
    await counted(lab, job["metadata"]["name"])
    await counted(lab, await runs.run("x", [cell("a")]))
    await lab.quiet()
    assert len([kind for kind, _ in await lab.children() if kind == "ConfigMap"]) == 1
