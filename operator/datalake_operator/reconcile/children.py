"""Stores of all children, filled by label-selected informers, with an index by the resource that they belong to."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from datalake_operator.build.labels import INSTANCE, MANAGED_BY, MANAGER
from datalake_operator.kube.informer import Informer
from datalake_operator.kube.resource import PODS, Resource, of
from datalake_operator.kube.session import Api
from datalake_operator.kube.store import Store, key_of, version_of
from datalake_operator.reconcile.kind import Key, Kind, Manifest

_NAME = "app.kubernetes.io/name"
_MANAGED = f"{MANAGED_BY}={MANAGER}"

Belonging = tuple[str, str, str]
"""(value of app.kubernetes.io/name, namespace, value of app.kubernetes.io/instance)."""


class Children:
    """What the API server holds of our children.

    Args:
        api: the session.
        kinds: kinds whose children are watched.
        on_change: called with the key of each resource one of whose children changed by another hand than ours.
    """

    def __init__(self, api: Api, kinds: Iterable[Kind[Any]], on_change: Callable[[Key], None]) -> None:
        self._api = api
        self._on_change = on_change
        self._kinds = {kind.app: kind.resource.kind for kind in kinds}
        self._apps = {kind.resource.kind: kind.app for kind in kinds}
        self._index: dict[Belonging, set[tuple[Resource, str]]] = {}
        self._in_flight: set[tuple[Resource, str, str]] = set()
        resources = dict.fromkeys([*(child for kind in kinds for child in kind.children), PODS])
        self.stores = {resource: Store(resource) for resource in resources}
        for store in self.stores.values():
            store.on_change(self._changed)

    def informers(self, resource: Resource, namespaces: Sequence[str | None]) -> list[Informer]:
        """Informers that fill the store of `resource`: one for each namespace, or one for all where none is named."""
        return [
            Informer(self._api, resource, namespace, label_selector=_MANAGED, store=self.stores[resource])
            for namespace in (namespaces or (None,))
        ]

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """The live child of that name, whoever it belongs to."""
        return self.stores[resource].get(namespace, name)

    def forget(self, resource: Resource, live: Manifest) -> None:
        """Take a child that we have just deleted for gone, unless something newer is known of it."""
        self.stores[resource].remove(*key_of(live), version_of(live))

    def deleted(self, resource: Resource, namespace: str, name: str) -> bool:
        """Whether a child of that name was there and is gone."""
        return self.stores[resource].deleted(namespace, name)

    async def apply(self, key: Key, manifest: Manifest) -> None:
        """Apply a child. What is heard of it meanwhile is mostly the echo of this very write: it asks for no new pass.

        Raises:
            ApiError: the API server did not take it.
        """
        await self._write(key, of(manifest), manifest["metadata"]["name"], self._api.apply(manifest))

    async def create(self, key: Key, manifest: Manifest) -> Manifest:
        """Create a child and return it.

        Raises:
            Conflict: the name is taken.
            ApiError: the API server did not take it.
        """
        return await self._write(key, of(manifest), manifest["metadata"]["name"], self._api.create(manifest))

    async def overwrite(self, key: Key, manifest: Manifest, uid: str) -> None:
        """Make the lists of a child exactly ours.

        Raises:
            ApiError: the API server did not take it.
        """
        await self._write(key, of(manifest), manifest["metadata"]["name"], self._api.overwrite(manifest, uid))

    async def disown(self, key: Key, resource: Resource, live: Manifest, owner_uid: str) -> None:
        """Take one owner reference, and nothing else, from a child.

        Raises:
            ApiError: the API server did not take it.
        """
        name, uid = live["metadata"]["name"], live["metadata"]["uid"]
        await self._write(key, resource, name, self._api.disown(resource, key.namespace, name, uid, owner_uid))

    async def _write(self, key: Key, resource: Resource, name: str, request: Awaitable[Manifest]) -> Manifest:
        store = self.stores[resource]
        entry = (resource, key.namespace, name)
        self._in_flight.add(entry)
        try:
            live = await request
            store.put(live)
        finally:
            self._in_flight.discard(entry)
        if store.version(key.namespace, name) != version_of(live):
            self._on_change(key)  # another hand was there at the same time
        return live

    def of(self, key: Key) -> Iterator[tuple[Resource, Manifest]]:
        """Every child and pod that carries the labels of `key`."""
        for resource, name in sorted(
            self._index.get((self._apps[key.kind], key.namespace, key.name), ()),
            key=lambda pair: (pair[0].kind, pair[1]),
        ):
            live = self.stores[resource].get(key.namespace, name)
            if live is not None:
                yield resource, live

    def pods(self, key: Key) -> Iterator[Manifest]:
        """Every pod that carries the labels of `key`."""
        for resource, name in sorted(
            self._index.get((self._apps[key.kind], key.namespace, key.name), ()), key=lambda pair: pair[1]
        ):
            if resource == PODS and (live := self.stores[PODS].get(key.namespace, name)) is not None:
                yield live

    def labelled(self, key: Key, live: Manifest) -> bool:
        """Whether `live` carries the labels of `key`."""
        return _belonging(live) == (self._apps[key.kind], key.namespace, key.name)

    def _changed(self, resource: Resource, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> None:
        keys: set[Key] = set()
        for live, present in ((old, False), (new, True)):
            if live is None:
                continue
            belonging = _belonging(live)
            entry = (resource, live["metadata"]["name"])
            if present:
                self._index.setdefault(belonging, set()).add(entry)
            elif (entries := self._index.get(belonging)) is not None:
                entries.discard(entry)
                if not entries:
                    del self._index[belonging]
            keys.update(self._keys(belonging, live))
        if (resource, *key_of(new or old or {})) in self._in_flight:
            return
        for key in keys:
            self._on_change(key)

    def _keys(self, belonging: Belonging, live: Manifest) -> Iterator[Key]:
        app, namespace, instance = belonging
        if app in self._kinds:
            yield Key(self._kinds[app], namespace, instance)
        for owner in live["metadata"].get("ownerReferences", ()):
            if owner.get("controller") and owner["kind"] in self._apps:
                yield Key(owner["kind"], namespace, owner["name"])


def _belonging(live: Manifest) -> Belonging:
    metadata = live["metadata"]
    labels = metadata.get("labels", {})
    return labels.get(_NAME, ""), metadata["namespace"], labels.get(INSTANCE, "")
