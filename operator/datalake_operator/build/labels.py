"""Labels and owner references of children. Never copied from the custom resource: its labels mean other things."""

import re
from collections.abc import Mapping
from typing import Any

API_VERSION = "datalake.projectescape.eu/v1alpha1"
"""Group and version of our kinds."""

MANAGER = "datalake-operator"
"""Our field manager, and the value of the label app.kubernetes.io/managed-by on every child."""

INSTANCE = "app.kubernetes.io/instance"
"""Label that says which custom resource a child belongs to; a retained claim is known as ours by it."""

COMPONENT = "app.kubernetes.io/component"
"""Label that says which part of its custom resource a child or a pod is."""

MANAGED_BY = "app.kubernetes.io/managed-by"
"""Label that all our children carry, with the value of `MANAGER`; informers select by it."""

REPLICAS = "datalake.projectescape.eu/replicas"
"""Annotation of a workload that says whose its number of replicas is."""

AS_FOUND = "as-found"
"""Value of `REPLICAS`: a scaler's. We hand back the number that we found, so it makes no difference to us."""

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)


def selector(app: str, instance: str, component: str) -> dict[str, str]:
    """The labels that never change, fit for selectors."""
    return {
        "app.kubernetes.io/name": app,
        INSTANCE: instance,
        COMPONENT: component,
    }


def stable_labels(app: str, instance: str, component: str) -> dict[str, str]:
    """The labels of a pod template: no version, so that a new operator never rolls a pod."""
    return selector(app, instance, component) | {
        "app.kubernetes.io/part-of": "datalake",
        MANAGED_BY: MANAGER,
    }


def labels(app: str, instance: str, component: str, version: str | None = None) -> dict[str, str]:
    """All labels of a child. A version that is not a label value (a long tag, a digest) is left out."""
    found = stable_labels(app, instance, component)
    if version and _LABEL_VALUE.fullmatch(version):
        found["app.kubernetes.io/version"] = version
    return found


def owner(kind: str, name: str, uid: str | None) -> dict[str, Any]:
    """The owner reference of a child. Without `blockOwnerDeletion`, which would ask for rights on finalizers."""
    return {"apiVersion": API_VERSION, "kind": kind, "name": name, "uid": uid or "", "controller": True}


def belongs_to(manifest: Mapping[str, Any], uid: str | None) -> bool:
    """Whether an object has the resource of this uid as its controller."""
    references = manifest.get("metadata", {}).get("ownerReferences", [])
    return any(reference.get("controller") and reference.get("uid") == uid for reference in references)
