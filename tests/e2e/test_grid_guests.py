"""Probes are guests on storage: what is not theirs stays as it is, and they move no more than they may."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cluster import waiting
from tests.demo import runs
from tests.demo.kubectl import Kubectl, Object
from tests.e2e.grid import guests, origins, probes, traffic
from tests.e2e.grid.names import GRID, ORIGINS
from tests.e2e.grid.probes import MESH, STORAGE
from tests.e2e.grid.said import Key
from tests.support.objects import condition

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


def test_no_more_copies_at_once_than_the_spec_says(grid: Kubectl) -> None:
    body = _mesh(
        "polite",
        sources=["A", "B"],
        destinations=["C", "D"],
        protocols=["root"],
        payload={"size": "8Ki"},
        maxConcurrent=2,
        maxConcurrentPerEndpoint=1,
    )
    probes.apply(grid, [body])
    probes.run(grid, ("polite",))  # afterwards the sources have their seeds
    for endpoint in ("A", "B"):
        origins.switch(grid, endpoint, "slow")  # copies that take a while are seen
    times = traffic.copies(grid, ("C", "D"), lambda: probes.run(grid, ("polite",)))
    for endpoint in ("A", "B"):
        origins.switch(grid, endpoint, "sound")
    assert [len(times[endpoint]) for endpoint in ("C", "D")] == [2, 2]
    assert [traffic.most_at_once(times[endpoint]) for endpoint in ("C", "D")] == [1, 1]
    assert traffic.most_at_once([*times["C"], *times["D"]]) == 2


def test_no_more_bytes_in_a_day_than_the_spec_says(grid: Kubectl) -> None:
    """Six links over two protocols, of which a budget for 1398 kB a run lets a third have its turn."""
    ends = ["A", "B", "C"]
    budget = {"payload": {"size": "256Ki"}, "maxBytesPerDay": "80Mi"}
    body = _mesh("thrifty", sources=ends, destinations=ends, protocols=["root", "http"], **budget)
    far = (datetime.now(UTC).hour + 12) % 24
    body["spec"]["schedule"] = f"* {far} * * *"  # 60 runs a day, but not now
    probes.apply(grid, [body])
    for _ in range(2):
        before = traffic.received(grid, ends)
        (thrifty,) = probes.run(grid, ("thrifty",)).values()
        came = traffic.received(grid, ends) - before
        ran = [key for key, runs in _newest(thrifty).items() if key.destination and runs != "."]
        assert len(ran) == 4
        assert 4 * 2**18 <= came <= 7 * 2**18 + 2**17, "the copies, as many seeds at most, and some talk"
    assert thrifty["status"]["pairInterval"]
    assert condition(thrifty, "BudgetRotating")["status"] == "True"


def _mesh(name: str, **transfer: Any) -> Object:
    body = probes.manifests()[MESH]
    body["metadata"]["name"] = name
    body["spec"]["transfer"] = transfer
    return body


def _newest(body: Object) -> dict[Key, str]:
    """What the newest run says of each cell, in one character."""
    return {
        Key(one["source"], one.get("destination"), one.get("protocol")): one["runs"][-1]
        for one in body["status"]["cells"]
    }


def _passing(lake: Kubectl, endpoint: str, folder: str) -> list[str]:
    """Files that a run is to delete itself."""
    return [name for name in guests.files(lake, endpoint, folder) if name not in guests.LOOK_ALIKES]
