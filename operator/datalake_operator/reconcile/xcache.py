"""XCacheNode: what the engine asks of it, answered by `api`, `build` and `status`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context, xcache
from datalake_operator.build.labels import belongs_to
from datalake_operator.kube import resource as kube
from datalake_operator.kube.references import Reference
from datalake_operator.reconcile import growth
from datalake_operator.reconcile.kind import Kind, Manifest
from datalake_operator.reconcile.xcache_state import State
from datalake_operator.status import Assessment, View
from datalake_operator.status import xcache as judge


class XCacheKind(Kind[XCacheNode]):
    """One caching proxy."""

    resource = kube.XCACHE_NODES
    app = "xcache"
    children = (
        kube.SERVICE_ACCOUNTS,
        kube.CONFIG_MAPS,
        kube.CLAIMS,
        kube.SERVICES,
        kube.NETWORK_POLICIES,
        kube.POD_MONITORS,
        kube.STATEFUL_SETS,
    )

    def references(self, model: XCacheNode) -> tuple[Reference, ...]:
        """The claims that somebody else made."""
        spec = model.spec
        entries = [*spec.storage.data, *([spec.storage.meta] if spec.storage.meta else [])]
        names = [entry.existing_claim.name for entry in entries if entry.existing_claim]
        return tuple(Reference(kube.CLAIMS, model.metadata.namespace or "", name) for name in dict.fromkeys(names))

    def build(self, model: XCacheNode, context: Context, view: View) -> tuple[Manifest, ...]:
        """Give the desired children, claims at the sizes that they can have now."""
        return growth.settled(xcache.build(model, context), view)

    def assess(self, model: XCacheNode, context: Context, view: View, now: datetime) -> Assessment:
        """Judge the cache."""
        return judge.assess(model, _own(model, view), now)

    def rolled(self, model: XCacheNode, view: View) -> bool:
        """Whether the pod runs the newest revision."""
        return judge.rolled(_own(model, view))

    def stuck_pods(self, model: XCacheNode, view: View) -> Sequence[Manifest]:
        """The pod, where it is of an old revision and never became Ready."""
        return judge.stuck_pods(model, _own(model, view))

    def observed_at(self, model: XCacheNode, view: View) -> str | None:
        """The exporter in the pod."""
        return judge.state_url(_own(model, view))

    def notable(self, data: Mapping[str, Any]) -> object:
        """What shows in a condition."""
        State.model_validate(data)
        return judge.notable(data)


def _own(model: XCacheNode, view: View) -> View:
    """The view without workloads and pods that merely carry our labels: those are not ours to judge, ask or delete."""
    ours = ("StatefulSet", model.metadata.name)
    uid = view.children[ours]["metadata"]["uid"] if ours in view.children else None
    return replace(
        view,
        children={key: child for key, child in view.children.items() if key[0] != ours[0] or key == ours},
        pods=tuple(pod for pod in view.pods if uid is not None and belongs_to(pod, uid)),
    )
