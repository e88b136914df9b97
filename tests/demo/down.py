"""`make demo-down`: removes what `make demo` made. Like the cluster itself, it needs the standard library only."""

import json
import os
import subprocess

from tests.cluster import Cluster, binaries, processes
from tests.cluster.progress import step
from tests.demo.kubectl import Kubectl
from tests.demo.names import NAMESPACE, OPERATOR_NAMESPACE, OWNER, RELEASE

CRDS = [f"{plural}.datalake.projectescape.eu" for plural in ("qosprobes", "rucioservers", "xcachenodes")]


def down(cluster: Cluster) -> None:
    """Remove the demo's own cluster, or from a given cluster everything that the demo brought there."""
    processes.end(cluster.run_dir, "page")
    if os.environ.get("KUBECONFIG"):
        clean(cluster, [NAMESPACE], OPERATOR_NAMESPACE)
        return
    with step(f"Removing cluster {cluster.name}"):
        cluster.down()


def clean(cluster: Cluster, namespaces: list[str], operator_namespace: str) -> None:
    """Remove our namespaces, the release, and the definitions if they are its own and nobody uses them.

    Raises:
        ClusterError: Something could not be removed.
    """
    kubectl = Kubectl(cluster.kubeconfig)
    ours = [name for name in (*namespaces, operator_namespace) if _is_ours(kubectl, name)]
    if not ours:
        return
    with step(f"Removing namespaces {', '.join(ours)}, what is in them, and the release"):
        for name in ours:
            _empty(kubectl, name)
        if operator_namespace in ours:
            _uninstall(cluster, operator_namespace)
        kubectl("delete", "namespace", *ours, within=900)
        for name in CRDS:
            _remove_definition(kubectl, name, operator_namespace)


def _empty(kubectl: Kubectl, namespace: str) -> None:
    """End the pods of a namespace: Kubernetes deletes one with pods only after half of their longest grace time."""
    for definition in CRDS:
        if kubectl.find("customresourcedefinition", definition):
            kubectl("delete", definition, "--all", "--namespace", namespace)
    kubectl("delete", "deployment", "--all", "--namespace", namespace)
    kubectl("wait", "--for=delete", "pod", "--all", "--namespace", namespace, "--timeout=900s")


def _uninstall(cluster: Cluster, namespace: str) -> None:
    helm = [str(binaries.path("helm")), "uninstall", RELEASE, "--namespace", namespace, "--ignore-not-found"]
    subprocess.run([*helm, "--kubeconfig", str(cluster.kubeconfig)], check=True, capture_output=True)


def _is_ours(kubectl: Kubectl, name: str) -> bool:
    found = kubectl.find("namespace", name)
    return found is not None and OWNER in found["metadata"].get("labels", {})


def _remove_definition(kubectl: Kubectl, name: str, operator_namespace: str) -> None:
    found = kubectl.find("customresourcedefinition", name)
    if not found:
        return
    marks = found["metadata"].get("annotations", {})
    if marks.get("meta.helm.sh/release-namespace") != operator_namespace:
        return
    if not json.loads(kubectl("get", name, "--all-namespaces", "--output", "json"))["items"]:
        kubectl("delete", "customresourcedefinition", name)
