"""Objects of other people that have the name of a child."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build.context import Context
from datalake_operator.build.xcache import build
from tests.contract.conftest import POD_MONITORS, define, undefine
from tests.support.client import Client, Object
from tests.support.kubeconfig import Endpoint
from tests.support.lab import Lab
from tests.support.objects import condition, is_stalled, xcache

with_pods = pytest.mark.usefixtures("kubelet", "pod_monitors")

CONTEXT = Context(xcache_image="example.org/xcache:1", operator_namespace="operator", pod_monitor=True)
SPEC: dict[str, Any] = {"deletionPolicy": "Delete"}
STRANGERS: dict[str, Object] = {
    "ConfigMap": {"apiVersion": "v1", "data": {"theirs": "yes"}},
    "NetworkPolicy": {"apiVersion": "networking.k8s.io/v1", "spec": {"podSelector": {"matchLabels": {"a": "b"}}}},
    "PersistentVolumeClaim": {
        "apiVersion": "v1",
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "7Gi"}}},
    },
    "PodMonitor": {"apiVersion": "monitoring.coreos.com/v1", "spec": {"selector": {}, "podMetricsEndpoints": []}},
    "Service": {"apiVersion": "v1", "spec": {"ports": [{"port": 7}], "selector": {"theirs": "yes"}}},
    "ServiceAccount": {"apiVersion": "v1", "automountServiceAccountToken": True},
    "StatefulSet": {
        "apiVersion": "apps/v1",
        "spec": {
            "serviceName": "theirs",
            "replicas": 0,
            "selector": {"matchLabels": {"theirs": "yes"}},
            "template": {
                "metadata": {"labels": {"theirs": "yes"}},
                "spec": {"containers": [{"name": "c", "image": "example.org/theirs:1"}]},
            },
        },
    },
}
"""What somebody else may have, by kind."""


def built(namespace: str = "somewhere") -> list[tuple[str, str]]:
    """Return kind and name of the children of the resource that these tests create."""
    body = xcache("x", namespace, **SPEC)
    body["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
    node = parse(body)
    assert isinstance(node, XCacheNode)
    return [(child["kind"], child["metadata"]["name"]) for child in build(node, CONTEXT)]


async def remove(lab: Lab, kind: str, name: str) -> None:
    """Delete an object as the protection controllers of a whole cluster would let it go."""
    await lab.admin.patch(kind, name, lab.namespace, {"metadata": {"finalizers": None}})
    await lab.admin.delete(kind, name, lab.namespace)


@pytest.fixture(scope="module")
def pod_monitors(endpoint: Endpoint) -> Iterator[None]:
    """A cluster that serves PodMonitor, for all tests of this module."""

    async def ask(step: Callable[[Client], Awaitable[None]]) -> None:
        async with Client(endpoint) as admin:
            await step(admin)

    with asyncio.Runner() as runner:
        runner.run(ask(lambda admin: define(admin, POD_MONITORS)))
        yield
        runner.run(ask(lambda admin: undefine(admin, POD_MONITORS["metadata"]["name"])))


def taken_child() -> list[Any]:
    return [pytest.param(index, id=f"{kind}-{name}") for index, (kind, name) in enumerate(built())]


@pytest.mark.parametrize("index", taken_child())
@with_pods
async def test_a_stranger_with_the_name_of_a_child_is_left_untouched_and_waited_for(index: int, lab: Lab) -> None:
    kind, name = built(lab.namespace)[index]
    meta = {"name": name, "namespace": lab.namespace}
    stranger = await lab.admin.create({"kind": kind, **STRANGERS[kind], "metadata": meta})
    await lab.operator()
    await lab.create(**SPEC)
    reason = "ClaimNotOurs" if kind == "PersistentVolumeClaim" else "NameTaken"
    body = await lab.until(lambda body: is_stalled(body, reason))
    assert condition(body, "Ready")["reason"] == reason
    assert f"{kind} {name}" in condition(body, "Stalled")["message"]
    await lab.quiet()
    assert untouched(await lab.admin.get(kind, name, lab.namespace)) == untouched(stranger)
    await remove(lab, kind, name)
    await lab.ready()


def untouched(body: Object) -> Object:
    """What nobody but the control plane itself may have changed."""
    return {key: value for key, value in body.items() if key in ("spec", "data", "automountServiceAccountToken")} | {
        "metadata": {
            key: value
            for key, value in body["metadata"].items()
            if key in ("uid", "labels", "annotations", "ownerReferences")
        }
    }


@with_pods
async def test_a_stranger_that_comes_after_a_child_was_deleted_is_left_untouched(lab: Lab) -> None:
    operator = await lab.operator()
    await lab.create()
    await lab.ready()
    await lab.quiet()
    operator.kill()
    name = next(name for kind, name in await lab.children() if kind == "Service")
    await lab.admin.delete("Service", name, lab.namespace)
    meta = {"name": name, "namespace": lab.namespace}
    stranger = await lab.admin.create({"kind": "Service", **STRANGERS["Service"], "metadata": meta})
    await operator.started()
    await lab.until(lambda body: is_stalled(body, "NameTaken"))
    assert untouched(await lab.admin.get("Service", name, lab.namespace)) == untouched(stranger)


@with_pods
async def test_a_child_of_another_resource_is_a_stranger(lab: Lab) -> None:
    await lab.operator()
    await lab.create("other")
    owner = await lab.ready("other")
    reference = {
        **{key: owner[key] for key in ("apiVersion", "kind")},
        **{key: owner["metadata"][key] for key in ("name", "uid")},
        "controller": True,
    }
    meta = {"name": "x", "namespace": lab.namespace, "ownerReferences": [reference]}
    await lab.admin.create({"kind": "StatefulSet", **STRANGERS["StatefulSet"], "metadata": meta})
    await lab.create()
    await lab.until(lambda body: is_stalled(body, "NameTaken"))


@with_pods
async def test_a_retained_claim_of_ours_is_used_again(lab: Lab) -> None:
    await lab.operator()
    await lab.create(deletionPolicy="Retain")
    await lab.ready()
    claim = next(body for (kind, _), body in (await lab.children()).items() if kind == "PersistentVolumeClaim")
    assert not claim["metadata"].get("ownerReferences")
    await lab.admin.delete("XCacheNode", "x", lab.namespace)
    for kind, name in await lab.children():
        if kind != "PersistentVolumeClaim":
            await lab.admin.delete(kind, name, lab.namespace)
    await lab.create(deletionPolicy="Retain")
    await lab.ready()
    again = await lab.admin.get("PersistentVolumeClaim", claim["metadata"]["name"], lab.namespace)
    assert again["metadata"]["uid"] == claim["metadata"]["uid"]
