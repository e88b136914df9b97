"""A cluster in Docker, by pytest-kind. Written where no Docker engine could run: only the choice of it is tested."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.cluster import api_server, folders, foreign, progress, waiting
from tests.cluster.errors import ClusterError
from tests.cluster.kubectl import Kubectl

# pytest-kind 22.11.1 alone would take kind 0.17 with Kubernetes 1.25. This one brings 1.33, and still writes kubeadm's
# v1beta3, where extraArgs are a map.
_VERSION = "v0.29.0"

_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"  # the kubelet in the container runs what lies there
_ASIDE = "/etc/kubernetes/kube-apiserver.yaml"


class Kind:
    """A cluster made by kind, whatever the flavour; its one node is a Docker container."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.run_dir = folders.runs() / f"kind-{name}"
        self.kubeconfig = self.run_dir / "kubeconfig"
        self.logs = self.run_dir / "logs"
        self.audit_log: Path | None = self.logs / "audit.log"
        self.kubectl = Kubectl(self.kubeconfig)

    def up(self) -> None:
        """Make it; what a killed `up` left behind is removed before. Does nothing when it is up."""
        if self.is_up():
            progress.say(f"cluster {self.name} is up: {self.kubeconfig}")
            return
        self.down()
        with progress.step(f"Starting cluster {self.name} (kind, in Docker)"):
            self.logs.mkdir(parents=True, exist_ok=True)
            (self.run_dir / "policy.json").write_text(json.dumps(api_server.AUDIT_POLICY))
            configuration = self.run_dir / "kind.json"
            configuration.write_text(json.dumps(self._configuration()))
            self._kind().create(configuration)
            self.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s")

    def down(self) -> None:
        """Remove it, however far it came."""
        if self.run_dir.exists():
            self._kind().delete()
            self.kubeconfig.unlink(missing_ok=True)

    def is_up(self) -> bool:
        """Whether it answers."""
        return self.kubeconfig.exists() and foreign.answers(self.kubectl)

    def load_image(self, name: str, archive: Path) -> None:
        """Load the image into the node."""
        with progress.step(f"Loading {name}"):
            _call(str(self._kind().kind_path), "load", "image-archive", str(archive), "--name", self.name)

    def cut_api(self) -> None:
        """Freeze the API server; the kubelet would start another one after about a minute."""
        self._inside("pkill -STOP -x kube-apiserver")

    def mend_api(self) -> None:
        """Let a frozen API server go on."""
        self._inside("pkill -CONT -x kube-apiserver")

    def stop_api(self) -> None:
        """Take away the API server's manifest, and wait until the process has ended."""
        self._inside(f"mv {_MANIFEST} {_ASIDE} && while pgrep -x kube-apiserver; do sleep 0.2; done")

    def start_api(self) -> None:
        """Put the manifest back, and wait until the API server answers."""
        self._inside(f"mv {_ASIDE} {_MANIFEST}")
        waiting.until(lambda: foreign.answers(self.kubectl), "the API server", seconds=120, every=1)

    def client_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with a client certificate for a user in groups."""
        return foreign.client_kubeconfig(self.kubectl, self.run_dir, user, groups)

    def _inside(self, script: str) -> None:
        _call("docker", "exec", f"{self.name}-control-plane", "sh", "-c", script)

    def _kind(self) -> Any:
        version = os.environ.setdefault("KIND_VERSION", _VERSION)  # read by pytest_kind when it is imported
        from pytest_kind import KindCluster  # type: ignore[import-untyped]  # noqa: PLC0415

        folder = folders.cache()
        folder.mkdir(parents=True, exist_ok=True)
        made = KindCluster(self.name, kubeconfig=self.kubeconfig, kind_path=folder / f"kind-{version}")
        made.ensure_kind()
        return made

    def _configuration(self) -> dict[str, Any]:
        """A kind configuration that writes the audit log into our own folder."""
        log, policy = "/var/log/audit", "/etc/kubernetes/audit-policy.json"
        patch = {
            "kind": "ClusterConfiguration",
            "apiServer": {
                "extraArgs": {"audit-log-path": f"{log}/audit.log", "audit-policy-file": policy},
                "extraVolumes": [
                    {"name": "audit-log", "hostPath": log, "mountPath": log, "pathType": "DirectoryOrCreate"},
                    {"name": "audit-policy", "hostPath": policy, "mountPath": policy, "pathType": "File"},
                ],
            },
        }
        mounts = [
            {"hostPath": str(self.logs), "containerPath": log},
            {"hostPath": str(self.run_dir / "policy.json"), "containerPath": policy, "readOnly": True},
        ]
        node = {"role": "control-plane", "extraMounts": mounts, "kubeadmConfigPatches": [json.dumps(patch)]}
        return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node]}


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{' '.join(command)}: {done.stderr.strip()}")
