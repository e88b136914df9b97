"""The commands that the page gives to repeat a check by hand, on real servers: XRootD 5.8.1 over root and HTTP."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.probe import QoSProbe
from datalake_operator.build.probe.targets import Targets
from datalake_operator.web.commands import Check, commands
from tests.support import lake
from tests.support.storage_lab import HOST, Origin, StorageLab, storage_lab

A, B = Origin("A", 1), Origin("B", 2)
ADDRESS = "10.231.0.1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageLab]:
    """Two sound servers."""
    with storage_lab(tmp_path_factory.mktemp("logs")) as opened:
        for origin in (A, B):
            opened.start(origin)
        yield opened


def lines(check: Check, spec: dict[str, Any]) -> list[str]:
    endpoints = []
    for origin in (A, B):
        urls = [{"protocol": name, "url": f"{name}://{HOST}:{port}//probe/x"} for name, port in origin.ports.items()]
        endpoints.append({"name": origin.name, "site": "LAB", "urls": urls})
    probe = parse(lake.probe("mesh", spec, endpoints=endpoints))
    assert isinstance(probe, QoSProbe)
    return [line for command in commands(probe, check, Targets())[:-1] for line in command["lines"]]


def typed(world: StorageLab, script: list[str], home: Path) -> str:
    """What a shell says to these lines: curl runs outside of the image, which has none, in the same network."""
    text = "set -eo pipefail\n" + "\n".join(script)
    if not any(line.startswith("curl") for line in script):
        return world.lab.do("bash", "-c", text)
    ports = [port for origin in (A, B) for port in origin.ports.values()]
    (home / ".curlrc").write_text("".join(f"resolve = {HOST}:{port}:{ADDRESS}\n" for port in ports))
    text = text.replace("/tmp/by-hand", str(home / "by-hand"))  # noqa: S108 - what is typed
    network = f"--net=/proc/{world.lab._holder}/ns/net"
    done = subprocess.run(
        ["nsenter", network, "env", f"CURL_HOME={home}", "bash", "-c", text],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout


STORAGE = {"storage": {"endpoints": ["A"], "protocols": ["root", "http"]}}
PULL = {"transfer": {"sources": ["A"], "destinations": ["B"]}}
PUSH = {"transfer": {"sources": ["A"], "destinations": ["B"], "mode": "Push", "protocols": ["http"]}}


@pytest.mark.parametrize("protocol", ["root", "http"])
def test_a_storage_check_by_hand(world: StorageLab, protocol: str, tmp_path: Path) -> None:
    said = typed(world, lines(Check("A", None, protocol), STORAGE), tmp_path)
    assert "same" in said
    assert "adler32" in said
    assert "by-hand" not in str(world.files("/origin/A"))


@pytest.mark.parametrize(("protocol", "spec"), [("root", PULL), ("http", PULL), ("http", PUSH)])
def test_a_transfer_by_hand(world: StorageLab, protocol: str, spec: dict[str, Any], tmp_path: Path) -> None:
    said = typed(world, lines(Check("A", "B", protocol), spec), tmp_path)
    sums = [line.split()[-1].removeprefix("adler32=") for line in said.splitlines() if "adler32" in line]
    assert len(sums) == 2
    assert len(set(sums)) == 1
    assert protocol == "root" or "success:" in said
    assert "by-hand" not in str(world.files("/origin/A") + world.files("/origin/B"))
