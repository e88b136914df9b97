"""A real Prometheus scrapes the operator and the cache of this cluster: what it is asked, it can answer."""

import asyncio
from pathlib import Path

import pytest

from datalake_operator.metrics.probes import FAMILIES
from tests.cluster import packages
from tests.demo.kubectl import Kubectl
from tests.e2e.grid import origins, probes
from tests.e2e.grid.names import GRID
from tests.e2e.grid.probes import MESH, RUCIO, STORAGE, TCP
from tests.e2e.grid.scraped import scraped
from tests.monitoring import expressions
from tests.monitoring.prometheus import Prometheus
from tests.support.waiting import eventually

NOBODY = {
    "datalake_probe_pair_interval_seconds",
    "datalake_reconciles_total{result=\"error\"}",
    "datalake_resource_condition{kind=\"RucioServer\",type=\"Suspended\"}",
    "datalake_resource_condition{kind=\"XCacheNode\",type=\"Suspended\"}",
    "datalake_resource_condition{type=\"Suspended\"}",
    "datalake_resource_condition{type=\"Stalled\"}",
}  # fmt: skip
"""Series that nobody has, where all is well and no pairs take turns."""


@pytest.fixture(autouse=True)
def _packages() -> None:
    packages.ensure(packages.MONITORING)


async def test_every_query_returns_data_and_a_broken_endpoint_is_one_alert(grid: Kubectl, tmp_path: Path) -> None:
    backup = f"{RUCIO}-backup"
    grid("create", "job", f"{backup}-now", f"--from=cronjob/{backup}", "--namespace", GRID)
    await asyncio.to_thread(probes.run, grid)  # where this is the only test
    async with scraped(grid, tmp_path) as running:
        await eventually(running.all_up, within=60, message="every target is scraped")
        await asyncio.to_thread(probes.run, grid)
        await eventually(lambda: _fires(running, set()), within=30, message="no alert, where all is well")
        await asyncio.to_thread(origins.switch, grid, "A", "down")
        try:
            await _run_twice(grid)
            found = {("DatalakeEndpointCritical", "A")}
            await eventually(lambda: _fires(running, found), within=60, message="the alert about A, and no other")
            await _no_query_is_empty(running)  # now that there are failures, if there were none before
        finally:
            await asyncio.to_thread(origins.switch, grid, "A", "sound")
        await _run_twice(grid)
        await eventually(lambda: _fires(running, set()), within=60, message="no alert any more")


async def _run_twice(grid: Kubectl) -> None:
    for _ in range(2):
        await asyncio.to_thread(probes.run, grid, (MESH, STORAGE, TCP))


async def _no_query_is_empty(running: Prometheus) -> None:
    everything = expressions.of_records() | expressions.of_dashboard()
    await running.answers(everything.values(), within=90)
    # An alert that is quiet returns nothing: what it reads must be there.
    read = {one for expr in expressions.of_alerts().values() for one in expressions.selectors(expr)} | set(FAMILIES)
    assert [one for one in sorted(read - NOBODY) if not await running.query(f"count({one})")] == []
    rules = [rule for group in (await running.api("rules"))["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}, [rule.get("lastError") for rule in rules]


async def _fires(running: Prometheus, expected: set[tuple[str, str]]) -> bool:
    """Whether these alerts fire, by name and endpoint, and no other."""
    alerts = (await running.api("alerts"))["alerts"]
    labels = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
    assert {(one["alertname"], one.get("endpoint", "")) for one in labels} == expected
    return True
