"""Where the page's data comes from: the stores of our own kinds, seen through two functions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from datalake_operator.kube.resource import Resource
from datalake_operator.kube.store import Store

Body: TypeAlias = Mapping[str, Any]
"""A custom resource as plain values."""


class Ref(NamedTuple):
    """One custom resource."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Bodies:
    """What is known of QoSProbes, XCacheNodes and RucioServers."""

    versions: Callable[[], Iterable[tuple[Ref, int]]]
    """Every resource with its resourceVersion: cheap, asked at each request."""
    get: Callable[[Ref], Body | None]
    """One resource, None where it is gone: asked only when its version is new."""


NOTHING = Bodies(versions=lambda: (), get=lambda _: None)
"""No resources at all."""


def of_stores(stores: Mapping[Resource, Store]) -> Bodies:
    """Give what the stores of our kinds hold at each moment."""
    by_kind = {resource.kind: store for resource, store in stores.items()}

    def versions() -> Iterable[tuple[Ref, int]]:
        for kind, store in by_kind.items():
            for namespace, name in tuple(store.keys()):
                yield Ref(kind, namespace, name), store.version(namespace, name) or 0

    return Bodies(versions, lambda ref: by_kind[ref.kind].get(ref.namespace, ref.name) if ref.kind in by_kind else None)
