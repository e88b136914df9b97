"""Pure: the rules by which a probe's cells are judged, as sentences."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from datalake_operator.api.probe import QoSProbe
from datalake_operator.probes import limits
from datalake_operator.probes.model import Limit
from datalake_operator.web import words


def rules(probe: QoSProbe, kind: str, status: Mapping[str, Any]) -> list[str]:
    """Give the rules of a probe: how quickly its state changes, and the limits of its measurements.

    Args:
        probe: the probe.
        kind: what it measures, e.g. `transfer`.
        status: of the probe.
    """
    policy = probe.spec.policy
    bad, good = words.count(policy.confirmations, "failed run"), words.count(policy.recoveries, "good one")
    told = [f"Critical after {bad} in a row, ok again after {good}."]
    told += [_limit(limit) for limit in limits.of(kind, probe.spec.thresholds)]
    if policy.stale_after:
        told.append(f"A result older than {policy.stale_after} is not believed.")
    if every := status.get("pairInterval"):
        told.append(f"Pairs take turns: each is tried every {every}.")
    return told


def _limit(limit: Limit) -> str:
    name, side = limit.measurement, "below" if limit.at_least else "above"
    warning, critical = (words.figure(name, str(level)) for level in (limit.warning, limit.critical))
    over = f", over {_span(limit.window)}" if name == limits.SUCCESS else ""
    return f"{words.label(name).capitalize()}: warning {side} {warning}, critical {side} {critical}{over}."


def _span(window: timedelta) -> str:
    minutes = int(window.total_seconds() // 60)
    if minutes % 1440 == 0:
        return words.count(minutes // 1440, "day")
    return words.count(minutes // 60, "hour") if minutes % 60 == 0 else words.count(minutes, "minute")
