"""A real Prometheus watches the real lake: no query comes back empty, and one endpoint that is down is one alert."""

import asyncio
from pathlib import Path

import pytest

from datalake_operator.cli.monitoring import files
from datalake_operator.metrics.probes import FAMILIES
from tests.cluster import Cluster, packages
from tests.demo.kubectl import Kubectl
from tests.e2e.grid import origins, probes, watcher
from tests.e2e.grid.names import GRID
from tests.e2e.grid.probes import ALL, CACHE, MESH, TCP
from tests.monitoring import expressions
from tests.monitoring.prometheus import Prometheus, impatient, prometheus
from tests.support.postgres import free_port
from tests.support.waiting import eventually

NOT_HERE = {
    "Age of heartbeats A": "the Rucio of this lake has no daemons",
    "Age of the newest dump A": "and its database no backup",
}
"""Queries about what this lake has not; tests/monitoring asks them too."""
ELSEWHERE = {"datalake_rucio_heartbeat_age_seconds", "datalake_rucio_backup_age_seconds"}
RARE = {"datalake_probe_pair_interval_seconds"}
"""Series of probes whose pairs take turns."""


@pytest.fixture(autouse=True)
def _packages() -> None:
    packages.ensure(packages.MONITORING)


async def test_every_query_returns_data_and_a_broken_endpoint_is_one_alert(
    node: Cluster, grid: Kubectl, tmp_path: Path
) -> None:
    rules = impatient(files()["rules.yaml"])
    async with prometheus(tmp_path, free_port(), watcher.jobs(node, tmp_path), rules) as running:
        await eventually(running.all_up, within=60, message="operator and cache are scraped")
        await asyncio.to_thread(probes.run, grid, ALL)
        await asyncio.to_thread(origins.switch, grid, "A", "down")
        try:
            for _ in range(2):
                # The cache tells of its first files only with the next ones.
                await asyncio.to_thread(probes.run, grid, (MESH, TCP, CACHE))
            await eventually(lambda: _blamed(running, ["A"]), within=60, message="A is blamed, and nobody else")
            await _queries_return_data(running)
        finally:
            await asyncio.to_thread(origins.switch, grid, "A", "sound")
        for _ in range(2):
            await asyncio.to_thread(probes.run, grid, (MESH, TCP))
        await eventually(lambda: _blamed(running, []), within=60, message="nobody is blamed any more")


async def _blamed(running: Prometheus, endpoints: list[str]) -> bool:
    """Whether exactly these endpoints have an alert, and no pair has one beside."""
    firing = [alert["labels"] for alert in (await running.api("alerts"))["alerts"]]
    ours = [labels for labels in firing if labels.get("namespace") == GRID]
    assert sorted(one["endpoint"] for one in ours if one["alertname"] == "DatalakeEndpointCritical") == endpoints
    assert [one for one in ours if one["alertname"] == "DatalakePairCritical"] == []
    return True


async def _queries_return_data(running: Prometheus) -> None:
    everything = expressions.of_records() | expressions.of_dashboard()
    empty = set(everything) - set(NOT_HERE)

    async def none_is_empty() -> bool:
        for name in tuple(empty):
            if await running.query(everything[name]):
                empty.discard(name)
        assert not empty
        return True

    await eventually(none_is_empty, within=90, message="every query returns data")
    read = {name for expr in expressions.of_alerts().values() for name in expressions.names(expr)}
    for name in (read | set(FAMILIES)) - ELSEWHERE - RARE:
        assert await running.query(f"count({name})"), name
    rules = [rule for group in (await running.api("rules"))["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}, [rule.get("lastError") for rule in rules]
