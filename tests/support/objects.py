"""Custom resources to try things on, and questions about what was made of them."""

import copy
from collections.abc import Mapping
from typing import Any

from tests.support.client import DATALAKE, Client, Object

PART_OF = "app.kubernetes.io/part-of=datalake"
CHILD_KINDS = (
    "ServiceAccount",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "Service",
    "NetworkPolicy",
    "PodMonitor",
    "PodDisruptionBudget",
    "Ingress",
    "CronJob",
    "Job",
    "Deployment",
    "StatefulSet",
)
"""Kinds that the operator makes, configuration first."""


def xcache(name: str, namespace: str, **spec: Any) -> Object:
    """Return a minimal XCacheNode; `spec` replaces its fields."""
    return {
        "apiVersion": DATALAKE,
        "kind": "XCacheNode",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "site": "TEST",
            "origin": {"url": "root://origin.example.org:1094"},
            "storage": {"data": [{"name": "d0", "claim": {"size": "10Gi"}}]},
            "auth": {"clients": {"anonymous": True}, "origin": {"anonymous": True}},
            **copy.deepcopy(spec),
        },
    }


def rucio(name: str, namespace: str, **spec: Any) -> Object:
    """Return a minimal RucioServer; `spec` replaces its fields."""
    return {
        "apiVersion": DATALAKE,
        "kind": "RucioServer",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"database": {"embedded": {}}, **copy.deepcopy(spec)},
    }


def probe(name: str, namespace: str, **spec: Any) -> Object:
    """Return a minimal QoSProbe, of one TCP target named a; `spec` replaces its fields, None takes one away."""
    whole = {
        "interval": "15m",
        "tcp": {"targets": [{"name": "a", "host": "a.example.org", "port": 1094}]},
        **copy.deepcopy(spec),
    }
    return {
        "apiVersion": DATALAKE,
        "kind": "QoSProbe",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {field: value for field, value in whole.items() if value is not None},
    }


def condition(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the condition of that type; empty where there is none."""
    conditions = body.get("status", {}).get("conditions") or []
    return next((dict(one) for one in conditions if one["type"] == kind), {})


def is_current(body: Mapping[str, Any]) -> bool:
    """Whether the status speaks of the present generation."""
    return bool(body.get("status", {}).get("observedGeneration") == body["metadata"]["generation"])


def is_ready(body: Mapping[str, Any]) -> bool:
    """Whether `Ready` is true for the present generation."""
    return is_current(body) and condition(body, "Ready").get("status") == "True"


def is_stalled(body: Mapping[str, Any], reason: str = "") -> bool:
    """Whether the present generation is Stalled, for `reason` where one is given."""
    found = condition(body, "Stalled")
    return is_current(body) and found.get("status") == "True" and reason in ("", found.get("reason"))


async def children(admin: Client, namespace: str, name: str = "") -> dict[tuple[str, str], Object]:
    """Return the labelled children in a namespace, of one resource or of all, by kind and name."""
    labels = PART_OF + (f",app.kubernetes.io/instance={name}" if name else "")
    return {
        (kind, item["metadata"]["name"]): item
        for kind in CHILD_KINDS
        for item in await admin.list(kind, namespace, labels)
    }


APPLIED_HASH = "datalake.projectescape.eu/applied-hash"  # of a manifest with the owner's uid
VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")


def essence(objects: Mapping[tuple[str, str], Object]) -> dict[tuple[str, str], Object]:
    """Return objects without what differs between two equal runs: for comparing an outcome with another."""
    return {key: _essence(body) for key, body in sorted(objects.items())}


def differing(
    these: Mapping[tuple[str, str], Object], those: Mapping[tuple[str, str], Object]
) -> dict[tuple[str, str], tuple[Object | None, Object | None]]:
    """Return what is not the same in two sets of objects."""
    left, right = essence(these), essence(those)
    return {
        key: (left.get(key), right.get(key))
        for key in sorted(left.keys() | right.keys())
        if left.get(key) != right.get(key)
    }


def _essence(body: Object) -> Object:
    body = copy.deepcopy(body)
    meta = body["metadata"]
    for field in VOLATILE:
        meta.pop(field, None)
    meta.get("annotations", {}).pop(APPLIED_HASH, None)
    for owner in meta.get("ownerReferences", []):
        owner.pop("uid", None)
    body.pop("status", None)
    spec = body.get("spec", {})
    if body["kind"] == "Service":
        for field in ("clusterIP", "clusterIPs"):
            if spec.get(field) not in ("None", ["None"]):
                spec.pop(field, None)
        for port in spec.get("ports", []):
            port.pop("nodePort", None)
    return body
