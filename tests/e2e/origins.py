"""Origins of the tests' own caches, in the namespace `e2e-storage`: files of known content, and a pod to read from."""

import hashlib
import random
from functools import cache

from tests.demo import release
from tests.demo.kubectl import Kubectl
from tests.demo.up import ORIGIN
from tests.e2e import plain
from tests.e2e.names import STORAGE

MEBIBYTES = 64
SIZE = MEBIBYTES * 2**20
FILES = tuple(f"f{number}" for number in range(8))
"""All of that size. What one cache has read is still cold in another."""
_EXAMPLE_FILES = '{"256MiB.bin": 256, "1MiB.bin": 1}'


def apply(lake: Kubectl, name: str = "origin", files: tuple[str, ...] = FILES) -> str:
    """Start the examples' origin under a name and with files of its own; return its URL."""
    text = ORIGIN.read_text()
    assert _EXAMPLE_FILES in text
    text = text.replace(_EXAMPLE_FILES, repr(dict.fromkeys(files, MEBIBYTES)))
    text = text.replace("namespace: demo", f"namespace: {STORAGE}").replace("name: origin", f"name: {name}")
    lake.apply(release.renamed(text))
    for deployment in (name, "client"):
        lake("rollout", "status", f"deployment/{deployment}", "--namespace", STORAGE, "--timeout", "240s")
    return f"root://{name}.{STORAGE}.svc.cluster.local:1094"


def scale(lake: Kubectl, name: str, replicas: int) -> None:
    """Switch an origin off (0) or on (1), and wait until that is so."""
    plain.scale(lake, name, replicas, namespace=STORAGE, within=120)


@cache
def digest(file: str) -> str:
    """The SHA-256 of a file, made as the origin makes it."""
    bytes_of = random.Random(file)  # noqa: S311 - known content is the point
    seen = hashlib.sha256()
    for _ in range(MEBIBYTES):
        seen.update(bytes_of.randbytes(2**20))
    return seen.hexdigest()
