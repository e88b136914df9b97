"""What the API server takes of a QoSProbe, and cannot work, is told in status with field and mend; nothing is made."""

from typing import Any

from tests.support.bad_input import table
from tests.support.client import DATALAKE, Object
from tests.support.lab import Lab
from tests.support.objects import condition, is_stalled, xcache
from tests.support.waiting import eventually

ROWS = [row for row in table() if row.kind == "QoSProbe" and not row.server]


async def make(lab: Lab, **spec: Any) -> None:
    """A probe `x` of just this spec."""
    meta = {"name": "x", "namespace": lab.namespace}
    await lab.admin.create({"apiVersion": DATALAKE, "kind": "QoSProbe", "metadata": meta, "spec": spec})


async def stalled(lab: Lab, name: str) -> Object:
    """The condition that tells what its author must do."""
    body = await lab.until(lambda body: bool(condition(body, "Stalled")), name, within=30)
    assert condition(body, "Ready")["status"] == "False"
    return condition(body, "Stalled")


async def test_every_such_row_of_the_table_is_stalled_with_the_words_of_offline_validation(lab: Lab) -> None:
    assert len(ROWS) > 5
    lab.kind = "QoSProbe"
    await lab.operator()
    for number, row in enumerate(ROWS):
        body = row.manifest
        body["metadata"] |= {"name": f"bad-{number}", "namespace": lab.namespace}
        await lab.admin.create(body)
    for number, row in enumerate(ROWS):
        told = await stalled(lab, f"bad-{number}")
        assert told["message"] == "; ".join(row.validate), row.sentence
        assert not await lab.children(f"bad-{number}"), row.sentence


async def test_a_time_zone_that_nobody_knows_is_told_in_the_words_of_the_api_server(lab: Lab) -> None:
    lab.kind = "QoSProbe"
    await lab.operator()
    tcp = {"targets": [{"name": "a", "host": "a.example.org", "port": 1}]}
    await make(lab, schedule="0 3 * * *", timeZone="Mars/Olympus", tcp=tcp)
    told = await stalled(lab, "x")
    assert told["reason"] == "ApplyRefused"
    assert "timeZone" in told["message"]
    assert "Mars/Olympus" in told["message"]


async def test_a_missing_cache_is_waited_for_and_one_that_cannot_be_written_through_is_told(lab: Lab) -> None:
    lab.kind = "QoSProbe"
    await lab.operator()
    await make(lab, interval="15m", cache={"xcacheRef": {"name": "edge"}, "generated": {}})
    body = await lab.until(lambda body: condition(body, "Ready").get("reason") == "DependencyMissing")
    assert "XCacheNode edge" in condition(body, "Ready")["message"]
    assert not condition(body, "Stalled")
    assert not await lab.children()
    await lab.admin.create(xcache("edge", lab.namespace))
    await lab.until(lambda body: is_stalled(body, "InvalidSpec"), within=30)
    assert "XCacheNode edge exports / only" in (await stalled(lab, "x"))["message"]
    exports = {"spec": {"exports": ["/probe"]}}
    await lab.admin.patch("XCacheNode", "edge", lab.namespace, exports)

    async def made() -> bool:
        return {kind for kind, _ in await lab.children()} == {"ConfigMap", "CronJob"}

    await eventually(made, 30)
