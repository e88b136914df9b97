"""Storage of an XCacheNode: volumes, and how full they may be."""

from typing import Annotated, Any, Literal

from pydantic import Field

from datalake_operator.api.meta import MAP_BY_NAME, DnsName, Duration, Items, LocalRef, Model, Quantity
from datalake_operator.api.rules import (
    CLAIM_SIZE,
    NO_SHRINKING,
    amount,
    duration_range,
    exactly_one_of,
    matching,
    rule,
    transition,
    unchanged,
)
from datalake_operator.api.values import parse_quantity

_FIXED_MODE = transition(
    "self == oldSelf",
    "the access mode of a claim cannot change",
    mend="add an entry with another name, and remove this one",
)


class Claim(Model):
    """A claim that the operator makes, named after the resource and this entry."""

    rules = (
        unchanged(
            "storageClassName",
            message="the class of a claim cannot change",
            mend="add an entry with another name, and remove this one",
        ),
    )

    size: Annotated[Quantity, CLAIM_SIZE, NO_SHRINKING]
    """Size of the volume in bytes, e.g. 500Gi. It may grow where the class allows it, and never shrink."""
    storage_class_name: DnsName | None = None
    """StorageClass of the volume. Default: the cluster's default class."""
    access_mode: Annotated[Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"], _FIXED_MODE] = "ReadWriteOnce"
    """Access mode of the claim. ReadWriteOnce by default: one pod uses it."""


class Ephemeral(Model):
    """An emptyDir on the node's own disk; its content goes with the pod."""

    size_limit: Annotated[Quantity, CLAIM_SIZE]
    """Bytes at which the kubelet evicts the pod, e.g. 20Gi; maxCacheSize must stay well below."""


class Volume(Model):
    """One volume: exactly one of claim, existingClaim, ephemeral."""

    rules = (
        exactly_one_of("claim", "existingClaim", "ephemeral"),
        transition(
            "has(self.claim) == has(oldSelf.claim) && has(self.existingClaim) == has(oldSelf.existingClaim)",
            "a volume cannot change between claim, existingClaim and ephemeral",
            mend="add an entry with another name, and remove this one",
        ),
    )

    claim: Claim | None = None
    """A claim that the operator makes and, with deletionPolicy Retain, leaves behind."""
    existing_claim: LocalRef | None = None
    """A claim that somebody else made. Others may fill that volume, so maxCacheSize is required."""
    ephemeral: Ephemeral | None = None
    """An emptyDir, for trials and for nodes with fast local disks. The cache is empty after each restart."""


class DataVolume(Volume):
    """A volume for the data of cached files."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=15),
        matching("[a-z][a-z0-9]*", "must be letters and digits, starting with a letter", mend="e.g. d0"),
        rule("self != 'meta'", "is taken by storage.meta", lambda name: name != "meta", mend="e.g. d0"),
    ]
    """Name of the entry, e.g. d0; the claim is called RESOURCE-NAME. Letters and digits only, at most 15."""


class Watermarks(Model):
    """How full the file systems may become."""

    low_percent: Annotated[int, Field(ge=1, le=98)] = 90
    """Percent of the file system at which a purge stops. 90 by default."""
    high_percent: Annotated[int, Field(ge=2, le=99)] = 95
    """Percent of the file system at which a purge starts. 95 by default: it leaves room until the next purge."""


class ColdFiles(Model):
    """Throw away what nobody has read for long, also while there is room."""

    age: Annotated[Duration, duration_range("1h", "8640h")] = "168h"
    """A file not read for this long is cold, 1h to 8640h (360 days). 168h (a week) by default."""
    every_purges: Annotated[int, Field(ge=1, le=1000)] = 1
    """Look for cold files at every n-th purge. 1 by default."""


def _bytes(quantity: str | int) -> float:
    return float(parse_quantity(quantity))


def _within_claims(self: Any) -> bool:
    if self.max_cache_size is None or not all(volume.claim for volume in self.data):
        return True
    room = sum(_bytes(volume.claim.size) for volume in self.data)
    return bool(_bytes(self.max_cache_size) <= 0.0085 * self.watermarks.low_percent * room)


def _within_ephemeral(self: Any) -> bool:
    limits = [_bytes(volume.ephemeral.size_limit) for volume in self.data if volume.ephemeral]
    return self.max_cache_size is None or not limits or _bytes(self.max_cache_size) <= 0.8 * sum(limits)


class Storage(Model):
    """Where the cache keeps its files, and how much of them."""

    rules = (
        rule(
            "self.watermarks.lowPercent < self.watermarks.highPercent",
            "must be below highPercent",
            lambda self: self.watermarks.low_percent < self.watermarks.high_percent,
            mend="XRootD does not start otherwise; e.g. lowPercent 90, highPercent 95",
            at=".watermarks.lowPercent",
        ),
        rule(
            "has(self.maxCacheSize) || !self.data.exists(d, has(d.existingClaim) || has(d.ephemeral))",
            "maxCacheSize is required with ephemeral or existingClaim",
            lambda self: self.max_cache_size is not None or not any(v.existing_claim or v.ephemeral for v in self.data),
            mend="others may fill that file system: say how many bytes the cache may use, e.g. maxCacheSize: 8Gi",
        ),
        rule(
            f"!has(self.maxCacheSize) || !self.data.all(d, has(d.claim)) || {amount('self.maxCacheSize')} <= "
            f"0.0085 * double(self.watermarks.lowPercent) * self.data.map(d, {amount('d.claim.size')}).sum()",
            "is more than 0.85 x lowPercent of the claims",
            _within_claims,
            mend="lower it (with lowPercent 90: at most 0.765 of all claim sizes together), or ask for larger claims",
            at=".maxCacheSize",
        ),
        rule(
            f"!has(self.maxCacheSize) || !self.data.exists(d, has(d.ephemeral)) || {amount('self.maxCacheSize')} <= "
            f"0.8 * self.data.map(d, has(d.ephemeral) ? {amount('d.ephemeral.sizeLimit')} : 0.0).sum()",
            "is more than 0.8 of ephemeral.sizeLimit",
            _within_ephemeral,
            mend="lower it or raise sizeLimit: at its limit the kubelet evicts the pod",
            at=".maxCacheSize",
        ),
        transition(
            "has(self.meta) == has(oldSelf.meta)",
            "meta cannot come or go: the tree of names would move and every cached file be lost",
            mend="make a new XCacheNode",
        ),
        transition(
            "has(self.meta) || self.data[0].name == oldSelf.data[0].name",
            "the first entry must stay the first: without meta the tree of names lives there",
            mend="add entries after it, or make a new XCacheNode",
            at=".data",
        ),
    )

    data: Annotated[Items[DataVolume], Field(min_length=1, max_length=12), MAP_BY_NAME]
    """Volumes for the data, one to twelve. The first one also holds the tree of names unless meta is there."""
    meta: Volume | None = None
    """A volume of its own for the tree of names and the state of each file, best on a fast disk."""
    watermarks: Watermarks = Field(default_factory=Watermarks)
    """How full the file systems may become, in percent."""
    max_cache_size: Annotated[Quantity, CLAIM_SIZE] | None = None
    """Bytes that the cache may use at most, e.g. 8Gi. Required where others may fill the volume (ephemeral,
    existingClaim), since watermarks measure the file system and not the cache. Default: the watermarks alone."""
    purge_interval: Annotated[Duration, duration_range("60s", "1h")] = "5m"
    """Time between two purges, 60s to 1h. 5m by default: what arrives in between must fit above highPercent."""
    cold_files: ColdFiles | None = None
    """Also throw away files that nobody reads. Default: off, nothing leaves a disk that has room."""
