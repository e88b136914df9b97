"""Deployments of one pod, in the namespace `e2e-rucio`, that are nobody's children: what a user has beside a Rucio."""

import json
from collections.abc import Mapping
from typing import Any

from tests.demo.kubectl import Kubectl, Object
from tests.e2e.names import RUCIO


def apply(lake: Kubectl, name: str, user: int, mounts: Mapping[str, Object], **container: Any) -> None:
    """Apply one under the restricted standard, and wait until it is ready.

    Args:
        lake: kubectl.
        name: Of it, and of its container.
        user: Who runs it, by number.
        mounts: Volumes, as a pod's spec has them, by where they are mounted.
        container: Other fields of the container.
    """
    security = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    who = {"runAsNonRoot": True, "runAsUser": user, "runAsGroup": user, "fsGroup": user}
    volumes = {path: f"v{number}" for number, path in enumerate(mounts)}
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {**who, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": name,
                "securityContext": security,
                "volumeMounts": [{"name": volume, "mountPath": path} for path, volume in volumes.items()],
                **container,
            }
        ],
        "volumes": [{"name": volume, **mounts[path]} for path, volume in volumes.items()],
    }
    labels = {"app.kubernetes.io/name": name}
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    metadata = {"name": name, "namespace": RUCIO}
    lake.apply(json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}))
    scale(lake, name, 1)


def scale(lake: Kubectl, name: str, replicas: int, *, namespace: str = RUCIO, within: int = 240) -> None:
    """Stop it (0), or start it (1); wait until that is so, `within` so many seconds for a start."""
    lake("scale", f"deployment/{name}", "--namespace", namespace, f"--replicas={replicas}")
    if replicas:
        lake("rollout", "status", f"deployment/{name}", "--namespace", namespace, "--timeout", f"{within}s")
    else:
        chosen = ["--selector", f"app.kubernetes.io/name={name}", "--namespace", namespace]
        lake("wait", "--for=delete", "pod", *chosen, "--timeout", "60s")
