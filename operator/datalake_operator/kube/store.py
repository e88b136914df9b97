"""The last known objects of one kind: what every reconcile reads instead of asking the API server."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import orjson

from datalake_operator.kube.resource import Resource

Object = Mapping[str, Any]
Key = tuple[str, str]
"""Namespace (empty for cluster-wide kinds) and name."""
OnChange = Callable[[Resource, Object | None, Object | None], None]

_TOMBSTONES = 4096
"""Deletions remembered, so that a late answer to our own write does not raise the dead."""


def key_of(obj: Object) -> Key:
    """Return namespace and name of an object."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def version_of(obj: Object) -> int:
    """Return the resourceVersion of an object as a number, 0 where it has none."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def pack(obj: Object) -> bytes:
    """Return an object as compressed JSON: a tenth of what it takes as dicts, at some 50 microseconds each way."""
    return zlib.compress(orjson.dumps(obj), 1)


def unpack(packed: bytes) -> Object:
    """Return what was packed."""
    obj: Object = orjson.loads(zlib.decompress(packed))
    return obj


class _Kept(NamedTuple):
    version: int
    packed: bytes


class Store:
    """Objects of one kind by namespace and name. The newer resourceVersion always wins.

    Resource versions are compared as numbers, which Kubernetes guarantees since 1.35 and etcd always did.
    `metadata.managedFields` is dropped. Objects are kept packed, and every reader gets a copy of its own.
    """

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self._objects: dict[Key, _Kept] = {}
        self._tombstones: OrderedDict[Key, int] = OrderedDict()
        self._callbacks: list[OnChange] = []

    def __len__(self) -> int:
        return len(self._objects)

    def on_change(self, callback: OnChange) -> None:
        """Call `callback(resource, old, new)` after every change; None stands for absence. It must not fail."""
        self._callbacks.append(callback)

    def get(self, namespace: str, name: str) -> Object | None:
        """Return one object, or None."""
        kept = self._objects.get((namespace, name))
        return None if kept is None else unpack(kept.packed)

    def version(self, namespace: str, name: str) -> int | None:
        """Return the resourceVersion of one object as a number, or None."""
        kept = self._objects.get((namespace, name))
        return None if kept is None else kept.version

    def deleted(self, namespace: str, name: str) -> bool:
        """Whether one was there and is gone, as far back as deletions are remembered."""
        return (namespace, name) in self._tombstones

    def keys(self) -> Collection[Key]:
        """Return namespace and name of every object."""
        return self._objects.keys()

    def put(self, obj: Object) -> bool:
        """Keep an object, unless what we know of it, or of its deletion, is newer. Return whether it was news."""
        key, version = key_of(obj), version_of(obj)
        old = self._objects.get(key)
        if (old is not None and old.version >= version) or self._tombstones.get(key, -1) >= version:
            return False
        self._tombstones.pop(key, None)
        new = {**obj, "metadata": {name: part for name, part in obj["metadata"].items() if name != "managedFields"}}
        self._objects[key] = _Kept(version, pack(new))
        self._tell(old, new)
        return True

    def remove(self, namespace: str, name: str, resource_version: str | int) -> bool:
        """Forget an object that was deleted at a resource version, unless we know of a newer one."""
        key, version = (namespace, name), int(resource_version or 0)
        old = self._objects.get(key)
        if old is not None and old.version > version:
            return False
        self._tombstones[key] = max(version, self._tombstones.pop(key, 0))
        while len(self._tombstones) > _TOMBSTONES:
            self._tombstones.popitem(last=False)
        if old is None:
            return False
        del self._objects[key]
        self._tell(old, None)
        return True

    def retain(self, present: Collection[Key], resource_version: str | int, namespace: str | None = None) -> set[Key]:
        """Remove what a listing did not hold and return the removed keys.

        Args:
            present: key of every object that is there.
            resource_version: of the listing: what we know to be newer stays.
            namespace: the namespace that was listed; None means all.
        """
        absent = [key for key in self._objects if key not in present and namespace in (None, key[0])]
        return {key for key in absent if self.remove(*key, resource_version)}

    def clear(self) -> None:
        """Forget everything without taking it for deleted: nobody watches any more, and who lists again may fill it."""
        while self._objects:
            self._tell(self._objects.popitem()[1], None)

    def _tell(self, old: _Kept | None, new: Object | None) -> None:
        if self._callbacks:
            before = None if old is None else unpack(old.packed)
            for callback in self._callbacks:
                callback(self.resource, before, new)
