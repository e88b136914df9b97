import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.aio.config import incluster_config

from datalake_operator.kube import config as config_module
from datalake_operator.kube.config import Config, InvalidConfig


def kubeconfig(path: Path, user: dict[str, Any]) -> str:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1/"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(content))
    return str(path)


def plugin(path: Path, token: str, expires: str | None = None) -> dict[str, Any]:
    status = {"token": token} | ({"expirationTimestamp": expires} if expires else {})
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": answer["apiVersion"], "command": str(path)}}


async def test_a_token_of_a_kubeconfig_is_used(tmp_path: Path) -> None:
    config = await Config.load(kubeconfig(tmp_path / "config", {"token": "secret"}))
    assert config.server == "http://127.0.0.1:1"
    assert await config.authorization() == "Bearer secret"


async def test_an_exec_plugin_is_asked_and_asked_again_when_its_token_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = plugin(tmp_path / "plugin", "first", "2026-01-01T00:00:00Z")
    config = await Config.load(kubeconfig(tmp_path / "config", user))
    assert await config.authorization() == "Bearer first"
    plugin(tmp_path / "plugin", "second", "2126-01-01T00:00:00Z")
    assert await config.authorization() == "Bearer first"
    monkeypatch.setattr(config_module, "_RELOAD_PERIOD", 0.0)
    monkeypatch.setattr(config_module, "_RELOAD_PAUSE", 0.0)
    assert await config.authorization() == "Bearer second"


async def test_a_kubeconfig_that_vanished_leaves_the_old_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_module, "_RELOAD_PAUSE", 0.0)
    path = tmp_path / "config"
    config = await Config.load(kubeconfig(path, {"token": "secret"}))
    path.unlink()
    await config.reload()
    assert await config.authorization() == "Bearer secret"


async def test_in_a_pod_the_service_account_is_used_and_its_token_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("pod")
    (tmp_path / "ca.crt").write_bytes(Path(__file__).with_name("ca.crt").read_bytes())
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    config = await Config.load()
    assert config.server == "https://[::1]:6443"
    assert str(await config.authorization()).lower() == "bearer pod"
    (tmp_path / "token").write_text("rotated")
    monkeypatch.setattr(config_module, "_RELOAD_PAUSE", 0.0)
    await config.reload()
    assert str(await config.authorization()).lower() == "bearer rotated"


@pytest.mark.parametrize("content", ["", "[1]", "clusters: 5", "{"])
async def test_an_unusable_kubeconfig_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "config").write_text(content)
    with pytest.raises(InvalidConfig, match="cannot use the kubeconfig"):
        await Config.load(str(tmp_path / "config"))


async def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="nowhere"):
        await Config.load(str(tmp_path / "nowhere"))
