"""Usage figures of a cache in its status: written seldom, since metrics carry them at their full rate.

They are written at most every ten minutes, and only when one of them moved by five points, so that a busy cache costs
no more writes than an idle one. A figure that was not there yet is written at once: XRootD counts files once a minute,
and there are no hits before somebody reads. `cache.time` in status remembers when the last write was.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from datalake_operator.api.values import parse_quantity
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.status.conditions import parse_time, rfc3339

INTERVAL = timedelta(minutes=10)
"""Shortest time between two writes of usage figures."""

STEP = 5
"""Points of percent by which a figure must have moved to be written."""

HITS = "byteHitPercent1h"
"""Field of status beside `cache` that follows the same rule."""


def usage(
    node: XCacheNode, data: Mapping[str, Any] | None, previous: Mapping[str, Any], now: datetime
) -> tuple[dict[str, Any], datetime | None]:
    """Give the usage fields of status, and when to look again.

    Args:
        node: the cache.
        data: the exporter's last answer; None leaves status as it is.
        previous: `status` as it stands.
        now: time of day.

    Returns:
        `cache` and `byteHitPercent1h`, either as they stand or new; a time when a move that came too early is due.
    """
    standing = {key: previous[key] for key in ("cache", HITS) if key in previous}
    if data is None:
        return standing, None
    figures = _figures(node, data)
    written = parse_time(standing.get("cache", {}).get("time"))
    if written is None or figures["cache"].get("limitBytes") != standing["cache"].get("limitBytes"):
        return _stamped(figures, now), None
    pairs = _pairs(standing, figures)
    if any(old is None and new is not None for old, new in pairs):
        return _stamped(figures, now), None
    if not any(_moved(old, new) for old, new in pairs):
        return standing, None
    due = written + INTERVAL
    return (_stamped(figures, now), None) if now >= due else (standing, due)


def _figures(node: XCacheNode, data: Mapping[str, Any]) -> dict[str, Any]:
    used, limit = (data.get("cache") or {}).get("usedBytes"), _limit(node, data)
    cache = {
        "usedBytes": used,
        "limitBytes": limit,
        "usedPercent": used * 100 // limit if used is not None and limit else None,
        "files": (data.get("cache") or {}).get("files"),
    }
    hits = (data.get("hour") or {}).get("hitPercent")
    found: dict[str, Any] = {"cache": {key: value for key, value in cache.items() if value is not None}}
    return found if hits is None else {**found, HITS: hits}


def _limit(node: XCacheNode, data: Mapping[str, Any]) -> int | None:
    """Bytes at which a purge starts: `maxCacheSize`, else the high watermark of the data volumes as they are."""
    storage = node.spec.storage
    if storage.max_cache_size is not None:
        return parse_quantity(storage.max_cache_size)
    disks = data.get("disks") or ()
    capacity = sum(disk.get("capacityBytes", 0) for disk in disks if disk.get("space") == "data")
    return capacity * storage.watermarks.high_percent // 100 or None


def _pairs(standing: Mapping[str, Any], figures: Mapping[str, Any]) -> tuple[tuple[int | None, int | None], ...]:
    """Each figure as it stands and as it is."""
    return (
        (standing["cache"].get("usedPercent"), figures["cache"].get("usedPercent")),
        (standing.get(HITS), figures.get(HITS)),
    )


def _moved(old: int | None, new: int | None) -> bool:
    return (old is None) != (new is None) or (old is not None and new is not None and abs(new - old) >= STEP)


def _stamped(figures: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {**figures, "cache": {**figures["cache"], "time": rfc3339(now)}}
