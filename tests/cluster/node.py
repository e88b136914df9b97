"""The flavour `node`: a whole Kubernetes, one node with pods, in namespaces of its own; needs Linux and root."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import addresses, binaries, images, node_config, processes, progress
from tests.cluster.api_server import Settings, controller_manager_command
from tests.cluster.built import Built
from tests.cluster.errors import ClusterError
from tests.cluster.kubectl import Kubectl
from tests.cluster.namespaces import Namespaces

_API_PORT = 6443
_ETCD_PORTS = (2379, 2380)
_DNS_PORT = 53


class Node(Built):
    """A real cluster: kubelet, containerd, Services, DNS, volumes; no network policies, no ingress, no metrics-server.

    Pods reach each other, Services, names in `cluster.local` and the API server, and nothing outside the node.
    """

    flavour = "node"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.namespaces = Namespaces(name, self.run_dir)
        self._local_kubeconfig = self.run_dir / "local.kubeconfig"
        self._socket = self.run_dir / "containerd.sock"

    def load_image(self, name: str, archive: Path) -> None:
        """Import an image from a docker-archive; does nothing when that very file was imported before.

        Raises:
            ClusterError: The archive cannot be read, or holds another image.
        """
        status = Path(archive).stat()
        imported = self.run_dir / "imported" / f"{status.st_dev}-{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"
        if imported.exists() and name in imported.read_text().splitlines():
            return
        with progress.step(f"Loading {name} ({status.st_size / 1e6:.0f} MB)"):
            self._ctr("images", "import", str(archive))
            if not self._ctr("images", "list", "--quiet", f"name=={name}").strip():
                raise ClusterError(f"{archive} holds no image with the full name {name}")
        imported.parent.mkdir(exist_ok=True)
        with imported.open("a") as names:
            names.write(name + "\n")

    def _ctr(self, *arguments: str) -> str:
        done = subprocess.run(
            [binaries.path("ctr"), "--address", self._socket, "--namespace", "k8s.io", *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ClusterError(f"ctr {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _api_address(self) -> str:
        return addresses.given(self.run_dir).node

    def _settings(self) -> Settings:
        assert self.audit_log is not None
        return Settings(
            run_dir=self.run_dir,
            authority=self.authority,
            address="0.0.0.0",  # noqa: S104 - of the node's own network namespace
            advertised=self._api_address(),
            port=_API_PORT,
            etcd_client_port=_ETCD_PORTS[0],
            etcd_peer_port=_ETCD_PORTS[1],
            audit_log=self.audit_log,
        )

    def _launch(self, part: str, command: Sequence[str | Path]) -> None:
        environment = {"TMPDIR": str(self.run_dir / "tmp")}
        if part in ("containerd", "kubelet"):
            environment["PATH"] = os.pathsep.join((str(binaries.path("containerd").parent), processes.search_path()))
        processes.start(self.run_dir, part, self.namespaces.entering(command), self.logs / f"{part}.log", environment)

    def _start(self) -> None:
        if os.geteuid() != 0:
            raise ClusterError("a node needs root (namespaces, mounts): use sudo, Docker, or KUBECONFIG of a cluster")
        given = addresses.take(self.run_dir)
        (self.run_dir / "tmp").mkdir()
        self.namespaces.make(given, node_config.PODS, node_config.GATEWAY, self.logs / "init.log")
        self._start_control_plane([f"IP:{given.node}", "IP:127.0.0.1"])
        self._write_configuration()
        self._start_containerd_and_kubelet()
        self._await("apiserver", self.client().is_ready, "the API server", seconds=60)
        self._start_the_rest()
        self._await("containerd", self._load_tools, "the pause image", seconds=60)
        Kubectl(self.kubeconfig)("create", "--filename=-", given=node_config.storage(self.run_dir))
        self._launch("local-path-provisioner", self._provisioner())
        self._await("kubelet", self._node_is_ready, "the node to be Ready", seconds=60)
        self._await("controller-manager", self._has_service_account, "the first service account", seconds=60)
        self._await("dns", self._dns_listens, "DNS", seconds=60)
        for part in ("scheduler", "proxy", "local-path-provisioner"):
            self._await(part, lambda: True, part, seconds=1)

    def _write_configuration(self) -> None:
        local = f"https://127.0.0.1:{_API_PORT}"
        node_user = f"system:node:{self.name}"
        hosts = [f"DNS:{self.name}", f"IP:{self._api_address()}"]
        self.authority.issue("kubelet", node_user, ["system:nodes"], hosts)
        self.authority.write_kubeconfig("kubelet", local, self.run_dir / "kubelet.kubeconfig")
        self.authority.write_kubeconfig("admin", local, self._local_kubeconfig)
        (self.run_dir / "cni").mkdir()
        for file, content in {
            "containerd.toml": node_config.containerd(self.run_dir, binaries.path("ptp").parent),
            "cni/10-datalake.conflist": json.dumps(node_config.network(self.run_dir)),
            "kubelet.json": json.dumps(
                node_config.kubelet(self.run_dir, self.authority.folder, self.namespaces.cgroup)
            ),
            "proxy.json": json.dumps(node_config.proxy(self._local_kubeconfig, self.name)),
            "Corefile": node_config.dns(self._local_kubeconfig),
            "volumes.json": json.dumps(node_config.volumes(self.run_dir)),
            "resolv.conf": f"nameserver {node_config.GATEWAY}\n",
        }.items():
            (self.run_dir / file).write_text(content)

    def _start_containerd_and_kubelet(self) -> None:
        self._launch("containerd", [binaries.path("containerd"), "--config", self.run_dir / "containerd.toml"])
        # the kubelet gives up at once when containerd does not answer
        self._await("containerd", self._socket.exists, "containerd", seconds=30)
        self._launch(
            "kubelet",
            [
                binaries.path("kube"),
                "kubelet",
                f"--config={self.run_dir}/kubelet.json",
                f"--kubeconfig={self.run_dir}/kubelet.kubeconfig",
                f"--root-dir={self.run_dir}/kubelet",
                f"--hostname-override={self.name}",
                f"--node-ip={self._api_address()}",
            ],
        )

    def _start_the_rest(self) -> None:
        kube = binaries.path("kube")
        kubeconfig = f"--kubeconfig={self._local_kubeconfig}"
        self._launch("controller-manager", controller_manager_command(self.authority, self._local_kubeconfig))
        self._launch("scheduler", [kube, "scheduler", kubeconfig, "--leader-elect=false", "--secure-port=0"])
        self._launch("proxy", [kube, "proxy", f"--config={self.run_dir}/proxy.json"])
        self._launch("dns", [binaries.path("dns"), "-conf", self.run_dir / "Corefile"])

    def _provisioner(self) -> list[str | Path]:
        return [
            binaries.path("local-path-provisioner"),
            "start",
            f"--config={self.run_dir}/volumes.json",
            f"--kubeconfig={self._local_kubeconfig}",
            f"--namespace={node_config.STORAGE_NAMESPACE}",
            f"--configmap-name={node_config.STORAGE_CONFIG}",
            "--service-account-name=default",
        ]

    def _load_tools(self) -> bool:
        archive = self.run_dir / "tools.tar"
        images.write_tools(binaries.path("tools"), archive)
        self.load_image(images.PAUSE, archive)
        return True

    def _node_is_ready(self) -> bool:
        node = self.client().get(f"/api/v1/nodes/{self.name}")
        conditions = node["status"].get("conditions", []) if node else []
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def _has_service_account(self) -> bool:
        return self.client().get("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def _dns_listens(self) -> bool:
        table = Path(f"/proc/{self.namespaces.first()}/net/tcp").read_text().splitlines()[1:]
        return any(line.split()[1].endswith(f":{_DNS_PORT:04X}") and line.split()[3] == "0A" for line in table)

    def _remove(self, *, keep_logs: bool) -> None:
        processes.end(self.run_dir)
        self.namespaces.remove()
        super()._remove(keep_logs=keep_logs)
