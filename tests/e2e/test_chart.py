"""The chart on a node with pods: what `helm --wait` proves, and what outlives a release."""

import json
import secrets
import time
from collections.abc import AsyncIterator

import pytest

from tests.charts.helm import CHART, SITE, Helm, HelmError
from tests.cluster import Cluster, binaries
from tests.demo import runs
from tests.demo.release import values
from tests.support import kubeconfig
from tests.support.client import DATALAKE, Client, Object
from tests.support.objects import condition, is_ready, xcache
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def helm(node: Cluster, images: None) -> Helm:  # noqa: ARG001 - they must be there
    return Helm(binaries.path("helm"), node.kubeconfig)


@pytest.fixture
async def admin(node: Cluster) -> AsyncIterator[Client]:
    async with Client(kubeconfig.read(node.kubeconfig)) as client:
        yield client


@pytest.fixture
async def namespace(helm: Helm, admin: Client) -> AsyncIterator[str]:
    """A fresh namespace that enforces the restricted pod security standard; emptied at the end."""
    name = f"chart-{secrets.token_hex(3)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    await admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    yield name
    for release in json.loads(helm.run("list", "--namespace", name, "--output", "json")):
        helm.run("uninstall", release["name"], "--namespace", name)
    await admin.delete("Namespace", name)


async def test_install_waits_for_the_operator_and_replicas_come_and_go(
    helm: Helm, admin: Client, namespace: str
) -> None:
    _install(helm, "lake", namespace)
    assert await _ready_operators(admin, namespace) == 1
    metrics = await admin.request("GET", f"/api/v1/namespaces/{namespace}/services/{_full('lake')}:http/proxy/metrics")
    assert "datalake_build_info" in metrics["text"]

    _install(helm, "lake", namespace, "upgrade", replicas=2)
    assert await _ready_operators(admin, namespace) == 2
    await eventually(lambda: _leader(admin, namespace), 30)

    _install(helm, "lake", namespace, "upgrade", replicas=1)
    await eventually(lambda: _leader(admin, namespace), 30)


async def test_wait_tells_ready_from_stalled_and_from_waiting(helm: Helm, admin: Client, namespace: str) -> None:
    _install(helm, "lake", namespace)
    _site(helm, "good", namespace, {})
    assert is_ready(await admin.get("XCacheNode", "good", namespace))

    began = time.monotonic()
    with pytest.raises(HelmError, match=r"status: Failed, message: spec\.origin\.url: is not implemented"):
        _site(helm, "bad", namespace, {"origin": {"url": "roots://origin.example.org:1094"}}, timeout="120s")
    assert time.monotonic() - began < 30
    stalled = condition(await admin.get("XCacheNode", "bad", namespace), "Stalled")
    assert stalled["status"] == "True"

    missing = {"data": [{"name": "d0", "existingClaim": {"name": "nowhere"}}], "maxCacheSize": "1Gi"}
    with pytest.raises(HelmError, match="InProgress"):
        _site(helm, "waiting", namespace, {"storage": missing}, timeout="8s")
    waiting = await admin.get("XCacheNode", "waiting", namespace)
    assert condition(waiting, "Ready")["reason"] == "DependencyMissing"
    assert condition(waiting, "Stalled") == {}


async def test_a_probe_runs_when_it_is_asked_to(helm: Helm, admin: Client, namespace: str) -> None:
    _install(helm, "lake", namespace)
    target = {"name": "api-server", "host": "kubernetes.default.svc", "port": 443}
    spec = {"schedule": "0 0 29 2 *", "timeout": "30s", "tcp": {"targets": [target]}}
    metadata = {"name": "probe", "namespace": namespace, "annotations": {runs.ANNOTATION: "now"}}
    await admin.create({"apiVersion": DATALAKE, "kind": "QoSProbe", "metadata": metadata, "spec": spec})

    async def is_green() -> bool:
        probe = await admin.get("QoSProbe", "probe", namespace)
        return is_ready(probe) and condition(probe, "Healthy").get("status") == "True"

    await eventually(is_green, 60)


async def test_what_runs_outlives_the_operator_and_the_next_release_goes_on_from_there(
    helm: Helm, admin: Client, namespace: str
) -> None:
    _install(helm, "first", namespace)
    _site(helm, "cache", namespace, {})
    pod = await _pod(admin, namespace)
    claims = await admin.list("PersistentVolumeClaim", namespace)
    assert claims

    helm.run("uninstall", "first", "--namespace", namespace, "--wait")
    await eventually(lambda: _is_gone(admin, namespace), 60)
    assert (await admin.get("XCacheNode", "cache", namespace))["status"]
    assert await admin.list("PersistentVolumeClaim", namespace) == claims
    assert (await _pod(admin, namespace))["metadata"]["uid"] == pod["metadata"]["uid"]
    await admin.delete("Service", "cache", namespace)

    _install(helm, "second", namespace)
    await eventually(lambda: admin.find("Service", "cache", namespace), 30, "the next operator repairs")
    assert (await _pod(admin, namespace))["metadata"]["uid"] == pod["metadata"]["uid"]
    assert is_ready(await admin.get("XCacheNode", "cache", namespace))


def _full(release: str) -> str:
    return f"{release}-datalake-operator"


def _install(helm: Helm, release: str, namespace: str, verb: str = "install", replicas: int = 1) -> None:
    settings = [*values([namespace]), f"replicas={replicas}"]
    options = [word for setting in settings for word in ("--set", setting)]
    helm.run(verb, release, CHART, "--namespace", namespace, "--wait", "--timeout", "120s", *options)


def _site(helm: Helm, release: str, namespace: str, spec: Object, timeout: str = "300s") -> None:
    """Install a release that is one XCacheNode of the same name."""
    storage = {"data": [{"name": "d0", "claim": {"size": "1Gi"}}]}
    whole = xcache(release, namespace, **{"storage": storage, **spec})["spec"]
    helm.run(
        "install", release, SITE, "--namespace", namespace, "--set-json", f"spec={json.dumps(whole)}",
        "--wait", "--timeout", timeout,
    )  # fmt: skip


async def _ready_operators(admin: Client, namespace: str) -> int:
    pods = await admin.list("Pod", namespace, "app.kubernetes.io/name=datalake-operator")
    return sum(condition(pod, "Ready").get("status") == "True" for pod in pods)


async def _is_gone(admin: Client, namespace: str) -> bool:
    return not await admin.list("Pod", namespace, "app.kubernetes.io/name=datalake-operator")


async def _leader(admin: Client, namespace: str) -> bool:
    """Whether the Lease is held by a pod that is there and Ready."""
    lease = await admin.get("Lease", _full("lake"), namespace)
    pod = await admin.find("Pod", lease["spec"].get("holderIdentity") or "nobody", namespace)
    return pod is not None and condition(pod, "Ready").get("status") == "True"


async def _pod(admin: Client, namespace: str) -> Object:
    (pod,) = await admin.list("Pod", namespace, "app.kubernetes.io/name=xcache")
    return pod
