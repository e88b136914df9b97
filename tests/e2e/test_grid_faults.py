"""The truth on a real lake: faults of many kinds, and what the grid says of each."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster import Cluster, waiting
from tests.demo.kubectl import Kubectl
from tests.e2e.grid import faults, probes, story
from tests.e2e.grid.names import GRID, ROOT, host
from tests.e2e.grid.said import wrong
from tests.e2e.grid.story import Row
from tests.support.client import DATALAKE

LANES, LAST = faults.lanes(), faults.everywhere()
TITLES = [fault.title for lane in (*LANES, LAST) for group in lane.groups for fault in group]

CLOCK = "clock"


@pytest.fixture(scope="module")
def clock(grid: Kubectl) -> str:
    """A probe that runs every minute, by itself. Its time passes while the others run for the first time."""
    spec = {"interval": "1m", "timeout": "30s", "tcp": {"targets": [{"name": "A", "host": host("A"), "port": ROOT}]}}
    metadata = {"name": CLOCK, "namespace": GRID}
    probes.apply(grid, [{"apiVersion": DATALAKE, "kind": "QoSProbe", "metadata": metadata, "spec": spec}])
    return CLOCK


@pytest.fixture(scope="module")
def first(grid: Kubectl, clock: str) -> list[str]:  # noqa: ARG001 - it is to begin meanwhile
    """What was wrong after the first run of all probes, nothing being the matter."""
    return [problem for body in probes.run(grid).values() for problem in wrong(body, ())]


@pytest.fixture(scope="module")
def rows(node: Cluster, grid: Kubectl, first: list[str]) -> dict[str, Row]:
    """What became of each fault, by title."""
    assert first == []
    place = faults.Place(grid, node)
    with ThreadPoolExecutor(len(LANES)) as pool:
        told = [row for rows in pool.map(lambda lane: story.tell(place, lane), LANES) for row in rows]
    return {row.title: row for row in (*told, *story.tell(place, LAST))}


def test_one_run_of_sound_endpoints_makes_everything_green(first: list[str]) -> None:
    assert first == []


def test_a_probe_runs_by_its_schedule(grid: Kubectl, clock: str) -> None:
    def has_run() -> bool:
        return "lastRun" in probes.bodies(grid)[clock].get("status", {})

    try:
        waiting.until(has_run, "the first run of its schedule", seconds=150, every=1)
        status = probes.bodies(grid)[clock]["status"]
        assert re.fullmatch(rf"{CLOCK}-\d+", status["lastRun"]["id"]), "a Job of the CronJob, named by its minute"
        assert [(cell["source"], cell["state"]) for cell in status["cells"]] == [("A", "ok")]
    finally:  # the faults that come now are none of its business
        grid("delete", "qosprobe", CLOCK, "--namespace", GRID, "--wait=true")


@pytest.mark.parametrize("title", TITLES)
def test_a_fault_is_told_blames_the_guilty_alone_and_is_forgotten_after_its_end(
    title: str, rows: dict[str, Row]
) -> None:
    assert rows[title].problems == []


def test_the_table(rows: dict[str, Row], record_property: Callable[[str, object], None]) -> None:
    record_property("table", story.table(list(rows.values())))
    assert list(rows) == TITLES
