"""Whether a live object still is what we asked for. Pure.

An apply that would change nothing is skipped only if both hold: the hash of what we applied last is the hash of what
we want now (so no field of ours is left over), and what we want is a subset of the live object (so nobody changed it).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from datalake_operator.build.labels import AS_FOUND, REPLICAS

APPLIED_HASH = "datalake.projectescape.eu/applied-hash"
"""Annotation on each child with the hash of the manifest that was applied last."""

_MERGE_KEYS = ("name", "uid", "mountPath", "containerPort", "port", "key", "type", "ip")
"""Keys by which the API server merges the lists of objects that our children hold (its OpenAPI's list-map-keys)."""

_ATOMIC = frozenset({"matchLabels", "nodeSelector", "selector"})
"""Maps that the API server replaces as a whole (x-kubernetes-map-type: atomic): an entry added to a Service's selector
takes its pods away, and is no field of somebody else's."""


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """Hash of a manifest, the same for equal content in any order of keys, and for any replicas that are a scaler's."""
    ours = _without_replicas(manifest) if replicas_as_found(manifest) else manifest
    return hashlib.sha256(orjson.dumps(ours, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def replicas_as_found(manifest: Mapping[str, Any]) -> bool:
    """Whether the number of replicas is a scaler's."""
    return bool(manifest.get("metadata", {}).get("annotations", {}).get(REPLICAS) == AS_FOUND)


def with_hash(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with the annotation that holds its own hash."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), APPLIED_HASH: manifest_hash(manifest)}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def applied_hash(live: Mapping[str, Any]) -> str | None:
    """Hash of the manifest that was applied last; None where we never applied it."""
    found: str | None = live["metadata"].get("annotations", {}).get(APPLIED_HASH)
    return found


def is_current(live: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    """Whether applying `manifest` would leave `live` as it is."""
    if applied_hash(live) != manifest_hash(manifest):
        return False
    return is_subset(_without_replicas(manifest) if replicas_as_found(manifest) else manifest, live)


def is_subset(desired: Any, live: Any) -> bool:
    """Whether everything in `desired` stands in `live` too; lists of objects are matched by their merge key.

    Lists of objects without one are replaced as a whole by the API server, so an entry more is a change.
    """
    if isinstance(desired, dict):  # not Mapping: both sides are JSON, and this runs for every field at every pass
        return isinstance(live, dict) and all(
            key in live and (value == live[key] if key in _ATOMIC else is_subset(value, live[key]))
            for key, value in desired.items()
        )
    if isinstance(desired, list | tuple):
        if not isinstance(live, list):
            return False
        if desired and all(isinstance(item, dict) for item in desired):
            keyed = any(key in desired[0] for key in _MERGE_KEYS)
            return (keyed or len(desired) == len(live)) and all(
                any(is_subset(item, other) for other in _candidates(item, live)) for item in desired
            )
        return list(desired) == live
    return bool(desired == live)


def _without_replicas(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {**manifest, "spec": {name: part for name, part in manifest["spec"].items() if name != "replicas"}}


def _candidates(item: Mapping[str, Any], live: Sequence[Any]) -> Sequence[Any]:
    key = next((key for key in _MERGE_KEYS if key in item), None)
    if key is None:
        return live
    return [other for other in live if isinstance(other, dict) and other.get(key) == item[key]]
