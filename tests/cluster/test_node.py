"""The node that we build ourselves runs pods as any cluster does."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import choose, images, leftovers, waiting
from tests.cluster.errors import ClusterError
from tests.cluster.fixtures import cluster
from tests.cluster.foreign import Foreign
from tests.cluster.kubectl import Kubectl
from tests.cluster.node import Node

RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
KERNEL_SETTINGS = ("kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory")

ASK_DNS = """
import socket, struct, sys
name = b"".join(bytes([len(part)]) + part.encode() for part in sys.argv[1].split("."))
with socket.socket(type=socket.SOCK_DGRAM) as asking:
    asking.settimeout(5)
    asking.sendto(struct.pack(">6H", 7, 256, 1, 0, 0, 0) + name + bytes([0, 0, 1, 0, 1]), ("10.244.0.1", 53))
    answer = asking.recv(1024)
print(answer[3] & 15, ".".join(map(str, answer[-4:])))
"""
CONNECT = "import socket; socket.create_connection(('10.96.0.1', 443), 5).close()"


@pytest.fixture(scope="module")
def kernel_before() -> dict[str, str]:
    return {name: Path("/proc/sys", name).read_text() for name in KERNEL_SETTINGS}


@pytest.fixture(scope="module")
def node(kernel_before: dict[str, str]) -> Iterator[Node]:  # noqa: ARG001 - read before the kubelet starts
    if not isinstance(choose("node", "a"), Node):
        pytest.skip("another sort of cluster is used here")
    if os.geteuid() != 0:
        pytest.skip("a node needs root")
    with cluster("node") as running:
        assert isinstance(running, Node)
        yield running


@pytest.fixture
def kubectl(node: Node) -> Kubectl:
    return Kubectl(node.kubeconfig)


def inside(node: Node, script: str, *arguments: str) -> str:
    command = node.namespaces.entering([sys.executable, "-c", script, *arguments])
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def pod_with_volumes(classes: dict[str, str | None]) -> dict[str, Any]:
    """A pod under the restricted standard, and its claims: name to storage class (None: the default one)."""
    claims = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
                **({"storageClassName": storage_class} if storage_class else {}),
            },
        }
        for name, storage_class in classes.items()
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "with-volumes"},
        "spec": {
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10940,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "idle",
                    "image": images.PAUSE,
                    "securityContext": RESTRICTED,
                    "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in classes],
                }
            ],
            "volumes": [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in classes],
            "terminationGracePeriodSeconds": 1,
        },
    }
    return {"apiVersion": "v1", "kind": "List", "items": [*claims, pod]}


def test_a_restricted_pod_gets_its_volumes_and_gives_them_back(node: Node, kubectl: Kubectl) -> None:
    kubectl("label", "namespace", "default", "pod-security.kubernetes.io/enforce=restricted")
    given = pod_with_volumes({"plain": None, "growing": "local-path-expandable"})
    kubectl("create", "--filename=-", given=given)
    kubectl("wait", "--for=condition=Ready", "pod/with-volumes", "--timeout=60s")
    folders = list((node.run_dir / "volumes").iterdir())
    assert len(folders) == 2
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o777}, "pods of any user write there"
    grown = '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}'
    kubectl("patch", "pvc", "growing", f"--patch={grown}")
    with pytest.raises(ClusterError, match="must support resize"):
        kubectl("patch", "pvc", "plain", f"--patch={grown}")
    kubectl("delete", "pod/with-volumes", "pvc/plain", "pvc/growing", "--timeout=60s")
    waiting.until(lambda: not list((node.run_dir / "volumes").iterdir()), "the folders to go", seconds=60)


def test_names_of_the_cluster_are_resolved_and_no_others(node: Node) -> None:
    assert inside(node, ASK_DNS, "kubernetes.default.svc.cluster.local") == "0 10.96.0.1"
    for unknown in ("nothing.default.svc.cluster.local", "example.org", "kubernetes"):
        assert inside(node, ASK_DNS, unknown).split()[0] == "3", "NXDOMAIN at once"


def test_a_service_leads_to_its_endpoints(node: Node) -> None:
    inside(node, CONNECT)


def test_the_node_changes_no_kernel_setting_of_the_host(kernel_before: dict[str, str], node: Node) -> None:
    assert node.is_up()
    assert {name: Path("/proc/sys", name).read_text() for name in KERNEL_SETTINGS} == kernel_before


def test_an_image_is_loaded_under_its_full_name_once(node: Node, tmp_path: Path) -> None:
    archive = tmp_path / "other.tar"
    archive.write_bytes((node.run_dir / "tools.tar").read_bytes())
    with pytest.raises(ClusterError, match=r"holds no image with the full name example\.org/other:1"):
        node.load_image("example.org/other:1", archive)
    node.load_image(images.PAUSE, archive)
    archive_status = archive.stat()
    archive.write_bytes(b"x" * archive_status.st_size)
    os.utime(archive, ns=(archive_status.st_atime_ns, archive_status.st_mtime_ns))
    node.load_image(images.PAUSE, archive)
    os.utime(archive, ns=(0, 0))
    with pytest.raises(ClusterError, match="ctr images import"):
        node.load_image(images.PAUSE, archive)


def test_it_serves_as_a_cluster_given_by_kubeconfig(node: Node) -> None:
    foreign = Foreign(node.name, node.kubeconfig)
    foreign.up()
    me = json.loads(Kubectl(foreign.client_kubeconfig("somebody", ["team"]))("auth", "whoami", "--output=json"))
    assert me["status"]["userInfo"]["username"] == "somebody"
    assert "team" in me["status"]["userInfo"]["groups"]
    foreign.down()
    assert node.is_up()


def test_pods_are_seen_as_leftovers_while_they_run(node: Node) -> None:
    found = leftovers(node.name)
    for sort in ("process", "interface", "control group", "mount"):
        assert any(line.startswith(sort) for line in found)
