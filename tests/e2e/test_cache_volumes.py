"""Volumes that are added, removed and grown, while the cache keeps what it holds."""

from dataclasses import dataclass

import pytest

from tests.demo.kubectl import Kubectl, Object
from tests.demo.reads import Traffic, served
from tests.e2e import nodes
from tests.e2e.names import STORAGE
from tests.e2e.origins import FILES, SIZE, digest
from tests.support.objects import condition, is_ready, is_stalled

NAME = "wide"
POD = f"{NAME}-0"
EARLY, LATE = FILES[:4], FILES[4:]
EXPANDS = "local-path-expandable"
WHERE = "find /meta/ns/demo -type l -printf '%f %l\\n'"
DANGLING = "find /meta/ns -xtype l"


@dataclass(frozen=True)
class Stage:
    """What was seen after a change of the volumes.

    Attributes:
        where: the volume of each file's data and of each file's record, by its name.
        revisions: how many revisions of the pod there were until now.
        hot: what the exporter counted for the files that were held before.
        right: whether each file that was read had the right content.
    """

    node: Object
    where: dict[str, str]
    revisions: int
    hot: Traffic
    right: bool


def storage(*names: str, **sizes: str) -> Object:
    """Claims of 1Gi or another size, the one of `d0` of a class that expands; the tree of names apart."""
    of_class = {"d0": {"storageClassName": EXPANDS}}
    data = [{"name": name, "claim": {"size": sizes.get(name, "1Gi"), **of_class.get(name, {})}} for name in names]
    return {"data": data, "meta": {"claim": {"size": "200Mi"}}}


def change(lake: Kubectl, origin: Object, volumes: Object, held: tuple[str, ...], new: tuple[str, ...]) -> Stage:
    """Apply other volumes; read what should be held, then what is new."""
    nodes.apply(lake, NAME, origin=origin, storage=volumes)
    node = nodes.ready(lake, NAME)
    right = nodes.digests(lake, NAME, *held) == [digest(file) for file in held] if held else True
    hot = served(lake, STORAGE, POD, len(held) * SIZE)
    right &= nodes.digests(lake, NAME, *new) == [digest(file) for file in new]
    where = dict(line.split() for line in nodes.execute(lake, NAME, WHERE).splitlines())
    volume = {name: target.split("/")[2 if target.startswith("/data/") else 1] for name, target in where.items()}
    chosen = ("controllerrevision", STORAGE, f"app.kubernetes.io/instance={NAME}")
    return Stage(node, volume, len(lake.list(*chosen)), hot, right)


@pytest.fixture(scope="module")
def two(lake: Kubectl, origin: Object) -> Stage:
    if not lake.find("storageclass", EXPANDS):
        pytest.skip(f"needs a StorageClass {EXPANDS}")
    return change(lake, origin, storage("d0", "d1"), (), EARLY)


@pytest.fixture(scope="module")
def three(lake: Kubectl, origin: Object, two: Stage) -> Stage:  # noqa: ARG001 - comes before
    return change(lake, origin, storage("d0", "d1", "d2"), EARLY, LATE)


@pytest.fixture(scope="module")
def without_d1(lake: Kubectl, origin: Object, three: Stage) -> Stage:
    kept = tuple(file for file in FILES if three.where[file] != "d1")
    gone = tuple(file for file in FILES if three.where[file] == "d1")
    assert kept
    assert gone
    return change(lake, origin, storage("d0", "d2"), kept, gone)


def test_data_lie_on_the_data_volumes_and_their_records_apart(two: Stage) -> None:
    assert two.right
    assert {two.where[file] for file in EARLY} == {"d0", "d1"}
    assert {two.where[f"{file}.cinfo"] for file in EARLY} == {"meta"}
    assert two.node["status"]["claims"] == ["wide-d0", "wide-d1", "wide-meta"]


def test_a_volume_that_is_added_rolls_the_cache_once_and_is_used(two: Stage, three: Stage) -> None:
    assert three.right
    assert three.revisions == two.revisions + 1
    assert three.hot.origin == 0
    assert "d2" in {three.where[file] for file in LATE}


def test_a_volume_that_is_removed_takes_its_files_and_no_others(lake: Kubectl, three: Stage, without_d1: Stage) -> None:
    assert without_d1.right
    assert without_d1.revisions == three.revisions + 1
    assert without_d1.hot.origin == 0
    assert {without_d1.where[file] for file in FILES} == {"d0", "d2"}
    assert nodes.execute(lake, NAME, DANGLING) == ""


def test_the_claim_of_a_removed_volume_stays_and_is_named(lake: Kubectl, without_d1: Stage) -> None:
    assert without_d1.node["status"]["claims"] == ["wide-d0", "wide-d2", "wide-meta"]
    assert without_d1.node["status"]["retainedClaims"] == ["wide-d1"]
    assert "deletionTimestamp" not in lake.get("persistentvolumeclaim", "wide-d1", STORAGE)["metadata"]


@pytest.mark.usefixtures("without_d1")
def test_a_claim_grows_where_its_class_expands_and_the_pod_stays(lake: Kubectl, origin: Object) -> None:
    before = nodes.pod_uid(lake, NAME)
    nodes.apply(lake, NAME, origin=origin, storage=storage("d0", "d2", d0="2Gi"))
    nodes.until(lake, NAME, lambda _: _asked(lake, "wide-d0") == "2Gi")
    nodes.until(lake, NAME, is_ready)
    assert nodes.pod_uid(lake, NAME) == before


@pytest.mark.usefixtures("without_d1")
def test_growth_that_the_class_refuses_is_stalled_and_nothing_is_written(lake: Kubectl, origin: Object) -> None:
    before = _written(lake)
    nodes.apply(lake, NAME, site="OTHER", origin=origin, storage=storage("d0", "d2", d0="2Gi", d2="3Gi"))
    node = nodes.until(lake, NAME, lambda node: is_stalled(node, "ExpansionNotSupported"))
    assert "wide-d2" in condition(node, "Stalled")["message"]
    assert condition(node, "Serving")["status"] == "True"
    assert _written(lake) == before

    nodes.apply(lake, NAME, origin=origin, storage=storage("d0", d0="2Gi"))  # the way out that is documented
    nodes.ready(lake, NAME)
    nodes.delete(lake, NAME)


def _asked(lake: Kubectl, claim: str) -> str:
    return str(lake.get("persistentvolumeclaim", claim, STORAGE)["spec"]["resources"]["requests"]["storage"])


def _written(lake: Kubectl) -> object:
    """What a write to claims, configuration or workload would change."""
    workload = lake.get("statefulset", NAME, STORAGE)
    maps = lake.list("configmap", STORAGE, f"app.kubernetes.io/instance={NAME}")
    asked = [_asked(lake, f"wide-{entry}") for entry in ("d0", "d2", "meta")]
    return asked, workload["metadata"]["generation"], [one["metadata"]["name"] for one in maps]
