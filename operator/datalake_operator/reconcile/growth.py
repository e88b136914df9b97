"""Claims that grow.

Whether one can is the API server's word, asked for by a dry run before anything is written: its admission lets only a
bound claim grow whose class says `allowVolumeExpansion`. So no right to read StorageClasses is needed, which a Role in
a namespace cannot give.
"""

from collections.abc import Sequence

from datalake_operator.api.values import parse_quantity
from datalake_operator.build.storage import CLAIM_SIZES
from datalake_operator.kube.errors import Forbidden, Invalid
from datalake_operator.kube.resource import CLAIMS, STATEFUL_SETS, of
from datalake_operator.kube.session import Api
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.compare import with_hash
from datalake_operator.reconcile.kind import Key, Manifest
from datalake_operator.reconcile.outcome import Stalled
from datalake_operator.status import EngineReason, View
from datalake_operator.status.storage import resize_pending

_MEND = "; set allowVolumeExpansion in its StorageClass, or delete the resource and apply it with the old size"
_RESIZING = "must support resize"
"""In the words of the API server's plug-in PersistentVolumeClaimResize, and of no quota and no missing right."""


async def ask(api: Api, children: Children, key: Key, desired: Sequence[Manifest]) -> None:
    """Ask the API server whether each claim that shall grow may. API needed, nothing is written.

    Raises:
        Stalled: one may not.
        ApiError: anything that another try may mend.
    """
    for manifest in _claims(desired):
        name, new = manifest["metadata"]["name"], _size(manifest)
        live = children.get(CLAIMS, key.namespace, name)
        if live is None or not children.labelled(key, live) or not _larger(new, old := _size(live)):
            continue
        try:
            await api.apply(with_hash(manifest), dry_run=True)
        except (Forbidden, Invalid) as error:
            expansion = _RESIZING in error.message
            raise Stalled(
                EngineReason.EXPANSION_NOT_SUPPORTED if expansion else EngineReason.APPLY_REFUSED,
                f"claim {name} cannot grow from {old} to {new}, so nothing was changed: {error.message}"
                + (_MEND if expansion else ""),
                retry=error,
            ) from error


def settled(desired: Sequence[Manifest], view: View) -> tuple[Manifest, ...]:
    """Give the desired children as they can be now. Pure.

    A claim without a volume keeps its size, since it may not grow before it has one, and so does one that somebody else
    made larger. The pod, which learns the size of its volumes when it starts, is replaced when they have grown.
    """
    waits = any(_waits(claim, _live(claim, view)) for claim in _claims(desired))
    return tuple(_settled(manifest, _live(manifest, view), waits=waits) for manifest in desired)


def _settled(manifest: Manifest, live: Manifest | None, *, waits: bool) -> Manifest:
    if live is not None and of(manifest) == CLAIMS:
        return _possible(manifest, live)
    return _of_old_sizes(manifest, live) if live is not None and waits and of(manifest) == STATEFUL_SETS else manifest


def _possible(claim: Manifest, live: Manifest) -> Manifest:
    if _is_bound(live) and not _larger(_size(live), _size(claim)):
        return claim
    return {**claim, "spec": {**claim["spec"], "resources": {"requests": {"storage": _size(live)}}}}


def _waits(claim: Manifest, live: Manifest | None) -> bool:
    """Whether the volume has yet to grow. A file system that waits for its pod's next start does not count."""
    if live is None or resize_pending(live):
        return False
    capacity = live.get("status", {}).get("capacity", {}).get("storage") if _is_bound(live) else _size(live)
    return capacity is not None and _larger(_size(claim), capacity)


def _of_old_sizes(workload: Manifest, live: Manifest) -> Manifest:
    """The workload with the sizes that its running pod was told."""
    known = live["spec"]["template"]["metadata"].get("annotations", {}).get(CLAIM_SIZES)
    if known is None:
        return workload
    spec = workload["spec"]
    metadata = spec["template"]["metadata"]
    metadata = {**metadata, "annotations": {**metadata["annotations"], CLAIM_SIZES: known}}
    return {**workload, "spec": {**spec, "template": {**spec["template"], "metadata": metadata}}}


def _claims(manifests: Sequence[Manifest]) -> list[Manifest]:
    return [manifest for manifest in manifests if of(manifest) == CLAIMS]


def _live(manifest: Manifest, view: View) -> Manifest | None:
    return view.children.get((manifest["kind"], manifest["metadata"]["name"]))


def _is_bound(claim: Manifest) -> bool:
    return bool(claim.get("status", {}).get("phase") == "Bound")


def _size(claim: Manifest) -> str:
    size: str = claim["spec"]["resources"]["requests"]["storage"]
    return size


def _larger(size: str, other: str) -> bool:
    return parse_quantity(size) > parse_quantity(other)
