"""Who owns the CustomResourceDefinitions, on a control plane of its own: other tests install them in other ways."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.charts.helm import CHART, Helm, HelmError
from tests.cluster import binaries
from tests.cluster.fixtures import cluster
from tests.support import kubeconfig
from tests.support.client import Client, Object
from tests.support.objects import xcache
from tests.support.waiting import eventually

CRD = "xcachenodes.datalake.projectescape.eu"
DEFINITIONS = tuple(f"{plural}.datalake.projectescape.eu" for plural in ("qosprobes", "rucioservers", "xcachenodes"))


@pytest.fixture(scope="module")
def helm() -> Iterator[Helm]:
    if os.environ.get("KUBECONFIG"):
        pytest.skip("deletes CustomResourceDefinitions, and with them what a given cluster may hold")
    with cluster("control-plane") as running:
        yield Helm(binaries.path("helm"), running.kubeconfig)


@pytest.fixture
async def admin(helm: Helm) -> AsyncIterator[Client]:
    """A client that may do everything; in the end, neither releases nor definitions are left."""
    assert helm.kubeconfig is not None
    async with Client(kubeconfig.read(helm.kubeconfig)) as client:
        yield client
        for release in json.loads(helm.run("list", "--all-namespaces", "--output", "json")):
            helm.run("uninstall", release["name"], "--namespace", release["namespace"])
        for name in DEFINITIONS:
            await client.delete("CustomResourceDefinition", name)

        async def is_clean() -> bool:
            return not any([await client.find("CustomResourceDefinition", name) for name in DEFINITIONS])

        await eventually(is_clean, 120)  # the API server deletes what there is of a kind first, and looks every 5 s


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The chart as a later version might be: its definitions read differently."""
    chart = Path(shutil.copytree(CHART, tmp_path / "datalake-operator"))
    for file in (chart / "files" / "crds").glob("*.yaml"):
        file.write_text(f"{file.read_text()}# later\n")
    return chart


async def test_uninstall_keeps_definitions_and_resources_and_another_release_goes_on(helm: Helm, admin: Client) -> None:
    _install(helm, "first", "one")
    made = await admin.create(xcache("cache", "one"))
    helm.run("uninstall", "first", "--namespace", "one")
    assert (await admin.get("XCacheNode", "cache", "one"))["metadata"]["uid"] == made["metadata"]["uid"]

    _install(helm, "second", "one")
    assert (await admin.get("XCacheNode", "cache", "one"))["metadata"]["uid"] == made["metadata"]["uid"]
    helm.run("upgrade", "second", CHART, "--namespace", "one", "--set", "replicas=2")
    assert await _owner(admin) == "first"


async def test_two_releases_serve_two_namespaces_with_the_same_definitions(helm: Helm, admin: Client) -> None:
    _install(helm, "first", "one")
    _install(helm, "second", "two")
    helm.run("uninstall", "second", "--namespace", "two")
    assert await _owner(admin) == "first"


async def test_other_definitions_are_not_run_over_but_can_be_taken(helm: Helm, admin: Client, newer: Path) -> None:
    _install(helm, "first", "one")
    helm.run("uninstall", "first", "--namespace", "one")
    with pytest.raises(HelmError, match=r'belongs to Helm release "first" in namespace "one"'):
        _install(helm, "second", "two", chart=newer)
    assert helm.run("list", "--all-namespaces", "--short") == ""

    _install(helm, "second", "two", "--take-ownership", "--set", "crds.takeOwnership=true", chart=newer)
    assert await _owner(admin) == "second"
    helm.run("upgrade", "second", newer, "--namespace", "two")
    assert await _owner(admin) == "second"


async def test_an_upgrade_upgrades_the_definitions_and_never_deletes_them(
    helm: Helm, admin: Client, newer: Path
) -> None:
    _install(helm, "first", "one")
    before = (await _definition(admin))["metadata"]
    helm.run("upgrade", "first", newer, "--namespace", "one")
    after = (await _definition(admin))["metadata"]
    assert after["uid"] == before["uid"]
    assert _hash(after) != _hash(before)

    helm.run("upgrade", "first", newer, "--namespace", "one", "--set", "crds.enabled=false")
    assert (await _definition(admin))["metadata"]["uid"] == before["uid"]


async def test_definitions_applied_by_hand_are_left_to_those_hands(helm: Helm, admin: Client) -> None:
    _install(helm, "first", "one")
    for name in DEFINITIONS:
        change = {"metadata": {"annotations": None, "labels": None}}
        await admin.patch("CustomResourceDefinition", name, "", change)
    helm.run("uninstall", "first", "--namespace", "one")
    with pytest.raises(HelmError, match="was not installed by Helm"):
        _install(helm, "second", "one")
    _install(helm, "second", "one", "--set", "crds.enabled=false")


def _install(helm: Helm, release: str, namespace: str, *arguments: str, chart: Path = CHART) -> None:
    helm.run("install", release, chart, "--namespace", namespace, "--create-namespace", *arguments)


async def _definition(admin: Client) -> Object:
    return await admin.get("CustomResourceDefinition", CRD)


async def _owner(admin: Client) -> str:
    return str((await _definition(admin))["metadata"]["annotations"]["meta.helm.sh/release-name"])


def _hash(metadata: Object) -> str:
    return str(metadata["annotations"]["datalake.projectescape.eu/definition-hash"])
