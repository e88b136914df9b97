"""Names that resources of one kind in one namespace have in common, and who means something else by one."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from datalake_operator.kube.resource import Resource
from datalake_operator.kube.store import Store, key_of
from datalake_operator.reconcile.kind import Key, Kind, Manifest


class _Name(NamedTuple):
    kind: str
    namespace: str
    name: Hashable


class Peers:
    """An index over the stores of the resources; what is no dispute costs nothing, however many share a name.

    Args:
        kinds: each says what its resources share.
        stores: of the resources.
        on_change: called with the key of each resource that is in a dispute with one that changed, or was before.
    """

    def __init__(
        self, kinds: Iterable[Kind[Any]], stores: Mapping[Resource, Store], on_change: Callable[[Key], None]
    ) -> None:
        self._kinds = {kind.resource: kind for kind in kinds}
        self._on_change = on_change
        self._meant: dict[Key, Mapping[Hashable, Hashable]] = {}
        self._holders: dict[_Name, dict[Hashable, set[Key]]] = {}
        for resource in self._kinds:
            stores[resource].on_change(self._changed)

    def disputed(self, key: Key) -> Mapping[Hashable, Sequence[str]]:
        """Names that others mean something else by, with the names of these resources in order."""
        disputed = {}
        for name, meaning in self._meant.get(key, {}).items():
            others = self._others(_Name(key.kind, key.namespace, name), meaning)
            if others:
                disputed[name] = sorted(other.name for other in others)
        return disputed

    def _others(self, name: _Name, meaning: Hashable) -> list[Key]:
        meanings = self._holders.get(name, {})
        if len(meanings) < 2 and meaning in meanings:
            return []
        return [key for other, keys in meanings.items() if other != meaning for key in keys]

    def _changed(self, resource: Resource, old: Manifest | None, new: Manifest | None) -> None:
        if old is not None and new is not None and old.get("spec") == new.get("spec"):
            return
        key = Key(resource.kind, *key_of(new or old or {}))
        before = self._meant.pop(key, {})
        after = dict(self._kinds[resource].shared(new)) if new is not None else {}
        if after:
            self._meant[key] = after
        concerned: set[Key] = set()
        for name in before.keys() | after.keys():
            if before.get(name) != after.get(name):
                concerned |= self._move(_Name(key.kind, key.namespace, name), key, before.get(name), after.get(name))
        for other in concerned:
            self._on_change(other)

    def _move(self, name: _Name, key: Key, before: Hashable, after: Hashable) -> set[Key]:
        """Let `key` mean something else by a name, None for nothing; return whose disputes begin or end by that."""
        meanings = self._holders.setdefault(name, {})
        concerned: set[Key] = set()
        if before is not None:
            meanings[before].discard(key)
            if not meanings[before]:
                del meanings[before]
            concerned.update(self._others(name, before))
        if after is not None:
            concerned.update(self._others(name, after))
            meanings.setdefault(after, set()).add(key)
        if not meanings:
            del self._holders[name]
        return concerned
