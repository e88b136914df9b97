"""The clusters that we build ourselves: start, end, and what is left; on machines where they would be chosen."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import builder, choose, leftovers, processes, waiting
from tests.cluster.built import Built
from tests.cluster.control_plane import ControlPlane
from tests.cluster.errors import ClusterError
from tests.cluster.fixtures import own_name
from tests.cluster.kubectl import Kubectl
from tests.cluster.node import Node

ROOT = Path(__file__).parents[2]
FLAVOURS = [ControlPlane, Node]
WARM = {"control-plane": 5, "node": 20}  # seconds from nothing to ready, components built before


@contextmanager
def fresh(flavour: type[Built]) -> Iterator[Built]:
    """A cluster that is not up yet and is gone afterwards."""
    with own_name("life") as name:
        cluster = flavour(name)
        cluster.down()
        try:
            yield cluster
        finally:
            cluster.down()


@pytest.fixture(params=FLAVOURS, ids=lambda flavour: flavour.flavour)
def flavour(request: pytest.FixtureRequest) -> type[Built]:
    if not isinstance(choose(request.param.flavour, "a"), request.param):
        pytest.skip("another sort of cluster is used here")
    if request.param is Node and os.geteuid() != 0:
        pytest.skip("a node needs root")
    found: type[Built] = request.param
    return found


@pytest.fixture
def cluster(flavour: type[Built]) -> Iterator[Built]:
    with fresh(flavour) as made:
        yield made


def _network(pid: int) -> str:
    """Names the network namespace of a process; empty when the process is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def killed_up(cluster: Built, once: str) -> None:
    """Start `up` in a process of its own and kill that as soon as something of this sort is there."""
    script = f"from {type(cluster).__module__} import {type(cluster).__name__} as C; C({cluster.name!r}).up()"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        waiting.until(lambda: any(once in line for line in leftovers(cluster.name)), once, seconds=60, every=0.01)
        process.send_signal(signal.SIGKILL)
    assert not cluster.is_up()


def started(cluster: Built) -> float:
    """Start it; the seconds that it took."""
    begun = time.monotonic()
    cluster.up()
    return time.monotonic() - begun


def test_it_starts_in_time_and_leaves_nothing(cluster: Built) -> None:
    builder.build(builder.OF_FLAVOUR[cluster.flavour])
    took = started(cluster)
    if took > WARM[cluster.flavour]:  # once may be because of whatever else this machine is doing
        cluster.down()
        took = min(took, started(cluster))
    assert cluster.is_up()
    assert leftovers(cluster.name)
    networks = {_network(pid) for pid in processes.find(cluster.run_dir)} - {"", _network(os.getpid())}
    kubeconfig = cluster.kubeconfig.read_bytes()
    cluster.up()
    assert cluster.kubeconfig.read_bytes() == kubeconfig, "a second up does nothing"
    for _ in range(2):
        cluster.down()
        assert leftovers(cluster.name) == []
        assert [entry.name for entry in cluster.run_dir.iterdir()] == ["logs"]
        assert not cluster.is_up()
    assert not networks & {_network(pid) for pid in processes.all_pids()}
    others = os.getloadavg()[0] / (os.cpu_count() or 1)  # this machine may be doing other things
    assert took <= WARM[cluster.flavour] * max(1, others)


@pytest.mark.parametrize("once", ["(etcd)", "(kube)"])
def test_a_killed_up_is_cleaned_by_down(cluster: Built, once: str) -> None:
    killed_up(cluster, once)
    cluster.down()
    assert leftovers(cluster.name) == []


def test_a_killed_up_is_cleaned_by_the_next_up(cluster: Built) -> None:
    killed_up(cluster, "(kube)")
    cluster.up()
    assert Kubectl(cluster.kubeconfig)("get", "namespaces", "--output=name").split()[0] == "namespace/default"


