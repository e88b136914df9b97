"""The operator in a cluster as a user would have it: images that the nodes know, installed by Helm."""

import os
from collections.abc import Iterable

from images import build, engines
from tests.charts.helm import CHART, Helm, HelmError
from tests.cluster import Cluster, binaries
from tests.cluster.errors import ClusterError
from tests.demo.kubectl import Kubectl
from tests.demo.names import OWNER, RELEASE

IMAGES = ("operator", "xcache", f"rucio:{build.RUCIO[0]}", "postgres", "probe")
"""What the demo and the end-to-end tests need: keys of `images.build.IMAGES`."""


def registry() -> str:
    """Where the nodes of a given cluster pull our images from; empty: the names in the chart."""
    return os.environ.get("IMAGE_REGISTRY") or os.environ.get("REGISTRY") or ""


def make_namespaces(kubectl: Kubectl, names: Iterable[str]) -> None:
    """Make namespaces that enforce the restricted pod security standard.

    Raises:
        ClusterError: One is there, and we did not make it.
    """
    for name in names:
        found = kubectl.find("namespace", name)
        if found and OWNER not in found["metadata"].get("labels", {}):
            raise ClusterError(f"namespace {name} is there and is somebody else's: remove it, or use another cluster")
        labels = f"{{{OWNER}: 'true', pod-security.kubernetes.io/enforce: restricted}}"
        kubectl.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {labels}}}}}")


def references() -> dict[str, str]:
    """Our images as the cluster knows them, by name."""
    return {name: build.IMAGES[name].reference(registry() or build.REGISTRY) for name in IMAGES}


def load_images(cluster: Cluster, names: Iterable[str] = IMAGES) -> None:
    """Make images of ours known to the nodes, building those that changed; a given cluster pulls them itself.

    Raises:
        ClusterError: They cannot be built, or the cluster cannot be given them.
    """
    if os.environ.get("KUBECONFIG") and registry():
        return
    for name in names:
        try:
            reference, path = build.archive(name, registry() or build.REGISTRY)
        except engines.BuildError as error:
            raise ClusterError(str(error)) from error
        cluster.load_image(reference, path)


def renamed(manifests: str) -> str:
    """Manifests with the names under which the cluster knows our images."""
    for name, reference in references().items():
        manifests = manifests.replace(build.IMAGES[name].reference(), reference)
    return manifests


def values(watched: Iterable[str]) -> list[str]:
    """The chart's values that differ from its defaults: where images are, and what is watched."""
    host, _, folder = (registry() or build.REGISTRY).partition("/")
    prefix = f"{folder}/" if folder else ""
    return [
        f"watchNamespaces={{{','.join(watched)}}}",
        f"image.registry={host}",
        f"image.repository={prefix}datalake-operator",
        *(
            f"operands.{name}.image.repository={prefix}datalake-{name}"
            for name in ("xcache", "rucio", "postgres", "probe")
        ),
        # the version stays while somebody works on it: let a new image start new pods
        f"podAnnotations.inputs={build.IMAGES['operator'].digest()[:16]}",
    ]


def install(cluster: Cluster, namespace: str, watched: Iterable[str]) -> None:
    """Install or upgrade the operator with Helm, and wait until Helm says that it works.

    Raises:
        ClusterError: With what Helm said.
    """
    helm = Helm(binaries.path("helm"), cluster.kubeconfig)
    options = [word for value in values(watched) for word in ("--set", value)]
    try:
        helm.run("upgrade", "--install", RELEASE, CHART, "--namespace", namespace, "--wait", "--timeout=5m", *options)
    except HelmError as error:
        raise ClusterError(f"Helm could not install the operator: {error}") from error
