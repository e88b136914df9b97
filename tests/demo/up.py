"""`make demo`: from nothing to a cache that serves, a Rucio that knows its files, and a grid that tells the truth."""

from pathlib import Path
from typing import Any

import yaml

from tests.cluster import Cluster, binaries, waiting
from tests.cluster.errors import ClusterError
from tests.cluster.progress import duration
from tests.demo import grid, lake, release
from tests.demo.kubectl import Kubectl
from tests.demo.names import NAMESPACE, OPERATOR_NAMESPACE
from tests.demo.reads import Read, Traffic, read, served, traffic
from tests.demo.show import Show, Step, shown

EXAMPLES = Path(__file__).parents[2] / "examples"
ORIGIN = EXAMPLES / "demo-origin.yaml"
CACHE = EXAMPLES / "xcache-minimal.yaml"
RUCIO = EXAMPLES / "rucio-minimal.yaml"
ORIGIN_URL = f"root://origin.{NAMESPACE}.svc.cluster.local:1094"
FILE = "/demo/256MiB.bin"
SIZE = 256 * 2**20
READY_WITHIN = 300  # seconds; on a cluster that pulls images


def up(cluster: Cluster) -> None:
    """Bring up everything, read a file through the cache, register it in a Rucio, fill a grid, and tell what is next.

    Raises:
        ClusterError: Something did not become what it should; the message says what.
    """
    show = Show()
    cluster.up()
    release.load_images(cluster)
    kubectl = Kubectl(cluster.kubeconfig)
    with show.step("Installing the operator with Helm"):
        release.make_namespaces(kubectl, [OPERATOR_NAMESPACE, NAMESPACE])
        release.install(cluster, OPERATOR_NAMESPACE, [NAMESPACE])
    with show.step("Starting an origin with a file of 256 MiB, and a pod to read from"):
        apply_origin(kubectl)
    manifest = CACHE.read_text()
    name: str = yaml.safe_load(manifest)["metadata"]["name"]
    with show.step(f"kubectl apply --filename {CACHE.relative_to(EXAMPLES.parent)}") as step:
        kubectl("apply", "--filename", str(CACHE))  # as a person would, so that they can apply an edited file
        node = await_ready(kubectl, NAMESPACE, name, step)
    _tour(show, kubectl, name, node["status"]["endpoints"])
    rucio = _catalogue(show, kubectl)
    with show.step(f"kubectl apply --filename {grid.LAKE.relative_to(EXAMPLES.parent)}"):
        grid.start_lake(kubectl)
    grid.fill(show, kubectl)
    page = grid.open_page(cluster)
    show.text(f"\nThe page with the grid: {page}\n")
    grid.break_one(show, kubectl)
    show.heading("kubectl get datalake --all-namespaces")
    show.text(kubectl("get", "datalake", "--all-namespaces").rstrip())
    _next(show, cluster, name, rucio, node["status"]["endpoints"])
    show.heading(f"{grid.BROKEN} is broken on purpose. How to mend it, and to see it turn green")
    show.commands(grid.mending())
    show.heading(f"The page: {page}")
    show.text(f"It stays open until `make demo-down`. The demo took {duration(show.seconds)}.")


def apply_origin(kubectl: Kubectl) -> None:
    """Apply the origin and the client, and wait until both run."""
    kubectl.apply(release.renamed(ORIGIN.read_text()))
    for deployment in ("origin", "client"):
        kubectl("rollout", "status", f"deployment/{deployment}", "--namespace", NAMESPACE, "--timeout", "240s")


def await_ready(
    kubectl: Kubectl, namespace: str, name: str, step: Step | None = None, kind: str = "xcachenode"
) -> dict[str, Any]:
    """Wait until one of our resources is Ready, telling what its Ready condition says meanwhile; return it."""

    def ready() -> dict[str, Any] | None:
        node = kubectl.get(kind, name, namespace)
        if node["status"].get("observedGeneration") != node["metadata"]["generation"]:
            return None
        found = next((one for one in node["status"]["conditions"] if one["type"] == "Ready"), None)
        if found and found["status"] == "True":
            return node
        if found and step:
            step.says(f"{found['reason']}: {found['message']}")
        return None

    node = waiting.until(ready, f"{name} to be Ready", seconds=READY_WITHIN, every=0.3)
    assert node is not None
    return node


def scale_origin(kubectl: Kubectl, replicas: int) -> None:
    """Switch the origin off (0) or on (1), and wait until that is so."""
    kubectl("scale", "deployment/origin", "--namespace", NAMESPACE, f"--replicas={replicas}")
    if replicas:
        kubectl("rollout", "status", "deployment/origin", "--namespace", NAMESPACE, "--timeout", "120s")
    else:
        chosen = ["--selector", "app.kubernetes.io/name=origin", "--namespace", NAMESPACE]
        kubectl("wait", "--for=delete", "pod", *chosen, "--timeout", "60s")


