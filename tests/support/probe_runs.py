"""Runs of a probe's runner: plans, the process, the envelope, checked against its schema."""

import base64
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

IMAGE = Path(__file__).parents[2] / "images" / "probe"
PLAN = json.loads((IMAGE / "plan.schema.json").read_text())
ENVELOPE = json.loads((IMAGE / "envelope.schema.json").read_text())
RUN = "mesh-29401234"

TRUST = {"system": False, "igtf": False, "bundles": []}


def document(kind: str, section: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A plan.json of a type."""
    found = {
        "version": 1, "probe": {"namespace": "science", "name": "mesh"}, "type": kind, "deadlineSeconds": 20,
        "jitterSeconds": 0, "folder": ".datalake-probe/4f2a91c0.science.mesh", "leftoversAfterSeconds": 40,
        "trust": TRUST, "control": [], "endpoints": [], kind: section, **fields,
    }  # fmt: skip
    if kind != "toy":
        jsonschema.validate(found, PLAN)
    return found


def endpoint(name: str, **urls: str) -> dict[str, Any]:
    """An endpoint of a plan."""
    return {
        "name": name, "site": name.lower(), "access": "ReadWrite", "ipFamily": "Any", "readFile": None, "urls": urls,
    }  # fmt: skip


def write(folder: Path, found: dict[str, Any]) -> dict[str, str]:
    """Write a plan, and give the environment of a runner that follows it."""
    (folder / "plan.json").write_text(json.dumps(found))
    return {
        "PROBE_PLAN": str(folder / "plan.json"), "PROBE_RUN": RUN, "PROBE_WORK": str(folder / "work"),
        "TERMINATION_LOG": str(folder / "message"),
    }  # fmt: skip


def envelope(path: Path) -> dict[str, Any]:
    """Read a termination message, which must be of the schema."""
    found = read(path)
    jsonschema.validate(found, ENVELOPE)
    return found


def read(path: Path) -> dict[str, Any]:
    """Read a termination message."""
    text = path.read_bytes()
    assert len(text) <= 4096
    plain = zlib.decompress(base64.b64decode(text[3:], validate=True)) if text.startswith(b"z1:") else text
    found: dict[str, Any] = json.loads(plain)
    return found


def start(environment: Mapping[str, str], module: str = "datalake_probe") -> "subprocess.Popen[str]":
    """Start the runner as its container does."""
    return subprocess.Popen(
        [sys.executable, "-m", module],
        env={**os.environ, "PYTHONPATH": str(IMAGE), **environment}, text=True, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(folder: Path, found: dict[str, Any], **environment: str) -> dict[str, Any]:
    """Let the runner follow a plan, and give the envelope of a run that measured."""
    with start({**write(folder, found), **environment}) as process:
        _, errors = process.communicate(timeout=60)
    sys.stderr.write(errors)
    assert process.returncode == 0, errors
    return envelope(folder / "message")


def cells(found: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Results and reasons by name: source, destination and protocol between bars."""
    return {
        "|".join(filter(None, (cell["source"], cell.get("destination"), cell.get("protocol")))): (
            cell["result"], cell.get("reason"),
        )
        for cell in found["cells"]
    }  # fmt: skip
