"""When a QoSProbe is green, yellow or red."""

from typing import Annotated, Any, TypeAlias

from pydantic import Field

from datalake_operator.api.meta import (
    MAP_BY_NAME,
    SET,
    ConfigMapKeyRef,
    Duration,
    Host,
    Items,
    Model,
    Port,
    Timestamp,
    parse_time,
)
from datalake_operator.api.probe_endpoints import EndpointName
from datalake_operator.api.rules import duration_range, exactly_one_of, matching, rule

Decimal: TypeAlias = Annotated[
    str,
    Field(max_length=20),
    matching(
        r"-?[0-9]+(\.[0-9]+)?",
        "must be a decimal number as text",
        mend='write it in quotes and without unit, e.g. "0.90"',
    ),
]


_MEETING = ("success_ratio", "seconds", "connect_seconds", "tls_days_left")
MEASUREMENTS: dict[str, tuple[str, ...]] = {
    "tcp": ("success_ratio", "connect_seconds"),
    "http": (*_MEETING, "http_status"),
    "storage": (
        *(*_MEETING, "stat_seconds", "list_seconds", "write_seconds", "read_seconds", "checksum_seconds"),
        *("delete_seconds", "throughput_bytes_per_second"),
    ),
    "transfer": (*_MEETING, "throughput_bytes_per_second"),
    "cache": (
        *("success_ratio", "connect_seconds", "tls_days_left", "cold_seconds", "warm_seconds", "warm_speedup_ratio"),
        "origin_bytes",
    ),
    "rucio": ("success_ratio", "seconds", "tls_days_left", "token_seconds", "upload_seconds", "download_seconds"),
}
"""A row for each type of probe that the runner has: what thresholds may name, that is what its plug-in measures, and
success_ratio, which is computed from the results."""

TYPES = (*MEASUREMENTS, "custom")
"""What a probe can measure: the fields of its spec of which it has exactly one. A custom program measures anything."""


class LowerLimits(Model):
    """Figures that a measurement must reach."""

    rules = (
        rule(
            "double(self.warning) >= double(self.critical)",
            "warning must not be below critical",
            lambda self: float(self.warning) >= float(self.critical),
            mend="exchange them",
            at=".warning",
        ),
    )

    warning: Decimal
    """Below it the state is a warning, e.g. "0.90"."""
    critical: Decimal
    """Below it the state is critical, e.g. "0.80"."""


class UpperLimits(Model):
    """Figures that a measurement must not exceed."""

    rules = (
        rule(
            "double(self.warning) <= double(self.critical)",
            "warning must not be above critical",
            lambda self: float(self.warning) <= float(self.critical),
            mend="exchange them",
            at=".warning",
        ),
    )

    warning: Decimal
    """Above it the state is a warning."""
    critical: Decimal
    """Above it the state is critical."""


def _is_share(limits: LowerLimits | None) -> bool:
    return limits is not None and float(limits.warning) <= 1 and float(limits.critical) >= 0


class Threshold(Model):
    """Limits of one measurement: exactly one of atLeast, atMost."""

    rules = (
        exactly_one_of("atLeast", "atMost"),
        rule(
            "self.measurement != 'success_ratio' || "
            "(has(self.atLeast) && double(self.atLeast.warning) <= 1.0 && double(self.atLeast.critical) >= 0.0)",
            "success_ratio is a share from 0 to 1 that runs must reach",
            lambda self: self.measurement != "success_ratio" or _is_share(self.at_least),
            mend='write atLeast, e.g. warning "0.90" and critical "0.80"',
        ),
    )

    measurement: Annotated[
        str,
        Field(min_length=1, max_length=63),
        matching("[a-z][a-z0-9_]*", "must be a measurement", mend="e.g. success_ratio"),
    ]
    """Name of the measurement, e.g. success_ratio; docs/probes.md lists those of each check."""
    at_least: LowerLimits | None = None
    """Figures that it must reach."""
    at_most: UpperLimits | None = None
    """Figures that it must not exceed."""
    window: Annotated[Duration, duration_range("15m", "720h")] = "6h"
    """Time that is looked at, 15m to 720h. 6h by default."""
    min_samples: Annotated[int, Field(ge=1, le=1000)] = 3
    """Runs that the window needs for a verdict. 3 by default."""


class VerdictPolicy(Model):
    """How quickly the state changes."""

    confirmations: Annotated[int, Field(ge=1, le=10)] = 2
    """Failed runs in a row that make it critical, 1 to 10. 2 by default."""
    recoveries: Annotated[int, Field(ge=1, le=10)] = 2
    """Good runs in a row that make it ok again, 1 to 10. 2 by default."""
    stale_after: Annotated[Duration, duration_range("1m", "720h")] | None = None
    """Age at which a result is no longer believed. Default: 2.5 times the largest gap of the schedule."""


def _in_order(self: Any) -> bool:
    return parse_time(self.from_) < parse_time(self.to)


class Maintenance(Model):
    """A time in which failures are expected."""

    rules = (rule("self.from < self.to", "must be after from", _in_order, mend="exchange them", at=".to"),)

    name: EndpointName
    """Name of the entry."""
    from_: Annotated[Timestamp, Field(alias="from")]
    """When it begins, e.g. 2027-01-31T08:00:00Z."""
    to: Timestamp
    """When it ends."""
    endpoints: Annotated[Items[EndpointName], Field(max_length=64), SET] = ()
    """Endpoints concerned. With sites empty too: all."""
    sites: Annotated[Items[EndpointName], Field(max_length=64), SET] = ()
    """Sites concerned."""
    reason: Annotated[str, Field(max_length=256)] = ""
    """What the page shows."""


class MaintenanceSource(Model):
    """Where more maintenance is written."""

    config_map_ref: ConfigMapKeyRef
    """Key of a ConfigMap with a list of the same shape as maintenance."""


class ControlTarget(Model):
    """Something that must work for any verdict."""

    name: EndpointName
    """Name of the entry."""
    host: Host
    """Host name or IP address."""
    port: Port
    """TCP port."""


class Control(Model):
    """How a fault of our own is told from everybody's fault."""

    targets: Annotated[Items[ControlTarget], Field(max_length=8), MAP_BY_NAME] = ()
    """What must work for any verdict, beside the cluster's DNS and API server."""


class History(Model):
    """What is remembered."""

    runs: Annotated[int, Field(ge=1, le=64)] = 20
    """Runs that the page shows for each cell, 1 to 64. 20 by default."""
