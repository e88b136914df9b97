"""Whether the cache can open files at its origin, by what its exporter counted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from datalake_operator.status.conditions import Condition, Status, parse_time

ORIGIN_GRACE = timedelta(minutes=1)
"""The origin counts as failing when no open succeeded for this long before the last one that failed. A reader who asks
for files that do not exist fails too, and must not look like an outage among others who read."""


class OriginReason:
    """Reasons of the condition OriginReachable."""

    NOT_OBSERVED = "NotObserved"
    """The exporter has not answered, or not for two minutes."""

    NO_MISSES = "NoMisses"
    """Nothing was opened at the origin since the cache started, so nothing is known of it."""

    ORIGIN_ANSWERS = "OriginAnswers"
    """The cache opens files at its origin."""

    OPENS_FAIL = "OpensFail"
    """No file could be opened at the origin for a minute or more; cached files are still served."""


def origin_reachable(data: Mapping[str, Any] | None) -> Condition:
    """Judge the origin by what the cache opened there. Messages hold no figures, which would change all the time."""
    if data is None:
        return _judged("Unknown", OriginReason.NOT_OBSERVED, "the exporter does not answer")
    origin = data.get("origin") or {}
    success, failure = parse_time(origin.get("lastSuccessTime")), parse_time(origin.get("lastErrorTime"))
    if failure is not None and (success is None or failure - success >= ORIGIN_GRACE):
        return _judged(
            "False",
            OriginReason.OPENS_FAIL,
            "opens at the origin fail (of files that it does not have, too); cached files are still served",
        )
    if success is None:
        return _judged("Unknown", OriginReason.NO_MISSES, "nothing was opened at the origin yet")
    return _judged("True", OriginReason.ORIGIN_ANSWERS, "files are opened at the origin")


def _judged(status: Status, reason: str, message: str) -> Condition:
    return Condition("OriginReachable", status, reason, message)
