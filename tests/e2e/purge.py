"""A volume of 512 MiB that overflows: made on the node itself, for a cache that has to throw files away."""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node import Node
from tests.demo.kubectl import Kubectl, Object
from tests.demo.reads import samples
from tests.e2e import nodes
from tests.e2e.names import STORAGE
from tests.e2e.origins import FILES, digest

NAME = "full"
CAPACITY = 512 * 2**20
LOW, HIGH = 50, 70
"""Watermarks in percent of the capacity: six files of 64 MiB lie above the high one."""
FILLING, AGAIN = FILES[:6], FILES[:2]
_CACHED = "find /data/d0/data -type f -size +1M | wc -l"


@dataclass(frozen=True)
class Purged:
    """What happened after the volume was filled beyond the high watermark.

    Attributes:
        right: whether each read, before, while and after files were thrown away, gave the right bytes.
        filled: bytes that were used on the volume at most.
        left: bytes used after the purge.
        files: how many of the six files were left.
    """

    right: bool
    filled: int
    left: int
    files: int


def purged(lake: Kubectl, node: Node, origin: Object) -> Purged:
    """Fill it, and go on reading two of the files until others are gone."""
    _make_volume(lake, node)
    storage = {
        "data": [{"name": "d0", "existingClaim": {"name": NAME}}],
        "watermarks": {"lowPercent": LOW, "highPercent": HIGH},
        "maxCacheSize": "200Mi",
        "purgeInterval": "60s",
    }
    nodes.apply(lake, NAME, origin=origin, storage=storage)
    nodes.ready(lake, NAME)
    right, used = _reads(lake, *FILLING), [_used(lake)]
    end = time.monotonic() + 240
    while used[-1] > CAPACITY * LOW // 100 or max(used) <= CAPACITY * HIGH // 100:
        assert time.monotonic() < end, f"used bytes: {used}"
        # what was read from the origin is written a little later, or after an early purge has to be read again
        right &= _reads(lake, *(AGAIN if max(used) > CAPACITY * HIGH // 100 else FILLING))
        used.append(_used(lake))
    files = int(nodes.execute(lake, NAME, _CACHED))
    right &= _reads(lake, *FILLING)
    nodes.delete(lake, NAME)
    return Purged(right, max(used), used[-1], files)


def _reads(lake: Kubectl, *files: str) -> bool:
    return nodes.digests(lake, NAME, *files) == [digest(file) for file in files]


def _used(lake: Kubectl) -> int:
    return int(samples(lake, STORAGE, f"{NAME}-0")["xcache_disk_used_bytes"])


def _make_volume(lake: Kubectl, node: Node) -> None:
    """A file system in memory on the node, as a local volume, and the claim for it."""
    folder = node.run_dir / NAME
    folder.mkdir()
    mount: list[str | Path] = ["mount", "-t", "tmpfs", "-o", f"size={CAPACITY}", "tmpfs", folder]
    subprocess.run(node.namespaces.entering(mount), check=True, capture_output=True)
    hostname = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node.name]}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME},
        "spec": {
            **common,
            "capacity": {"storage": str(CAPACITY)},
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [hostname]}]}},
            "claimRef": {"namespace": STORAGE, "name": NAME},
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": NAME, "namespace": STORAGE},
        "spec": {**common, "volumeName": NAME, "resources": {"requests": {"storage": str(CAPACITY)}}},
    }
    for manifest in (volume, claim):
        lake.apply(json.dumps(manifest))