def evict(kubectl: Kubectl, name: str, path: str) -> None:
    """Make a cache forget a file, so that the next read is cold; a file that is not there is fine."""
    command = ["xrdfs", f"{name}.{NAMESPACE}.svc", "cache", "evict", path]
    try:
        kubectl.execute(NAMESPACE, "deployment/client", *command)
    except ClusterError as error:
        if "[ERROR]" not in str(error):
            raise


def _tour(show: Show, kubectl: Kubectl, name: str, endpoints: dict[str, str]) -> None:
    """Read the file cold, hot, and hot without the origin; show the times and what the exporter counted."""
    root, http = f"{endpoints['root']}/{FILE}", f"{endpoints['http']}{FILE}"
    pod = f"{name}-0"
    with show.step("Reading the file cold, then hot"):
        evict(kubectl, name, FILE)
        before = traffic(kubectl, NAMESPACE, pod)
        cold, hot, hot_http = read(kubectl, NAMESPACE, root, root, http)
    with show.step("Switching the origin off, reading again, switching it on"):
        scale_origin(kubectl, 0)
        try:
            (alone,) = read(kubectl, NAMESPACE, root)
        finally:
            scale_origin(kubectl, 1)
    reads = [("cold, from the origin", cold), ("hot, from the cache's disk", hot), ("hot", hot_http)]
    reads.append(("hot, with the origin off", alone))
    show.reads(reads)
    _counted(show, kubectl, pod, [one for _, one in reads], before)


def _counted(show: Show, kubectl: Kubectl, pod: str, reads: list[Read], before: Traffic) -> None:
    total = sum(one.size for one in reads)
    found = served(kubectl, NAMESPACE, pod, total, before)
    same = "all equal" if len({one.sha256 for one in reads}) == 1 else "NOT EQUAL"
    show.text(
        f"\nChecksums of the {len(reads)} reads: {same}. The cache's exporter counted {found.served / 2**20:.0f} MiB"
        f" served, {found.origin / 2**20:.0f} MiB fetched from the origin: byte hit ratio {found.hit_percent:.0f} %."
    )


def _catalogue(show: Show, kubectl: Kubectl) -> str:
    """Start a Rucio, make the origin and its file known to it, show what it says; return its name."""
    name: str = yaml.safe_load(RUCIO.read_text())["metadata"]["name"]
    with show.step(f"kubectl apply --filename {RUCIO.relative_to(EXAMPLES.parent)}") as step:
        kubectl("apply", "--filename", str(RUCIO))
        server = await_ready(kubectl, NAMESPACE, name, step, "rucioserver")
    with show.step("Making the origin an RSE, and the file known, over REST"):
        lake.start_client(kubectl)
        known = lake.register(kubectl, f"{ORIGIN_URL}/{FILE}")
    show.text(f"\n{known.did} is at {', '.join(known.replicas)}")
    for words in (("whoami",), ("rule", "list", "--did", known.did)):
        show.heading(" ".join(("rucio", *words)))
        show.text(lake.ask(kubectl, *words))
    alive = [f"{daemon} {live}/{desired}" for daemon, live, desired in lake.daemons(server)]
    show.text(f"\nDaemons with a fresh heartbeat, of those wanted: {', '.join(alive)}\n")
    return name


def _next(show: Show, cluster: Cluster, name: str, rucio: str, endpoints: dict[str, str]) -> None:
    show.heading("What to type next")
    program = shown(binaries.path("kubectl"))
    copy = f"xrdcp --force {endpoints['root']}/{FILE} /tmp/file"
    show.commands(
        [
            (f'alias kubectl="{program} --kubeconfig {shown(cluster.kubeconfig)}"', "first this"),
            ("kubectl get datalake --all-namespaces --output wide", "what there is, whether it is ready, and why not"),
            (f"kubectl --namespace {NAMESPACE} describe xcachenode {name}", "what the operator says about the cache"),
            (f"kubectl --namespace {NAMESPACE} describe rucioserver {rucio}", "and about Rucio"),
            (f"kubectl --namespace {NAMESPACE} exec deployment/client -- {copy}", "read through the cache yourself"),
            (f"kubectl --namespace {NAMESPACE} exec {lake.POD} -- rucio rse list", "ask Rucio yourself"),
            (f"kubectl --namespace {NAMESPACE} delete statefulset {name}", "break something: it is repaired at once"),
            ("kubectl explain xcachenode.spec.storage", "what can be said about storage"),
            ("make demo-down", "remove it all"),
        ]
    )
