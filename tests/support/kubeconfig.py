"""Kubeconfig files, read into what an HTTP client needs and written for a plain loopback address."""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Endpoint:
    """Where an API server answers and how to be somebody there."""

    url: str
    tls: ssl.SSLContext | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def acting_as(self, user: str, group: str) -> "Endpoint":
        """Return the same endpoint, impersonating `user`; the audit log then counts the requests as theirs."""
        return Endpoint(self.url, self.tls, {**self.headers, "Impersonate-User": user, "Impersonate-Group": group})


def read(path: Path) -> Endpoint:
    """Read the current context of a kubeconfig with client certificates or a token."""
    config = yaml.safe_load(path.read_text())
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    return Endpoint(cluster["server"].rstrip("/"), _tls(cluster, user, path.parent), headers)


def write(path: Path, url: str) -> Path:
    """Write a kubeconfig without credentials for `url` and return its path."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxy", "cluster": {"server": url}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}}],
        "current-context": "proxy",
    }
    path.write_text(yaml.safe_dump(config))
    return path


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _tls(cluster: dict[str, Any], user: dict[str, Any], folder: Path) -> ssl.SSLContext | None:
    if not cluster["server"].startswith("https"):
        return None
    authority = _text(cluster, "certificate-authority", folder)
    context = ssl.create_default_context(cadata=authority)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = _text(user, "client-certificate", folder), _text(user, "client-key", folder)
    if certificate and key:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pair:  # load_cert_chain reads files only
            pair.write(f"{certificate}\n{key}\n")
            pair.flush()
            context.load_cert_chain(pair.name)
    return context


def _text(section: dict[str, Any], key: str, folder: Path) -> str | None:
    if f"{key}-data" in section:
        return base64.b64decode(section[f"{key}-data"]).decode()
    return (folder / section[key]).read_text() if key in section else None
