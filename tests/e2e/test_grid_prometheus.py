"""A real Prometheus scrapes the operator and the cache of this cluster: what it is asked, it can answer."""

import asyncio
from pathlib import Path

from tests.demo.kubectl import Kubectl
from tests.e2e.grid import origins, probes
from tests.e2e.grid.names import GRID
from tests.e2e.grid.probes import MESH, RUCIO, STORAGE, TCP
from tests.e2e.grid.scraped import scraped
from tests.monitoring import expressions
from tests.monitoring.prometheus import Prometheus
from tests.support.waiting import eventually

NOBODY = {
    "datalake_reconciles_total{result=\"error\"}",
    "datalake_resource_condition{kind=\"RucioServer\",type=\"Suspended\"}",
    "datalake_resource_condition{kind=\"XCacheNode\",type=\"Suspended\"}",
    "datalake_resource_condition{type=\"Suspended\"}",
    "datalake_resource_condition{type=\"Stalled\"}",
}  # fmt: skip
"""Series that nobody has, where all is well."""


async def test_every_query_returns_data_no_alert_fires_and_then_the_one_that_must(
    grid: Kubectl, tmp_path: Path
) -> None:
    backup = f"{RUCIO}-backup"
    grid("create", "job", f"{backup}-now", f"--from=cronjob/{backup}", "--namespace", GRID)
    await asyncio.to_thread(probes.run, grid)  # where this is the only test
    async with scraped(grid, tmp_path) as running:
        await eventually(running.all_up, within=60, message="every target is scraped")
        await asyncio.to_thread(probes.run, grid)
        await _no_query_is_empty(running)
        assert await _firing(running) == set()

        await asyncio.to_thread(origins.switch, grid, "A", "down")
        try:
            for _ in range(2):
                await asyncio.to_thread(probes.run, grid, (MESH, STORAGE, TCP))

            async def told() -> bool:
                found = await _firing(running)
                return bool(found) and {(name, endpoint) for name, endpoint in found} == {
                    ("DatalakeEndpointCritical", "A")
                }

            await eventually(told, within=60, message="the alert about A, and no other")
        finally:
            await asyncio.to_thread(origins.switch, grid, "A", "sound")


async def _no_query_is_empty(running: Prometheus) -> None:
    everything = expressions.of_records() | expressions.of_dashboard()
    empty = set(everything)

    async def none_is_empty() -> bool:
        for name in tuple(empty):
            if await running.query(everything[name]):
                empty.discard(name)
        assert not empty
        return True

    await eventually(none_is_empty, within=90, message="every query returns data")
    # An alert that is quiet returns nothing: what it reads must be there.
    read = {one for expr in expressions.of_alerts().values() for one in expressions.selectors(expr)} - NOBODY
    assert [one for one in sorted(read) if not await running.query(f"count({one})")] == []


async def _firing(running: Prometheus) -> set[tuple[str, str]]:
    """Name and endpoint of each alert that fires."""
    alerts = (await running.api("alerts"))["alerts"]
    labels = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
    return {(one["alertname"], one.get("endpoint", "")) for one in labels}
