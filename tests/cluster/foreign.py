"""A cluster that was there before and stays when we go: the one of `KUBECONFIG`."""

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import folders, pki, waiting
from tests.cluster.errors import ClusterError, NotPossible
from tests.cluster.kubectl import Kubectl

_DAY = 86400  # seconds


class Foreign:
    """A cluster that is not ours: `up` looks whether it answers, `down` leaves it alone."""

    def __init__(self, name: str, kubeconfig: Path) -> None:
        if not kubeconfig.is_file():
            raise ClusterError(f"KUBECONFIG must name one file that is there, not {kubeconfig}")
        self.name = name
        self.run_dir = folders.runs() / f"foreign-{name}"
        self.kubeconfig = kubeconfig
        self.audit_log: Path | None = None
        self.kubectl = Kubectl(kubeconfig)

    def up(self) -> None:
        """Check that it answers.

        Raises:
            ClusterError: It does not.
        """
        self.kubectl("version", "--request-timeout=20s")
        self.run_dir.mkdir(parents=True, exist_ok=True)

    def down(self) -> None:
        """Do nothing: it is not ours."""

    def is_up(self) -> bool:
        """Whether it answers."""
        return answers(self.kubectl)

    def load_image(self, name: str, archive: Path) -> None:
        """Refused, unless `IMAGE_REGISTRY` says whence the cluster's nodes pull.

        Raises:
            NotPossible: There is no such registry.
        """
        if not os.environ.get("IMAGE_REGISTRY"):
            raise NotPossible(
                f"the nodes of {self.kubeconfig} cannot be given {name} ({archive}): push the images to a registry"
                " (make images REGISTRY=... PUSH=1) and set IMAGE_REGISTRY to it"
            )

    def cut_api(self) -> None:
        """Refused.

        Raises:
            NotPossible: Always.
        """
        raise NotPossible("the API server of a cluster given by KUBECONFIG is left alone")

    mend_api = stop_api = start_api = cut_api

    def client_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig with a certificate that the cluster itself signs, for one day.

        Raises:
            ClusterError: We may not approve certificates there, or nobody signs them.
        """
        return client_kubeconfig(self.kubectl, self.run_dir, user, groups)


def answers(kubectl: Kubectl) -> bool:
    """Whether an API server answers."""
    try:
        kubectl("version", "--request-timeout=5s")
    except ClusterError:
        return False
    return True


def client_kubeconfig(kubectl: Kubectl, run_dir: Path, user: str, groups: Sequence[str]) -> Path:
    """Ask any cluster for a client certificate (CertificateSigningRequest), approve it, and write a kubeconfig."""
    run_dir.mkdir(parents=True, exist_ok=True)
    name = pki.file_name(user, groups)
    key, request = run_dir / f"{name}.key", run_dir / f"{name}.csr"
    pki.make_request(key, request, user, groups)
    kubectl("delete", "csr", name, "--ignore-not-found")
    kubectl(
        "create", "-f", "-",
        given={
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": name},
            "spec": {
                "request": base64.b64encode(request.read_bytes()).decode(),
                "signerName": "kubernetes.io/kube-apiserver-client",
                "expirationSeconds": _DAY,
                "usages": ["client auth", "digital signature"],
            },
        },
    )  # fmt: skip
    kubectl("certificate", "approve", name)
    certificate = waiting.until(
        lambda: kubectl("get", "csr", name, "-o", "jsonpath={.status.certificate}"),
        f"the certificate of {user}: the cluster must have the signer kube-apiserver-client",
        seconds=30,
        every=0.5,
    )
    admin = json.loads(kubectl("config", "view", "--minify", "--raw", "-o", "json"))
    admin["users"][0]["user"] = {
        "client-certificate-data": certificate,
        "client-key-data": base64.b64encode(key.read_bytes()).decode(),
    }
    path = run_dir / f"{name}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(admin, indent=1) + "\n")
    return path