def test_a_start_that_fails_tells_why_and_leaves_nothing(cluster: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    started = cluster._launch

    def launch(part: str, command: list[Any]) -> None:
        started(part, ["sh", "-c", "echo the disk is made of cheese; exit 1"] if part == "apiserver" else command)

    monkeypatch.setattr(cluster, "_launch", launch)
    with pytest.raises(ClusterError, match="made of cheese"):
        cluster.up()
    assert leftovers(cluster.name) == []
    assert (cluster.logs / "etcd.log").exists()


def test_two_at_once_do_not_collide(flavour: type[Built]) -> None:
    with ExitStack() as stack:
        one, two = (stack.enter_context(fresh(flavour)) for _ in range(2))
        one.up()
        two.up()
        assert one._server() != two._server()
        Kubectl(one.kubeconfig)("create", "namespace", "only-here")
        assert "only-here" not in Kubectl(two.kubeconfig)("get", "namespaces")
        two.down()
        assert one.is_up()
        assert leftovers(two.name) == []


def test_a_name_belongs_to_one_flavour_at_a_time(running: ControlPlane) -> None:
    for method in ("up", "down"):
        with pytest.raises(ClusterError, match="of flavour control-plane, not node"):
            getattr(Node(running.name), method)()
    assert running.is_up()


@pytest.fixture(scope="module")
def running() -> Iterator[ControlPlane]:
    if not isinstance(choose("control-plane", "a"), ControlPlane):
        pytest.skip("another sort of cluster is used here")
    with fresh(ControlPlane) as cluster:
        cluster.up()
        yield cluster  # type: ignore[misc]


def asked(cluster: Built, seconds: float) -> int:
    """The status with which the API server answers in time.

    Raises:
        OSError: It does not answer, or refuses the connection.
    """
    context = ssl.create_default_context(cafile=str(cluster.authority.certificate))
    try:
        with urllib.request.urlopen(f"{cluster._server()}/api", timeout=seconds, context=context) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_a_stopped_api_server_refuses_and_comes_back_with_what_it_knew(running: ControlPlane) -> None:
    Kubectl(running.kubeconfig)("create", "namespace", "before")
    running.stop_api()
    with pytest.raises(OSError, match="refused"):
        asked(running, 5)
    running.start_api()
    assert "before" in Kubectl(running.kubeconfig)("get", "namespaces")


def test_a_cut_api_server_does_not_answer_until_it_is_mended(running: ControlPlane) -> None:
    running.cut_api()
    with pytest.raises(OSError, match="timed out"):
        asked(running, 0.5)
    running.mend_api()
    assert asked(running, 5) == 403


def test_a_cut_api_server_can_be_stopped(running: ControlPlane) -> None:
    running.cut_api()
    running.stop_api()
    running.start_api()
    assert asked(running, 5) == 403


def test_each_user_is_told_apart_in_the_audit_log_and_may_do_nothing_at_first(running: ControlPlane) -> None:
    kubectl = Kubectl(running.client_kubeconfig("some/one", ["team+1", "team2"]))
    with pytest.raises(ClusterError, match="Forbidden"):
        kubectl("get", "secrets")
    admin = Kubectl(running.kubeconfig)
    admin("create", "clusterrole", "see", "--verb=list", "--resource=pods")
    admin("create", "clusterrolebinding", "see", "--clusterrole=see", "--group=team2")
    waiting.until(lambda: _allowed(kubectl), "the right to see pods", seconds=10)
    entries = [json.loads(line) for line in running.audit_log.read_text().splitlines()] if running.audit_log else []
    of_user = [entry for entry in entries if entry["user"]["username"] == "some/one"]
    assert {"team+1", "team2"} <= set(of_user[0]["user"]["groups"])
    assert of_user[0]["userAgent"].startswith("kubectl")
    assert {entry["level"] for entry in entries} == {"Metadata"}
    assert "RequestReceived" not in {entry["stage"] for entry in entries}
    assert 403 in {entry["responseStatus"]["code"] for entry in of_user if "responseStatus" in entry}


def _allowed(kubectl: Kubectl) -> bool:
    try:
        kubectl("get", "pods")
    except ClusterError:
        return False
    return True
