"""A running cache: what its exporter counts of real reads, and what does not restart it."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from tests.charts.helm import CHART, Helm
from tests.cluster import Cluster, binaries, waiting
from tests.demo.kubectl import Kubectl, Object
from tests.demo.names import RELEASE
from tests.demo.reads import Traffic, read, served, traffic
from tests.e2e import nodes
from tests.e2e.names import OPERATOR, STORAGE
from tests.e2e.origins import FILES, SIZE, digest
from tests.support.objects import is_current

MEBIBYTE = 2**20
PREFETCH = {"plain": 0, "eager": 20}
"""Caches, and how many blocks of 1 MiB each of them prefetches."""
WHOLE, PART, BOTH = FILES[:3]
RANGE = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Range": f"bytes={sys.argv[2]}-{sys.argv[3]}"})
with urllib.request.urlopen(request, timeout=60) as answer:
    print(answer.status, len(answer.read()))
"""
NOW = "datalake.projectescape.eu/reconcile-at"

T = TypeVar("T")


@pytest.fixture(scope="module", autouse=True)
def caches(lake: Kubectl, origin: Object) -> Iterator[None]:
    for name, blocks in PREFETCH.items():
        nodes.apply(lake, name, origin=origin, storage=nodes.EPHEMERAL, cache={"prefetchBlocks": blocks})
    for name in PREFETCH:
        nodes.ready(lake, name)
    yield
    for name in PREFETCH:
        nodes.delete(lake, name)


def of_each_cache(check: Callable[[str], T]) -> dict[str, T]:
    """Check all at the same time: numbers come 5 to 15 s after a read."""
    with ThreadPoolExecutor(len(PREFETCH)) as pool:
        return dict(zip(PREFETCH, pool.map(check, PREFETCH), strict=True))


def http(name: str, file: str) -> str:
    return f"http://{name}.{STORAGE}.svc:8080/demo/{file}"


def counted(lake: Kubectl, name: str, size: int, before: Traffic) -> Traffic:
    return served(lake, STORAGE, f"{name}-0", size, before)


def now(lake: Kubectl, name: str) -> Traffic:
    return traffic(lake, STORAGE, f"{name}-0")


def test_a_whole_file_is_fetched_once_and_then_served_from_disk(lake: Kubectl) -> None:
    def check(name: str) -> None:
        before = now(lake, name)
        (cold,) = read(lake, STORAGE, http(name, WHOLE))
        assert cold.sha256 == digest(WHOLE)
        assert counted(lake, name, SIZE, before) == Traffic(served=SIZE, origin=SIZE)

        before = now(lake, name)
        assert nodes.digests(lake, name, WHOLE) == [digest(WHOLE)]
        assert counted(lake, name, SIZE, before) == Traffic(served=SIZE, origin=0)

    of_each_cache(check)


def test_of_a_part_whole_blocks_are_fetched(lake: Kubectl) -> None:
    first, last = MEBIBYTE * 3 // 2, MEBIBYTE * 7 // 2 - 1  # from the middle of block 1 to the middle of block 3

    def check(name: str) -> int:
        before = now(lake, name)
        command = ["python3", "-c", RANGE, http(name, PART), str(first), str(last)]
        assert lake.execute(STORAGE, "deployment/client", *command).split() == ["206", str(2 * MEBIBYTE)]
        found = counted(lake, name, 2 * MEBIBYTE, before)
        assert found.served == 2 * MEBIBYTE
        assert found.origin == _blocks(lake, name, PART) * MEBIBYTE
        return found.origin

    fetched = of_each_cache(check)
    assert fetched["plain"] == 3 * MEBIBYTE
    assert fetched["eager"] > 3 * MEBIBYTE


def test_two_clients_at_once_cost_the_origin_one_read(lake: Kubectl) -> None:
    def check(name: str) -> None:
        before = now(lake, name)
        urls = (nodes.url(name, BOTH), http(name, BOTH))
        with ThreadPoolExecutor(2) as pool:
            (one,), (other,) = pool.map(lambda url: read(lake, STORAGE, url), urls)
        assert {one.sha256, other.sha256} == {digest(BOTH)}
        found = counted(lake, name, 2 * SIZE, before)
        assert found.origin == SIZE
        assert 2 * SIZE <= found.served < 3 * SIZE  # by root, XRootD sends up to a third of a cold file's pages twice

    of_each_cache(check)


def test_a_killed_exporter_counts_again_and_the_cache_serves_on(lake: Kubectl) -> None:
    with ThreadPoolExecutor(1) as pool:
        reads = pool.submit(nodes.digests, lake, "plain", *[WHOLE] * 3)
        nodes.execute(lake, "plain", "kill -KILL -1", container="exporter")
        assert reads.result() == [digest(WHOLE)] * 3
    waiting.until(lambda: nodes.restarts(lake, "plain", "exporter") == 1, "a new exporter", seconds=60, every=0.3)
    nodes.ready(lake, "plain")
    before = now(lake, "plain")
    assert nodes.digests(lake, "plain", WHOLE) == [digest(WHOLE)]
    assert counted(lake, "plain", SIZE, before).origin == 0
    assert nodes.restarts(lake, "plain", "xrootd") == 0


def test_an_annotation_of_the_service_restarts_nothing(lake: Kubectl, origin: Object) -> None:
    before = nodes.pod_uid(lake, "plain")
    network = {"annotations": {"example.org/pool": "lake"}}
    cache = {"prefetchBlocks": 0}
    nodes.apply(lake, "plain", origin=origin, storage=nodes.EPHEMERAL, cache=cache, network=network)
    nodes.until(lake, "plain", is_current)
    assert lake.get("service", "plain", STORAGE)["metadata"]["annotations"]["example.org/pool"] == "lake"
    workload = lake.get("statefulset", "plain", STORAGE)
    assert workload["metadata"]["generation"] == 1
    assert nodes.pod_uid(lake, "plain") == before


def test_an_upgrade_of_the_operator_rolls_no_cache(lake: Kubectl, node: Cluster) -> None:
    before = {name: nodes.pod_uid(lake, name) for name in PREFETCH}
    changed = ["podAnnotations.upgraded=yes", "logging.level=DEBUG", "workers=4"]
    Helm(binaries.path("helm"), node.kubeconfig).run(
        "upgrade", RELEASE, CHART, "--namespace", OPERATOR, "--reuse-values", "--wait", "--timeout=120s",
        *[word for value in changed for word in ("--set", value)],
    )  # fmt: skip
    for name in PREFETCH:
        asked = json.dumps({"metadata": {"annotations": {NOW: "after-the-upgrade"}}})
        lake("patch", "xcachenode", name, "--namespace", STORAGE, "--type=merge", "--patch", asked)
    for name in PREFETCH:
        nodes.until(lake, name, lambda node: node["status"].get("lastHandledReconcileAt") == "after-the-upgrade")
        assert lake.get("statefulset", name, STORAGE)["metadata"]["generation"] == 1
    assert {name: nodes.pod_uid(lake, name) for name in PREFETCH} == before


def _blocks(lake: Kubectl, name: str, file: str) -> int:
    """How many blocks of a file the cache holds, as pfc itself records it."""
    text = nodes.execute(lake, name, f"xrdpfc_print /data/d0/ns/demo/{file}.cinfo")
    found = re.search(r"n_downloaded (\d+)", text)
    assert found, text
    return int(found[1])
