"""Where a cache keeps what: volumes, their paths in the pod, the claims behind them, and the spaces on them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from datalake_operator.api import xcache_storage as api
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import names
from datalake_operator.build.quantity import canonical_quantity

META = "meta"
"""Name of the entry for the namespace tree; its claim is `<cr>-meta`."""


CLAIM_SIZES = "datalake.projectescape.eu/claim-sizes"
"""Annotation of the pod template. XRootD reckons its watermarks when it starts: volumes that grow replace the pod."""


@dataclass(frozen=True)
class Volume:
    """One volume of the cache's pod."""

    entry: str
    """Name in the spec; `meta` for the namespace tree's own."""

    space: str
    """`data` or `meta`."""

    mount: str
    """Path in the pod."""

    claim_name: str | None
    """Claim that is mounted; None: ephemeral."""

    claim: api.Claim | None
    """What our own claim asks for; None: somebody else's claim, or ephemeral."""

    ephemeral: api.Ephemeral | None
    """What the ephemeral volume may hold; None: a claim."""

    @property
    def name(self) -> str:
        """Name in the pod's list of volumes."""
        return META if self.space == META else f"data-{self.entry}"

    def source(self) -> dict[str, Any]:
        """The entry in the pod's list of volumes."""
        if self.claim_name is not None:
            return {"name": self.name, "persistentVolumeClaim": {"claimName": self.claim_name}}
        limit = {"sizeLimit": canonical_quantity(self.ephemeral.size_limit)} if self.ephemeral else {}
        return {"name": self.name, "emptyDir": limit}


def volumes(node: XCacheNode) -> tuple[Volume, ...]:
    """The data volumes in the order of the spec, then the one of the namespace tree if it has its own."""
    storage = node.spec.storage
    found = [_volume(node, entry, entry.name, "data", f"/data/{entry.name}") for entry in storage.data]
    if storage.meta is not None:
        found.append(_volume(node, storage.meta, META, META, "/meta"))
    return tuple(found)


def _volume(node: XCacheNode, entry: api.Volume, name: str, space: str, mount: str) -> Volume:
    make = partial(Volume, entry=name, space=space, mount=mount)
    if entry.claim is not None:
        return make(claim_name=names.claim(node.metadata.name, name), claim=entry.claim, ephemeral=None)
    if entry.existing_claim is not None:
        return make(claim_name=entry.existing_claim.name, claim=None, ephemeral=None)
    return make(claim_name=None, claim=None, ephemeral=entry.ephemeral)


def localroot(found: tuple[Volume, ...]) -> str:
    """Folder of the namespace tree: on its own volume, else on the first data volume."""
    home = next((volume for volume in found if volume.space == META), found[0])
    return f"{home.mount}/ns"


def spaces(found: tuple[Volume, ...]) -> tuple[tuple[str, str], ...]:
    """Pairs of (oss space, its folder). Without a volume of its own the meta space lies on the first data volume."""
    pairs = [(volume.space, f"{volume.mount}/{volume.space}") for volume in found]
    if all(space != META for space, _ in pairs):
        pairs.append((META, f"{found[0].mount}/{META}"))
    return tuple(pairs)


def claim_sizes(node: XCacheNode) -> dict[str, str]:
    """The annotation with the sizes of our own claims, nothing without any."""
    sizes = [f"{volume.entry}={canonical_quantity(volume.claim.size)}" for volume in volumes(node) if volume.claim]
    return {CLAIM_SIZES: ",".join(sizes)} if sizes else {}


def claims(node: XCacheNode, labels: Mapping[str, str], owner: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Our own claims. With `Retain` they have no owner, and so outlive the resource."""
    for volume in volumes(node):
        if volume.claim is None:
            continue
        metadata: dict[str, Any] = {
            "name": volume.claim_name,
            "namespace": node.metadata.namespace,
            "labels": dict(labels),
        }
        if node.spec.deletion_policy == "Delete":
            metadata["ownerReferences"] = [dict(owner)]
        spec: dict[str, Any] = {
            "accessModes": [volume.claim.access_mode],
            "resources": {"requests": {"storage": canonical_quantity(volume.claim.size)}},
        }
        if volume.claim.storage_class_name is not None:
            spec["storageClassName"] = volume.claim.storage_class_name
        yield {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
