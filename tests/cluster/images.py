"""Writes the one image that the node itself needs, without any image tool: one static program, in a docker-archive."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

PAUSE = "registry.k8s.io/pause:3.10"
VOLUME_HELPER = "datalake.local/volume-helper:1"
TOOLS = "/tools"  # the program in both

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_tools(program: Path, archive: Path) -> None:
    """Write an archive with the images `PAUSE` and `VOLUME_HELPER`, which are one and the same."""
    layer = _tar({TOOLS.lstrip("/"): program.read_bytes()})
    config = {
        "architecture": _ARCHITECTURES.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "config": {"Entrypoint": [TOOLS], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE, VOLUME_HELPER], "Layers": ["layer.tar"]}]
    files = {
        "layer.tar": layer,
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    archive.write_bytes(_tar(files))


def _tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()
