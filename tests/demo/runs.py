"""Runs of probes that are asked for, and awaited in status."""

import hashlib
import json
import secrets
from collections.abc import Collection

from tests.cluster import waiting
from tests.demo.kubectl import Kubectl, Object

ANNOTATION = "datalake.projectescape.eu/reconcile-at"


def ask(kubectl: Kubectl, namespace: str, names: Collection[str]) -> dict[str, str]:
    """Ask for one run of each probe; return their ids by probe."""
    value = secrets.token_hex(6)
    kubectl("annotate", "qosprobe", *names, "--namespace", namespace, "--overwrite", f"{ANNOTATION}={value}")
    digest = hashlib.sha256(value.encode()).hexdigest()[:10]
    return {name: f"{name}-{digest}" for name in names}


def run(kubectl: Kubectl, namespace: str, names: Collection[str], seconds: float) -> dict[str, Object]:
    """Let probes run once, at the same time, and wait until their status tells of it; their bodies by name.

    Raises:
        ClusterError: One did not within so many seconds.
    """
    wanted = ask(kubectl, namespace, names)

    def told() -> dict[str, Object] | None:
        found = probes(kubectl, namespace)
        runs = {name: {run["id"] for run in found[name].get("status", {}).get("runs", ())} for name in wanted}
        return {name: found[name] for name in wanted} if all(wanted[name] in runs[name] for name in wanted) else None

    answer = waiting.until(told, f"runs {', '.join(wanted.values())} in status", seconds=seconds, every=0.5)
    assert answer is not None
    return answer


def probes(kubectl: Kubectl, namespace: str) -> dict[str, Object]:
    """Every probe of a namespace by name, as it is now."""
    listed = json.loads(kubectl("get", "qosprobes", "--namespace", namespace, "--output=json"))["items"]
    return {one["metadata"]["name"]: one for one in listed}
