"""The first useful cut: the example of the README serves a real file, cold from its origin, then from its own disk."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.cluster import waiting
from tests.cluster.errors import ClusterError
from tests.demo.kubectl import Kubectl, Object
from tests.demo.names import NAMESPACE
from tests.demo.reads import Read, Traffic, read, served
from tests.demo.up import CACHE, FILE, SIZE, apply_origin, await_ready, scale_origin
from tests.e2e import nodes
from tests.support.objects import condition, is_ready

NAME = "cache"
POD = f"{NAME}-0"
NEVER_READ = "/demo/1MiB.bin"


@dataclass(frozen=True)
class Cold:
    """The first two reads of the file, and what the exporter had counted after them."""

    root: Read
    http: Read
    counted: Traffic


@pytest.fixture(scope="module")
def node_of_example(lake: Kubectl) -> Object:
    """The example, Ready, beside its origin."""
    lake.apply(CACHE.read_text())
    apply_origin(lake)
    return await_ready(lake, NAMESPACE, NAME)


@pytest.fixture(scope="module")
def root(node_of_example: Object) -> str:
    """URL of the cache by the root protocol."""
    return f"{node_of_example['status']['endpoints']['root']}/"


@pytest.fixture(scope="module")
def cold(lake: Kubectl, root: str, node_of_example: Object) -> Cold:
    """The file has been read: cold by root, then by HTTP."""
    http = node_of_example["status"]["endpoints"]["http"]
    by_root, by_http = read(lake, NAMESPACE, f"{root}{FILE}", f"{http}{FILE}")
    return Cold(by_root, by_http, served(lake, NAMESPACE, POD, 2 * SIZE))


@pytest.fixture
def without_origin(lake: Kubectl, cold: Cold) -> Iterator[None]:  # noqa: ARG001 - read before
    """The origin is off."""
    scale_origin(lake, 0)
    yield
    scale_origin(lake, 1)


def test_the_example_of_fifteen_lines_becomes_ready_and_says_so_in_one_row(
    lake: Kubectl, node_of_example: Object
) -> None:
    assert len(CACHE.read_text().splitlines()) <= 15
    assert node_of_example["status"]["endpoints"] == {
        "root": "root://cache.demo.svc:1094",
        "http": "http://cache.demo.svc:8080",
    }
    row = next(line for line in lake("get", "datalake", "--namespace", NAMESPACE).splitlines() if NAME in line)
    assert row.split()[1:4] == ["True", "DEMO", "root://origin.demo.svc.cluster.local:1094"]


def test_root_and_http_give_the_bytes_of_the_origin(lake: Kubectl, cold: Cold) -> None:
    at_origin = lake.execute(NAMESPACE, "deployment/origin", "sha256sum", f"/data{FILE}").split()[0]
    assert [cold.root.sha256, cold.http.sha256] == [at_origin, at_origin]
    assert cold.root.size == SIZE


def test_the_exporter_counts_each_byte_of_the_origin_once(cold: Cold) -> None:
    assert cold.counted.origin == SIZE
    assert cold.counted.served == pytest.approx(2 * SIZE, rel=0.01)  # XRootD counts what is asked for twice, too


def test_the_status_tells_the_version_and_that_the_origin_answers(lake: Kubectl, cold: Cold) -> None:  # noqa: ARG001
    def told() -> bool:
        node = lake.get("xcachenode", NAME, NAMESPACE)
        return condition(node, "OriginReachable").get("status") == "True" and "version" in node["status"]

    waiting.until(told, "OriginReachable to be True", seconds=60, every=0.3)


@pytest.mark.usefixtures("without_origin")
def test_a_hot_file_is_served_while_the_origin_is_away(lake: Kubectl, cold: Cold, root: str) -> None:
    (hot,) = read(lake, NAMESPACE, f"{root}{FILE}")
    assert hot.sha256 == cold.root.sha256
    assert is_ready(lake.get("xcachenode", NAME, NAMESPACE))


@pytest.mark.usefixtures("without_origin")
def test_a_killed_pod_comes_back_with_what_it_held(lake: Kubectl, cold: Cold, root: str) -> None:
    before = lake.get("pod", POD, NAMESPACE)["metadata"]["uid"]
    lake("delete", "pod", POD, "--namespace", NAMESPACE, "--grace-period=1")
    waiting.until(lambda: _is_new(lake, before), "a new pod", seconds=60, every=0.2)
    lake("wait", "--for=condition=Ready", f"pod/{POD}", "--namespace", NAMESPACE, "--timeout=90s")

    (hot,) = read(lake, NAMESPACE, f"{root}{FILE}")
    assert hot.sha256 == cold.root.sha256
    assert served(lake, NAMESPACE, POD, SIZE).origin == 0


@pytest.mark.usefixtures("without_origin")
def test_a_resource_that_was_deleted_finds_its_files_when_it_is_made_again(
    lake: Kubectl, cold: Cold, root: str
) -> None:
    lake("delete", "xcachenode", NAME, "--namespace", NAMESPACE)
    waiting.until(lambda: not lake.find("pod", POD, NAMESPACE), "the pod to go", seconds=120, every=0.3)
    assert lake.find("persistentvolumeclaim", f"{NAME}-d0", NAMESPACE)

    lake.apply(CACHE.read_text())
    await_ready(lake, NAMESPACE, NAME)
    (hot,) = read(lake, NAMESPACE, f"{root}{FILE}")
    assert hot.sha256 == cold.root.sha256


def test_a_cold_file_fails_soon_while_the_origin_is_away_and_comes_when_it_is_back(lake: Kubectl, cold: Cold) -> None:  # noqa: ARG001
    origin = {"url": "root://origin.demo.svc.cluster.local:1094", "connectTimeout": "1s"}
    nodes.apply(lake, "impatient", origin=origin, storage=nodes.EPHEMERAL)
    url = f"{nodes.ready(lake, 'impatient')['status']['endpoints']['root']}/{NEVER_READ}"

    scale_origin(lake, 0)
    try:
        assert _readers_served(lake, url, readers=4) == 0
    finally:
        scale_origin(lake, 1)
    waiting.until(lambda: _readers_served(lake, url, readers=1), "the cold file", seconds=60, every=0.5)
    nodes.delete(lake, "impatient")


def _readers_served(lake: Kubectl, url: str, readers: int) -> int:
    """How many of so many readers at once are served; each has a connection of its own to the origin."""

    def is_served(_: int) -> bool:
        try:
            return bool(read(lake, NAMESPACE, url))
        except ClusterError:
            return False

    with ThreadPoolExecutor(readers) as pool:
        return sum(pool.map(is_served, range(readers)))


def _is_new(lake: Kubectl, uid: str) -> bool:
    pod = lake.find("pod", POD, NAMESPACE)
    return pod is not None and pod["metadata"]["uid"] != uid
