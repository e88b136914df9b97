"""The truth on a real lake: faults of many kinds, and what the grid says of each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster import Cluster
from tests.demo.kubectl import Kubectl
from tests.e2e.grid import faults, probes, story
from tests.e2e.grid.said import wrong
from tests.e2e.grid.story import Row

LANES, LAST = faults.lanes(), faults.everywhere()
TITLES = [fault.title for lane in (*LANES, LAST) for group in lane.groups for fault in group]


@pytest.fixture(scope="module")
def first(grid: Kubectl) -> list[str]:
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


@pytest.mark.parametrize("title", TITLES)
def test_a_fault_is_told_blames_the_guilty_alone_and_is_forgotten_after_its_end(
    title: str, rows: dict[str, Row]
) -> None:
    assert rows[title].problems == []


def test_the_table(rows: dict[str, Row], record_property: Callable[[str, object], None]) -> None:
    record_property("table", story.table(list(rows.values())))
    assert list(rows) == TITLES
