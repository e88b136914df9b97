"""Claims that grow, on the word of a real API server: its admission knows which class lets them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.client import Client, Object
from tests.support.kubelet import Kubelet
from tests.support.lab import Lab
from tests.support.objects import condition, is_ready, is_stalled
from tests.support.waiting import eventually

with_pods = pytest.mark.usefixtures("kubelet")

SIZES = "datalake.projectescape.eu/claim-sizes"


@pytest.fixture
async def grows(admin: Client, namespace: str) -> AsyncIterator[str]:
    """Name of a class whose volumes can grow."""
    async with StorageClass(admin, f"{namespace}-grows", expands=True) as name:
        yield name


@pytest.fixture
async def fixed(admin: Client, namespace: str) -> AsyncIterator[str]:
    """Name of a class whose volumes cannot."""
    async with StorageClass(admin, f"{namespace}-fixed", expands=False) as name:
        yield name


class StorageClass:
    """A class for the length of a test."""

    def __init__(self, admin: Client, name: str, *, expands: bool) -> None:
        self._admin = admin
        self._name = name
        self._expands = expands

    async def __aenter__(self) -> str:
        await self._admin.create(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": self._name},
                "provisioner": "example.org/none",
                "allowVolumeExpansion": self._expands,
            }
        )
        return self._name

    async def __aexit__(self, *exception: object) -> None:
        await self._admin.delete("StorageClass", self._name)


def data(**volumes: tuple[str, str]) -> dict[str, Any]:
    """Storage of (size, class) by entry."""
    return {
        "data": [
            {"name": entry, "claim": {"size": size, "storageClassName": class_}}
            for entry, (size, class_) in volumes.items()
        ]
    }


async def asked(lab: Lab, entry: str = "d0") -> str:
    """What the claim of an entry asks for."""
    claim = await lab.admin.get("PersistentVolumeClaim", f"x-{entry}", lab.namespace)
    size: str = claim["spec"]["resources"]["requests"]["storage"]
    return size


async def versions(lab: Lab) -> dict[tuple[str, str], str]:
    """Version of every child: the same where nothing was written."""
    return {key: child["metadata"]["resourceVersion"] for key, child in (await lab.children()).items()}


async def workload(lab: Lab) -> Object:
    return await lab.admin.get("StatefulSet", "x", lab.namespace)


def bound_message(body: Object) -> str:
    return str(condition(body, "StorageBound")["message"])


@with_pods
async def test_a_claim_grows_and_the_pod_is_replaced_once(lab: Lab, grows: str) -> None:
    await lab.operator()
    await lab.create(storage=data(d0=("1Gi", grows)))
    await lab.ready()
    before = await workload(lab)
    await lab.change({"spec": {"storage": data(d0=("2Gi", grows))}})

    async def has_grown() -> bool:
        template = (await workload(lab))["spec"]["template"]
        return await asked(lab) == "2Gi" and template["metadata"]["annotations"][SIZES] == "d0=2Gi"

    await eventually(has_grown)
    await lab.until(lambda body: is_ready(body) and bound_message(body) == "bound: claim x-d0")
    await lab.quiet()
    assert (await workload(lab))["metadata"]["generation"] == before["metadata"]["generation"] + 1


@with_pods
async def test_where_a_class_does_not_expand_nothing_is_written(lab: Lab, fixed: str) -> None:
    await lab.operator()
    await lab.create(storage=data(d0=("1Gi", fixed)))
    await lab.ready()
    await lab.quiet()
    before = await versions(lab)
    await lab.change({"spec": {"site": "OTHER", "storage": data(d0=("2Gi", fixed))}})
    body = await lab.until(lambda body: is_stalled(body, "ExpansionNotSupported"))
    said = condition(body, "Stalled")["message"]
    assert said.startswith("claim x-d0 cannot grow from 1Gi to 2Gi, so nothing was changed: ")
    assert "set allowVolumeExpansion in its StorageClass" in said
    assert await versions(lab) == before
    assert condition(body, "Serving")["status"] == "True"


@with_pods
async def test_of_two_claims_neither_grows_where_one_cannot(lab: Lab, grows: str, fixed: str) -> None:
    await lab.operator()
    await lab.create(storage=data(d0=("1Gi", grows), d1=("1Gi", fixed)))
    await lab.ready()
    await lab.quiet()
    before = await versions(lab)
    await lab.change({"spec": {"storage": data(d0=("2Gi", grows), d1=("2Gi", fixed))}})
    await lab.until(lambda body: is_stalled(body, "ExpansionNotSupported"))
    assert await versions(lab) == before


@with_pods
async def test_when_the_class_expands_at_last_the_claim_grows_without_hands(lab: Lab, fixed: str) -> None:
    await lab.operator()
    await lab.create(storage=data(d0=("1Gi", fixed)))
    await lab.ready()
    await lab.change({"spec": {"storage": data(d0=("2Gi", fixed))}})
    await lab.until(lambda body: is_stalled(body, "ExpansionNotSupported"))
    await lab.admin.patch("StorageClass", fixed, "", {"allowVolumeExpansion": True})
    await lab.ready(within=30)
    assert await asked(lab) == "2Gi"


async def test_a_claim_without_a_volume_grows_when_it_has_one(lab: Lab, grows: str) -> None:
    """The API server lets only a bound claim change its size."""
    await lab.operator()
    await lab.create(storage=data(d0=("1Gi", grows)))
    await lab.until(lambda body: condition(body, "Ready").get("reason") == "ClaimPending")
    body = await lab.change({"spec": {"storage": data(d0=("2Gi", grows))}})
    generation = body["metadata"]["generation"]
    body = await lab.until(lambda body: body["status"]["observedGeneration"] == generation)
    assert condition(body, "Ready")["reason"] == "ClaimPending"
    assert await asked(lab) == "1Gi"
    async with Kubelet(lab.admin, lab.namespace):
        await lab.ready()
        assert await eventually(lambda: asked(lab)) == "2Gi"


async def test_a_claim_says_while_it_grows(lab: Lab, admin: Client, grows: str) -> None:
    await lab.operator()
    async with Kubelet(admin, lab.namespace):
        await lab.create(storage=data(d0=("1Gi", grows)))
        await lab.ready()
        await lab.quiet()
    before = (await workload(lab))["spec"]["template"]
    await lab.change({"spec": {"storage": data(d0=("2Gi", grows))}})
    body = await lab.until(lambda body: "grows" in bound_message(body))
    assert bound_message(body) == "bound: claim x-d0; claim x-d0 grows from 1Gi to 2Gi"
    assert (await workload(lab))["spec"]["template"] == before  # nothing to learn for the pod yet
    pending = {"type": "FileSystemResizePending", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    await admin.patch("PersistentVolumeClaim", "x-d0", lab.namespace, {"status": {"conditions": [pending]}}, "status")
    body = await lab.until(lambda body: "when the pod starts next" in bound_message(body))

    async def is_told() -> bool:
        return bool((await workload(lab))["spec"]["template"]["metadata"]["annotations"][SIZES] == "d0=2Gi")

    await eventually(is_told)
    async with Kubelet(admin, lab.namespace):
        body = await lab.until(lambda body: is_ready(body) and bound_message(body) == "bound: claim x-d0")


@with_pods
async def test_a_claim_that_somebody_else_made_larger_stays_so(lab: Lab, grows: str) -> None:
    await lab.operator()
    await lab.create(storage=data(d0=("1Gi", grows)))
    await lab.ready()
    larger = {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}
    await lab.admin.patch("PersistentVolumeClaim", "x-d0", lab.namespace, larger)
    await lab.change({"spec": {"suspend": False, "site": "OTHER"}})
    await lab.ready()
    await lab.quiet()
    assert await asked(lab) == "3Gi"


@with_pods
async def test_a_volume_added_and_removed_replaces_the_pod_once_each_and_its_claim_stays(lab: Lab, grows: str) -> None:
    await lab.operator()
    await lab.create(storage=data(d0=("1Gi", grows)))
    await lab.ready()
    await lab.quiet()
    generations = [(await workload(lab))["metadata"]["generation"]]
    for storage in (data(d0=("1Gi", grows), d1=("1Gi", grows)), data(d0=("1Gi", grows))):
        await lab.change({"spec": {"storage": storage}})
        body = await lab.ready()
        await lab.quiet()
        generations.append((await workload(lab))["metadata"]["generation"])
    first = generations[0]
    assert generations == [first, first + 1, first + 2]
    assert (body["status"]["claims"], body["status"]["retainedClaims"]) == (["x-d0"], ["x-d1"])
    assert await asked(lab, "d1") == "1Gi"
