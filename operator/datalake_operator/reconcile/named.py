"""What kinds need that is not theirs: keys of Secrets and ConfigMaps of others, and what identifies the cluster."""

from collections.abc import Iterable
from typing import TypeAlias

from datalake_operator.build import Context
from datalake_operator.kube.resource import Resource
from datalake_operator.reconcile.kind import Manifest
from datalake_operator.reconcile.outcome import Postponed
from datalake_operator.status import EngineReason, View

Named: TypeAlias = tuple[Resource, str, str]
"""Kind, name and key of something that a spec names in an object of others."""


def missing_keys(named: Iterable[Named], view: View) -> list[str]:
    """The keys that are not in them, in words, each as often as it is named."""
    return [
        f"key {key} of {resource.kind} {name}"
        for resource, name, key in named
        if key not in keys(view.references.get((resource.kind, name)))
    ]


def keys(found: Manifest | None) -> set[str]:
    """The keys of a Secret or ConfigMap; none of one that is not there."""
    return set() if found is None else {*(found.get("data") or ()), *(found.get("binaryData") or ())}


def require_cluster(context: Context, what_for: str) -> None:
    """Go on only where it is known what identifies this cluster.

    Args:
        context: facts about this installation.
        what_for: what that tells, in words.

    Raises:
        Postponed: it is not known.
    """
    if not context.cluster:
        trouble = context.cluster_trouble or "not asked yet"
        raise Postponed(
            f"cannot learn the uid of namespace kube-system, which {what_for}: {trouble}",
            EngineReason.DEPENDENCY_UNKNOWN,
        )
