"""Stores of the custom resources themselves."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from datalake_operator.kube.resource import Resource
from datalake_operator.kube.store import Store, key_of
from datalake_operator.reconcile.kind import Key, Manifest


class Resources:
    """What the API server holds of the kinds that we serve.

    Args:
        kinds: their resources.
        on_change: called with the key of each one that another hand than ours changed.
    """

    def __init__(self, kinds: Iterable[Resource], on_change: Callable[[Key], None]) -> None:
        self._on_change = on_change
        self._own_write = False
        self.stores = {resource: Store(resource) for resource in kinds}
        self._by_kind = {resource.kind: store for resource, store in self.stores.items()}
        for store in self.stores.values():
            store.on_change(self._changed)

    def get(self, key: Key) -> Manifest | None:
        """The resource, None where it is gone."""
        return self._by_kind[key.kind].get(key.namespace, key.name)

    def keys(self) -> Iterator[Key]:
        """Every resource that is there."""
        for kind, body in self.bodies():
            yield Key(kind, *key_of(body))

    def bodies(self) -> Iterator[tuple[str, Manifest]]:
        """Kind and body of every resource that is there."""
        for kind, store in self._by_kind.items():
            for body in tuple(store.values()):
                yield kind, body

    def put(self, key: Key, body: dict[str, Any]) -> None:
        """Take the API server's answer to our own write; it asks for no new reconcile."""
        self._own_write = True
        try:
            self._by_kind[key.kind].put(body)
        finally:
            self._own_write = False

    def remove(self, key: Key, body: Manifest) -> None:
        """Forget a resource that turned out to be gone."""
        self._by_kind[key.kind].remove(key.namespace, key.name, body["metadata"]["resourceVersion"])

    def _changed(self, resource: Resource, old: Manifest | None, new: Manifest | None) -> None:
        changed = new or old
        if changed is not None and not self._own_write:
            self._on_change(Key(resource.kind, *key_of(changed)))
