"""Rucio itself, of the versions for which there are images: an environment each, made once and kept in the cache.

The project's own environment must never hold Rucio, so tests start its Python as a process.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.cluster import folders

IMAGE = Path(__file__).parents[2] / "images" / "rucio"
"""Folder of the image: what Rucio's Python must have on its path."""
VERSIONS = ("41.5.1", "38.6.4")
"""The newest first."""


def python(version: str) -> Path:
    """The Python of an environment that holds what the image holds, and what its locked requirements name."""
    return _python(f"rucio-{version}", IMAGE / "requirements" / f"{version}.lock")


def client() -> Path:
    """The Python of an environment that holds Rucio's client, as the image of the probe does."""
    return _python("rucio-clients", IMAGE.parent / "probe" / "requirements" / "rucio.lock")


def _python(name: str, requirements: Path) -> Path:
    key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:8]
    folder = folders.cache() / f"{name}-{key}"
    ready = folder / ".ready"
    if not ready.exists():
        with folders.locked(folder.with_name(f"{folder.name}.lock")):
            if not ready.exists():
                _make(folder, requirements)
                ready.touch()
    return folder / "bin" / "python"


def _make(folder: Path, requirements: Path) -> None:
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
    subprocess.run(
        [*uv, "pip", "install", "-q", "--no-deps", "--require-hashes", "--python", folder / "bin" / "python",
         "-r", requirements],
        check=True,
    )  # fmt: skip
