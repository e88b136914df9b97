"""What takes minutes: drains, faults and a purge. Each has a cache of its own, and all happen at the same time."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.cluster import Cluster
from tests.cluster.node import Node
from tests.demo.kubectl import Kubectl, Object
from tests.e2e import purge, scenarios
from tests.e2e.origins import digest
from tests.e2e.purge import CAPACITY, FILLING, HIGH, LOW, Purged
from tests.e2e.scenarios import FILE, OTHER, Drained, Outage, Stopped


@dataclass(frozen=True)
class Running:
    """The stories, under way; `result()` waits for the end of one. `purged` is None where there can be no volume."""

    purged: Future[Purged] | None
    stopped: Future[Stopped]
    outage: Future[Outage]
    drained: Future[Drained]
    cut_off: Future[float]


@pytest.fixture(scope="module")
def running(lake: Kubectl, node: Cluster, origin: Object) -> Iterator[Running]:
    with ThreadPoolExecutor(5) as pool:
        yield Running(
            pool.submit(purge.purged, lake, node, origin) if isinstance(node, Node) else None,
            pool.submit(scenarios.stopped, lake, origin),
            pool.submit(scenarios.outage, lake),
            pool.submit(scenarios.drained, lake, origin),
            pool.submit(scenarios.cut_off, lake, origin),
        )


def test_a_reader_finishes_across_a_change_and_new_connections_are_refused_meanwhile(running: Running) -> None:
    drained = running.drained.result()
    assert drained.sha256 == digest(FILE)
    assert drained.outlived
    assert drained.refused
    assert "1 files are open" in drained.told


def test_an_idle_connection_does_not_hold_a_drain(running: Running) -> None:
    assert running.drained.result().lingered < 40  # two reports without open files, of which one comes each 5 s


def test_a_drain_ends_after_its_time_whoever_reads(running: Running) -> None:
    assert 10 <= running.cut_off.result() < 30


def test_without_its_origin_a_cache_refuses_cold_files_soon_and_serves_hot_ones(running: Running) -> None:
    outage = running.outage.result()
    assert "xrdcp" in outage.said
    assert outage.seconds < 30
    assert outage.hot == digest(FILE)
    assert outage.ready["status"] == "True"
    assert outage.origin["reason"] == "OpensFail"


def test_an_origin_that_comes_back_is_used_without_a_restart(running: Running) -> None:
    outage = running.outage.result()
    assert (outage.cold, outage.restarts) == (digest(OTHER), 0)


def test_a_stopped_server_serves_again_within_three_minutes(running: Running) -> None:
    stopped = running.stopped.result()
    assert stopped.seconds < 180
    assert stopped.sha256 == digest(FILE)
    assert stopped.same_pod


def test_a_volume_that_overflows_is_purged_and_no_reader_notices(running: Running) -> None:
    if running.purged is None:
        pytest.skip("the volume of 512 MiB is made on the node, and the nodes of this cluster are not ours")
    purged = running.purged.result()
    assert purged.right
    assert purged.filled > CAPACITY * HIGH // 100
    assert purged.left <= CAPACITY * LOW // 100
    assert 0 < purged.files < len(FILLING)
