"""The part of the demo about the grid: real transfers between four endpoints, one of which is broken on purpose."""

import contextlib
import socket
import urllib.error
import urllib.request
from pathlib import Path

from tests.cluster import Cluster, binaries, processes, waiting
from tests.cluster.errors import ClusterError
from tests.demo import release, runs
from tests.demo.kubectl import Kubectl, Object
from tests.demo.names import NAMESPACE, OPERATOR_NAMESPACE, RELEASE
from tests.demo.show import Show

EXAMPLES = Path(__file__).parents[2] / "examples"
LAKE = EXAMPLES / "demo-lake.yaml"
MANIFESTS = (EXAMPLES / "demo-grid.yaml", EXAMPLES / "probe-cache.yaml")
MESH, STORAGE = "mesh", "storage"
BROKEN, POD = "WEST", "lake-3"
"""The endpoint that is broken, and the pod behind it."""
BREAK = ("touch", "/run/xrootd/stop")
MEND = ("rm", "--force", "/run/xrootd/stop")
CONFIRMATIONS = 2
"""Of a probe, by default: so many bad runs make it red."""
PORT = 8081
PAGE = "page"
"""Part of the cluster: the way from this machine to the page."""

_AGAIN = 'while :; do "$@"; sleep 1; done'
_RUN_WITHIN = 180
"""Seconds; also on a busy machine."""


def start_lake(kubectl: Kubectl) -> None:
    """Start the endpoints; one that an earlier demo broke is mended."""
    kubectl.apply(release.renamed(LAKE.read_text()))
    if kubectl.find("pod", POD, NAMESPACE):
        with contextlib.suppress(ClusterError):  # it may just be going
            kubectl("exec", "--namespace", NAMESPACE, POD, "--", *MEND)
    kubectl("rollout", "status", "statefulset/lake", "--namespace", NAMESPACE, "--timeout", "120s")


def fill(show: Show, kubectl: Kubectl) -> None:
    """Apply the probes, and wait for the first results."""
    files = " ".join(f"--filename {path.relative_to(EXAMPLES.parent)}" for path in MANIFESTS)
    with show.step(f"kubectl apply {files}, and a first run of each"):
        kubectl("apply", *(f"--filename={path}" for path in MANIFESTS))
        runs.run(kubectl, NAMESPACE, list(runs.probes(kubectl, NAMESPACE)), _RUN_WITHIN)
    show.text(kubectl("get", "qosprobes", "--namespace", NAMESPACE).rstrip())


def break_one(show: Show, kubectl: Kubectl) -> None:
    """Stop the server of one endpoint, and wait until it is blamed."""
    with show.step(f"Stopping the server of {BROKEN}, and letting the probes run until it is blamed"):
        kubectl("exec", "--namespace", NAMESPACE, POD, "--", *BREAK)
        for _ in range(CONFIRMATIONS + 1):
            bodies = runs.run(kubectl, NAMESPACE, (MESH, STORAGE), _RUN_WITHIN)
            if all(blamed(body) == [BROKEN] for body in bodies.values()):
                break
    for name, body in bodies.items():
        healthy = next(one for one in body["status"]["conditions"] if one["type"] == "Healthy")
        show.text(f"\n{name}: {healthy['message']}")


def blamed(body: Object) -> list[str]:
    """Endpoints that a probe blames."""
    return [one["name"] for one in body["status"].get("endpoints", ()) if one["state"] == "critical"]


def open_page(cluster: Cluster) -> str:
    """Lead a port of this machine to the page, until the demo is removed; return its address."""
    processes.end(cluster.run_dir, PAGE)
    port = next(port for port in range(PORT, PORT + 100) if _is_free(port))
    kubectl: list[str | Path] = [binaries.path("kubectl"), "--kubeconfig", cluster.kubeconfig, "port-forward"]
    command = [*kubectl, "--namespace", OPERATOR_NAMESPACE, f"service/{RELEASE}", f"{port}:8080"]
    log = cluster.run_dir / "page.log"
    # again and again, since it ends with the operator's pod
    processes.start(cluster.run_dir, PAGE, ["sh", "-c", _AGAIN, PAGE, *command], log, {})
    address = f"http://localhost:{port}/"
    waiting.until(lambda: _answers(address), f"{address} (see {log})", seconds=60, every=0.2)
    return address


def mending() -> list[tuple[str, str]]:
    """Commands that mend what was broken, each with what it is for."""
    now = f'{runs.ANNOTATION}="$(date +%s)"'
    return [
        (f"kubectl --namespace {NAMESPACE} exec {POD} -- {' '.join(MEND)}", f"mend {BROKEN}"),
        (
            f"kubectl --namespace {NAMESPACE} annotate qosprobe {MESH} {STORAGE} --overwrite {now}",
            f"twice: {BROKEN} is green again after two good runs (or wait: one begins every 2 minutes)",
        ),
        (f"kubectl --namespace {NAMESPACE} exec {POD} -- {' '.join(BREAK)}", "break it again"),
    ]


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
