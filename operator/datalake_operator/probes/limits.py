"""Limits of measurements: the defaults of each type, what a user writes over them, and how one figure is judged."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from datalake_operator.api.probe_verdict import Threshold
from datalake_operator.api.values import parse_duration
from datalake_operator.probes.model import Limit

SUCCESS = "success_ratio"
"""The measurement that the verdict computes itself: good runs by measured runs."""

_SUCCESS = Limit(SUCCESS, at_least=True, warning=0.90, critical=0.80)  # WLCG SAM and CMS site support
_CERTIFICATE = Limit("tls_days_left", at_least=True, warning=14.0, critical=0.0)

DEFAULTS: Mapping[str, tuple[Limit, ...]] = {
    "tcp": (_SUCCESS,),
    "http": (_SUCCESS, _CERTIFICATE),
    "storage": (_SUCCESS, _CERTIFICATE),
    "transfer": (_SUCCESS, _CERTIFICATE),
    # How much faster a cache is depends on how near its origin is: that it served the file itself is the proof.
    "cache": (_SUCCESS, _CERTIFICATE),
    "rucio": (_SUCCESS, _CERTIFICATE),
    "custom": (_SUCCESS,),
}
"""Limits by type, where spec.thresholds says nothing of a measurement."""


class Beyond(NamedTuple):
    """A figure that is beyond a limit."""

    level: Literal["warning", "critical"]
    reason: str


def of(kind: str, thresholds: Iterable[Threshold] = ()) -> tuple[Limit, ...]:
    """The limits that hold: a threshold takes the place of the default of the same measurement.

    Args:
        kind: The type, e.g. `transfer`.
        thresholds: `spec.thresholds`.
    """
    limits = {limit.measurement: limit for limit in DEFAULTS.get(kind, (_SUCCESS,))}
    limits |= {entry.measurement: _limit(entry) for entry in thresholds}
    return tuple(limits.values())


def _limit(entry: Threshold) -> Limit:
    numbers = entry.at_least if entry.at_least is not None else entry.at_most
    assert numbers is not None, "exactly one of the two is there"  # noqa: S101 - the model has seen to it
    return Limit(
        entry.measurement,
        entry.at_least is not None,
        float(numbers.warning),
        float(numbers.critical),
        parse_duration(entry.window),
        entry.min_samples,
    )


def beyond(measurements: Mapping[str, float], limits: Sequence[Limit]) -> Beyond | None:
    """The worst limit that the figures of one run are beyond; None: they keep within all."""
    worst = None
    for limit in limits:
        value = measurements.get(limit.measurement)
        if value is None:
            continue
        if _past(value, limit.critical, limit.at_least):
            return Beyond("critical", _reason(limit.measurement))
        if worst is None and _past(value, limit.warning, limit.at_least):
            worst = Beyond("warning", _reason(limit.measurement))
    return worst


def _past(value: float, bound: float, at_least: bool) -> bool:
    return value < bound if at_least else value > bound


def _reason(measurement: str) -> str:
    if measurement == "tls_days_left":
        return "CertificateExpiring"
    speed = measurement.endswith(("seconds", "bytes_per_second")) or measurement == "warm_speedup_ratio"
    return "Slow" if speed else "OutsideLimits"


def longest(limits: Sequence[Limit]) -> timedelta:
    """The longest window."""
    return max((limit.window for limit in limits), default=timedelta())
