"""Planned work at what a probe measures: a cache that drains, a Rucio that migrates or is suspended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from datalake_operator.api.probe import QoSProbe
from datalake_operator.build.probe import reference
from datalake_operator.probes.model import Hold
from datalake_operator.status.conditions import parse_time
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

_WORK: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "XCacheNode": (("Draining", "", "the cache drains"),),
    "RucioServer": (
        ("", RucioReason.MIGRATING, "the Rucio migrates its database"),
        ("Suspended", "", "the Rucio is suspended"),
    ),
}
"""Type and reason of the conditions that tell of planned work, and what the page shows; the first that holds counts."""


def holds(probe: QoSProbe, view: View) -> dict[str, Hold]:
    """Give the planned work that goes on now, by name of the cache or the Rucio, which is the source of the cells."""
    named = reference(probe)
    if named is None:
        return {}
    kind, name = named
    for type_, reason, shown in _WORK[kind]:
        since = _latest(view.references.get(named), type_, reason)
        if since is not None:
            return {name: Hold(shown, since)}
    return {}


def _latest(body: Manifest | None, type_: str, reason: str) -> datetime | None:
    """When the last condition of this type or reason began; None where there is none.

    Some that are false for this reason were so before for another, and keep the time of that.
    """
    conditions = ((body or {}).get("status") or {}).get("conditions", ())
    times = (
        parse_time(condition.get("lastTransitionTime"))
        for condition in conditions
        if type_ in ("", condition["type"]) and reason in ("", condition["reason"])
    )
    return max((time for time in times if time is not None), default=None)
