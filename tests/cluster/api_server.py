"""How etcd and the API server are started, in both flavours that we build ourselves."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import binaries
from tests.cluster.pki import Authority

SERVICES = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"  # the API server's own Service

AUDIT_POLICY: Mapping[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
"""Who asked what, and what came of it, for every request; no bodies."""


@dataclass(frozen=True)
class Settings:
    """Where a control plane listens and keeps its things.

    `address` is what the API server listens on, and `advertised` what it tells pods; None: there are no pods.
    """

    run_dir: Path
    authority: Authority
    address: str
    port: int
    etcd_client_port: int
    etcd_peer_port: int
    audit_log: Path
    advertised: str | None = None

    @property
    def etcd(self) -> str:
        """Where etcd listens."""
        return f"http://127.0.0.1:{self.etcd_client_port}"


def etcd_command(settings: Settings) -> list[str | Path]:
    """The command that runs etcd. It never waits for the disk: fine for tests, and twice as fast."""
    peers = f"http://127.0.0.1:{settings.etcd_peer_port}"
    return [
        binaries.path("etcd"),
        f"--data-dir={settings.run_dir}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={settings.etcd}",
        f"--advertise-client-urls={settings.etcd}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
    ]


def api_server_command(settings: Settings) -> list[str | Path]:
    """The command that runs the API server; writes the audit policy that it reads."""
    policy = settings.run_dir / "audit-policy.json"
    policy.write_text(json.dumps(AUDIT_POLICY))
    folder = settings.authority.folder
    return [
        binaries.path("kube"),
        "apiserver",
        f"--etcd-servers={settings.etcd}",
        f"--bind-address={settings.address}",
        f"--secure-port={settings.port}",
        f"--advertise-address={settings.advertised or settings.address}",
        *([] if settings.advertised else ["--endpoint-reconciler-type=none"]),
        f"--tls-cert-file={folder}/apiserver.crt",
        f"--tls-private-key-file={folder}/apiserver.key",
        f"--client-ca-file={settings.authority.certificate}",
        f"--kubelet-client-certificate={folder}/admin.crt",
        f"--kubelet-client-key={folder}/admin.key",
        f"--kubelet-certificate-authority={settings.authority.certificate}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-key-file={folder}/sa.key",
        f"--service-account-signing-key-file={folder}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={settings.audit_log}",
    ]


def controller_manager_command(authority: Authority, kubeconfig: Path) -> list[str | Path]:
    """The command that runs the controller manager; it signs client certificates too."""
    return [
        binaries.path("kube"),
        "controller-manager",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={authority.folder}/sa.key",
        f"--root-ca-file={authority.certificate}",
        f"--cluster-signing-cert-file={authority.certificate}",
        f"--cluster-signing-key-file={authority.key}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--secure-port=0",
    ]


class Client:
    """Reads from an API server as the admin of our own authority."""

    def __init__(self, authority: Authority, address: str, port: int) -> None:
        self._where = (address, port)
        self._context = ssl.create_default_context(cafile=str(authority.certificate))
        self._context.load_cert_chain(authority.folder / "admin.crt", authority.folder / "admin.key")

    def read(self, path: str) -> bytes | None:
        """The body at a path, or None when there is no answer or another one than 200."""
        connection = http.client.HTTPSConnection(*self._where, timeout=5, context=self._context)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if answer.status == 200 else None

    def is_ready(self) -> bool:
        """Whether the API server says that it is ready and has made its default namespace."""
        return self.read("/readyz") == b"ok" and self.read("/api/v1/namespaces/default") is not None

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at a path, or None."""
        body = self.read(path)
        return None if body is None else json.loads(body)
