"""Probes are guests on storage: what is not theirs stays as it is, and they move no more than they may."""

from collections.abc import Iterator

import pytest

from tests.cluster import waiting
from tests.demo import runs
from tests.demo.kubectl import Kubectl
from tests.e2e.grid import guests, origins, probes
from tests.e2e.grid.names import GRID, ORIGINS
from tests.e2e.grid.probes import MESH, STORAGE

KILLED = "killed"
"""A probe whose runner is killed in the middle."""


def test_nothing_of_others_was_touched_by_all_runs_of_the_faults(grid: Kubectl, strangers: dict[str, object]) -> None:
    probes.run(grid, (MESH, STORAGE))  # where this is the only test
    assert guests.look(grid, guests.names(grid)) == strangers


def test_nothing_of_the_probes_is_left_but_a_seed_for_each_source(grid: Kubectl) -> None:
    probes.run(grid, (MESH, STORAGE))
    for endpoint in ORIGINS:
        for probe, seeds in ((MESH, 1), (STORAGE, 0)):
            found = guests.files(grid, endpoint, guests.own_folder(grid, probe))
            own = [name for name in found if name not in guests.LOOK_ALIKES]
            assert [name.partition("-")[0] for name in own] == ["seed"] * seeds, f"{probe} at {endpoint}"


@pytest.fixture
def slow(grid: Kubectl) -> Iterator[str]:
    """An endpoint that is so slow that a run takes a while."""
    origins.switch(grid, "B", "slow")
    yield "B"
    origins.switch(grid, "B", "sound")


def test_what_a_killed_runner_left_is_removed_and_nothing_else(grid: Kubectl, slow: str) -> None:
    strangers = guests.names(grid, (KILLED,))
    guests.plant(grid, strangers, (slow,))
    before = guests.look(grid, strangers, (slow,))
    body = probes.manifests()[STORAGE]
    endpoints = [one for one in body["spec"]["endpoints"] if one["name"] == slow]
    body["spec"].update(
        endpoints=endpoints,
        storage={"endpoints": [slow], "protocols": ["root"], "payload": {"size": "512Ki"}},
        timeout="10s",  # a file is left over after twice that
        thresholds=[],
    )
    body["metadata"]["name"] = KILLED
    probes.apply(grid, [body])
    folder = guests.own_folder(grid, KILLED)

    run = runs.ask(grid, GRID, (KILLED,))[KILLED]
    (left,) = waiting.until(lambda: _passing(grid, slow, folder), "a file in the making", seconds=60, every=0.2)
    grid("delete", "pod", "--namespace", GRID, "--selector", f"job-name={run}", "--grace-period=0", "--force")
    origins.switch(grid, slow, "sound")
    assert left in guests.files(grid, slow, folder)

    def removed() -> bool:
        probes.run(grid, (KILLED,))
        return not _passing(grid, slow, folder)

    waiting.until(removed, f"{left} to be removed", seconds=90, every=2)
    assert guests.look(grid, strangers, (slow,)) == before


def _passing(lake: Kubectl, endpoint: str, folder: str) -> list[str]:
    """Files that a run is to delete itself."""
    return [name for name in guests.files(lake, endpoint, folder) if name not in guests.LOOK_ALIKES]
