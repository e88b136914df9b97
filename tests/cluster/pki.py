"""Certificates of a cluster, made by openssl: strict ones, since Python 3.13 verifies with VERIFY_X509_STRICT."""

import base64
import hashlib
import json
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_DAYS = "365"
_CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]


def _openssl(*arguments: str | Path, given: str | None = None) -> None:
    subprocess.run(["openssl", *map(str, arguments)], input=given, text=True, check=True, capture_output=True)


class Authority:
    """The certificate authority of one cluster, in a folder with everything that it signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self.key = folder / "ca.key"

    def make(self) -> None:
        """Make the authority itself, and the key that signs service account tokens."""
        self.folder.mkdir(parents=True)
        _openssl(
            "req", "-x509", *_CURVE, "-keyout", self.key, "-out", self.certificate, "-days", _DAYS,
            "-subj", f"/CN=datalake-test-{secrets.token_hex(4)}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-addext", "subjectKeyIdentifier=hash",
        )  # fmt: skip
        _openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", self.folder / "sa.key")

    def issue(self, name: str, common_name: str, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> None:
        """Make `<name>.crt` and `<name>.key` for a user in groups, or for a server.

        Args:
            name: Of the files.
            common_name: The user's name to the API server.
            groups: The user's groups.
            hosts: Subject alternative names as openssl writes them (`DNS:node`, `IP:10.0.0.1`); makes it a server's.
        """
        request = self.folder / f"{name}.csr"
        make_request(self.folder / f"{name}.key", request, common_name, groups)
        extensions = [
            "basicConstraints=critical,CA:FALSE",
            "keyUsage=critical,digitalSignature,keyEncipherment",
            "subjectKeyIdentifier=hash",
            "authorityKeyIdentifier=keyid",
            "extendedKeyUsage=clientAuth" + (",serverAuth" if hosts else ""),
        ]
        if hosts:
            extensions.append("subjectAltName=" + ",".join(hosts))
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-days", _DAYS,
            "-set_serial", f"0x{secrets.token_hex(16)}", "-out", self.folder / f"{name}.crt",
            "-extfile", "/dev/stdin", given="\n".join(extensions),
        )  # fmt: skip

    def kubeconfig(self, name: str, server: str) -> dict[str, Any]:
        """A kubeconfig that holds all it needs, for the certificate `name`."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "test", "cluster": {"server": server, "certificate-authority-data": _base64(self.certificate)}}
            ],
            "users": [
                {
                    "name": "test",
                    "user": {
                        "client-certificate-data": _base64(self.folder / f"{name}.crt"),
                        "client-key-data": _base64(self.folder / f"{name}.key"),
                    },
                }
            ],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }

    def write_kubeconfig(self, name: str, server: str, path: Path) -> Path:
        """Write that kubeconfig (JSON, which is YAML too), readable by its owner only."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(self.kubeconfig(name, server), indent=1) + "\n")
        return path


def make_request(key: Path, request: Path, user: str, groups: Sequence[str]) -> None:
    """Make a key and a request to sign a certificate for a user in groups."""
    subject = "".join(f"/O={_escaped(group)}" for group in groups) + f"/CN={_escaped(user)}"
    _openssl("req", *_CURVE, "-keyout", key, "-out", request, "-subj", subject)


def file_name(user: str, groups: Sequence[str]) -> str:
    """A file name for a user in groups."""
    return "user-" + hashlib.sha256("\0".join((user, *groups)).encode()).hexdigest()[:12]


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("/", "\\/").replace("+", "\\+")


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
