"""Stores of the custom resources themselves."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from sys import intern
from typing import Any, TypeAlias

from datalake_operator.kube.resource import Resource
from datalake_operator.kube.session import Api
from datalake_operator.kube.store import Store, key_of, version_of
from datalake_operator.reconcile.kind import Key, Manifest

Conditions: TypeAlias = tuple[tuple[str, str], ...]
"""Type and status of each condition."""


class Resources:
    """What the API server holds of the kinds that we serve.

    Args:
        api: the session.
        kinds: their resources.
        on_change: called with the key of each one that another hand than ours changed.
    """

    def __init__(self, api: Api, kinds: Iterable[Resource], on_change: Callable[[Key], None]) -> None:
        self._api = api
        self._on_change = on_change
        self._in_flight: set[Key] = set()
        self._conditions: dict[Key, Conditions] = {}
        self.stores = {resource: Store(resource) for resource in kinds}
        self._by_kind = {resource.kind: store for resource, store in self.stores.items()}
        for store in self.stores.values():
            store.on_change(self._changed)

    def get(self, key: Key) -> Manifest | None:
        """The resource, None where it is gone."""
        return self._by_kind[key.kind].get(key.namespace, key.name)

    def keys(self) -> Iterator[Key]:
        """Every resource that is there."""
        for kind, store in self._by_kind.items():
            for namespace, name in tuple(store.keys()):
                yield Key(kind, namespace, name)

    def conditions(self) -> Iterator[tuple[str, str, str, Conditions]]:
        """Kind, namespace, name and conditions of every resource, without unpacking any."""
        for key, conditions in tuple(self._conditions.items()):
            yield key.kind, key.namespace, key.name, conditions

    async def write_status(self, key: Key, seen: Manifest, status: Mapping[str, Any]) -> None:
        """Apply the status. What is heard of the resource meanwhile is mostly the echo: it asks for no new pass.

        Args:
            key: of the resource.
            seen: the resource as the pass read it. The answer to our own write may hold a newer spec, and then no
                event tells of that: it is not newer than the answer.
            status: the whole of it.

        Raises:
            ApiError: the API server did not take it.
        """
        store = self._by_kind[key.kind]
        manifest = {
            "apiVersion": seen["apiVersion"],
            "kind": seen["kind"],
            "metadata": {name: seen["metadata"][name] for name in ("name", "namespace", "uid")},
            "status": status,
        }
        self._in_flight.add(key)
        written: int | None = None
        try:
            body = await self._api.apply_status(manifest)
            written = version_of(body)
            store.put(body)
        finally:
            self._in_flight.discard(key)
            ours = written is None or store.version(key.namespace, key.name) == written
            if not ours or _asked(store.get(key.namespace, key.name)) != _asked(seen):
                self._on_change(key)  # another hand was there at the same time

    def remove(self, key: Key, body: Manifest) -> None:
        """Forget a resource that turned out to be gone."""
        self._by_kind[key.kind].remove(key.namespace, key.name, body["metadata"]["resourceVersion"])

    def _changed(self, resource: Resource, old: Manifest | None, new: Manifest | None) -> None:
        key = Key(resource.kind, *key_of(new or old or {}))
        if new is None:
            self._conditions.pop(key, None)
        else:
            said = new.get("status", {}).get("conditions", ())
            self._conditions[key] = tuple((intern(one["type"]), intern(one["status"])) for one in said)
        if key not in self._in_flight:
            self._on_change(key)


def _asked(body: Manifest | None) -> object:
    """Everything that somebody else than we may write: all but the status and the version that it grows."""
    if body is None:
        return None
    metadata = {name: part for name, part in body["metadata"].items() if name != "resourceVersion"}
    return metadata, body.get("spec")
