"""QoSProbe: measures one quality of the data lake again and again, and says how it is."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.common import Image, NodeSelector, Resources, Tolerations
from datalake_operator.api.meta import (
    ATOMIC,
    MAP_BY_NAME,
    ConfigMapKeyRef,
    DnsLabel,
    Duration,
    Items,
    Model,
    SecretKeyRef,
)
from datalake_operator.api.probe_checks import (
    CacheCheck,
    CustomCheck,
    HttpCheck,
    RucioCheck,
    StorageCheck,
    TcpCheck,
    TransferCheck,
)
from datalake_operator.api.probe_endpoints import Endpoint
from datalake_operator.api.probe_status import QoSProbeStatus
from datalake_operator.api.probe_verdict import (
    MEASUREMENTS,
    TYPES,
    Control,
    History,
    Maintenance,
    MaintenanceSource,
    Threshold,
    VerdictPolicy,
)
from datalake_operator.api.resource import AGE, MESSAGE, READY, Column, Kind, Resource, name_rule
from datalake_operator.api.rules import ListType, duration_range, exactly_one_of, matching, rule
from datalake_operator.api.schedules import CronSchedule

# Each divides an hour or a day, so that runs keep their minute.
Interval: TypeAlias = Literal[
    "1m", "2m", "3m", "4m", "5m", "6m", "10m", "12m", "15m", "20m", "30m",
    "1h", "2h", "3h", "4h", "6h", "8h", "12h", "24h",
]  # fmt: skip


class TrustBundle(Model):
    """More CA certificates: exactly one of configMapKeyRef, secretKeyRef."""

    rules = (exactly_one_of("configMapKeyRef", "secretKeyRef"),)

    name: DnsLabel
    """Name of the entry."""
    config_map_key_ref: ConfigMapKeyRef | None = None
    """Key of a ConfigMap with certificates (PEM)."""
    secret_key_ref: SecretKeyRef | None = None
    """Key of a Secret with certificates (PEM)."""


class Trust(Model):
    """Which certificates are believed."""

    system: bool = True
    """The system's CAs. True by default."""
    igtf: bool = True
    """The grid's CAs (IGTF), which the image carries. True by default."""
    bundles: Annotated[Items[TrustBundle], Field(max_length=8), MAP_BY_NAME] = ()
    """More CA certificates."""


def _names(spec: Any, access: str | None = None) -> set[str]:
    return {endpoint.name for endpoint in spec.endpoints if access in (None, endpoint.access)}


def _missing(names: Iterable[str], spec: Any) -> str:
    missing = sorted(set(names) - _names(spec))
    return f"not there: {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}"


def _known(field: str, members: str, at: str) -> Any:
    def holds(spec: Any) -> bool:
        check = getattr(spec, field)
        return check is None or set(getattr(check, members)) <= _names(spec)

    def hint(spec: Any) -> str:
        return _missing(getattr(getattr(spec, field), members), spec)

    return rule(
        f"!has(self.{field}) || self.{field}.{members}.all(n, self.endpoints.exists(e, e.name == n))",
        "names what is not in spec.endpoints",
        holds,
        mend="add the endpoint or correct the name",
        at=at,
        hint=hint,
    )


_WRITABLE = rule(
    "!has(self.transfer) || self.transfer.destinations.all(n, "
    "self.endpoints.all(e, e.name != n || e.access == 'ReadWrite'))",
    "names an endpoint with access ReadOnly",
    lambda spec: spec.transfer is None or not set(spec.transfer.destinations) & _names(spec, "ReadOnly"),
    mend="files are written there: remove it or change its access",
    at=".transfer.destinations",
)


def _excluded(spec: Any) -> set[str]:
    return {end for pair in spec.transfer.exclude for end in (pair.source, pair.destination)}


_EXCLUDED = rule(
    "!has(self.transfer) || self.transfer.exclude.all(p, self.endpoints.exists(e, e.name == p.source) && "
    "self.endpoints.exists(e, e.name == p.destination))",
    "names what is not in spec.endpoints",
    lambda spec: spec.transfer is None or _excluded(spec) <= _names(spec),
    mend="add the endpoint or correct the name",
    at=".transfer.exclude",
    hint=lambda spec: _missing(_excluded(spec), spec),
)

_ZONED = rule(
    "!has(self.timeZone) || has(self.schedule)",
    "is of a schedule, and there is none",
    lambda spec: spec.time_zone is None or spec.schedule is not None,
    mend="remove it, or write schedule instead of interval",
    at=".timeZone",
)


def _measured(check: str, names: tuple[str, ...]) -> Any:
    known = ", ".join(f"'{name}'" for name in names)

    def holds(spec: Any) -> bool:
        return getattr(spec, check) is None or all(entry.measurement in names for entry in spec.thresholds)

    return rule(
        f"!has(self.{check}) || self.thresholds.all(t, t.measurement in [{known}])",
        f"names a measurement that {check} does not have",
        holds,
        mend=f"there are {', '.join(names)}",
        at=".thresholds",
    )


class QoSProbeSpec(Model):
    """What is wanted."""

    rules = (
        exactly_one_of("schedule", "interval"),
        exactly_one_of(*TYPES),
        _known("storage", "endpoints", ".storage.endpoints"),
        _known("transfer", "sources", ".transfer.sources"),
        _known("transfer", "destinations", ".transfer.destinations"),
        _WRITABLE,
        _EXCLUDED,
        _ZONED,
        *(_measured(check, names) for check, names in MEASUREMENTS.items()),
    )

    suspend: bool = False
    """True: no more runs; what was measured is still shown."""
    schedule: CronSchedule | None = None
    """When to run, as a cron expression. Exactly one of schedule, interval."""
    interval: Interval | None = None
    """Time between two runs; the minute comes from the resource's uid, so that probes do not run together."""
    time_zone: (
        Annotated[
            str,
            Field(min_length=1, max_length=64),
            matching("[A-Za-z][A-Za-z0-9_+/-]*", "must be a time zone", mend="e.g. Europe/Paris"),
            rule("self != 'Local'", "must not be Local", lambda zone: zone != "Local", mend="e.g. Etc/UTC"),
        ]
        | None
    ) = None
    """Time zone of schedule. Default: the cluster's, mostly UTC."""
    timeout: Annotated[Duration, duration_range("10s", "6h")] = "5m"
    """Time for one run, 10s to 6h. 5m by default; what is not measured by then is unknown, not red."""
    image: Image = Field(default_factory=Image)
    """Image of the runner. Default: the one this operator was tested with."""
    resources: Resources = Field(default_factory=dict)
    """Resources of the runner's container."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels of the nodes that it may run on."""
    tolerations: Tolerations = ()
    """Taints that it tolerates."""
    trust: Trust = Field(default_factory=Trust)
    """Which certificates are believed."""
    endpoints: Annotated[Items[Endpoint], Field(max_length=64), MAP_BY_NAME] = ()
    """Storage endpoints that storage and transfer name."""
    tcp: TcpCheck | None = None
    """Can a TCP connection be opened, and how fast."""
    http: HttpCheck | None = None
    """Does a web address answer, how fast, and how long is its certificate valid."""
    storage: StorageCheck | None = None
    """Can files be written, read, checked and deleted."""
    transfer: TransferCheck | None = None
    """Can files be moved from each source to each destination."""
    cache: CacheCheck | None = None
    """Does a cache fetch what it has not, and serve what it has."""
    rucio: RucioCheck | None = None
    """Does a Rucio answer, and do its parts work together."""
    custom: CustomCheck | None = None
    """Any program that writes the result envelope."""
    thresholds: Annotated[Items[Threshold], Field(max_length=16), ListType("map", ("measurement",))] = ()
    """Limits of measurements. What is not named keeps the default of the check, docs/probes.md."""
    policy: VerdictPolicy = Field(default_factory=VerdictPolicy)
    """How quickly the state changes."""
    maintenance: Annotated[Items[Maintenance], Field(max_length=64), MAP_BY_NAME] = ()
    """Times in which failures are expected."""
    maintenance_from: Annotated[Items[MaintenanceSource], Field(max_length=8), ATOMIC] = ()
    """ConfigMaps with more of them, for example written from GOCDB."""
    control: Control = Field(default_factory=Control)
    """How a fault of our own is told from everybody's fault."""
    history: History = Field(default_factory=History)
    """What is remembered."""


class QoSProbe(Resource):
    """Measures one quality of the data lake again and again, and says how it is."""

    kind: ClassVar[Kind] = Kind(
        "QoSProbe",
        "qosprobes",
        "qp",
        "A probe that measures one quality of the data lake (storage, transfer, cache, catalogue) again and again, "
        "and says how it is.",
        QoSProbeStatus,
        (
            READY,
            Column("State", ".status.state", "Worst state of all cells."),
            Column("OK", ".status.summary.ok", "Cells that are ok.", "integer"),
            Column("Warn", ".status.summary.warning", "Cells with a warning.", "integer"),
            Column("Crit", ".status.summary.critical", "Cells that are critical.", "integer"),
            Column("Last Run", ".status.lastRun.completionTime", "When the last run ended.", "date"),
            AGE,
            Column("Health", '.status.conditions[?(@.type=="Healthy")].message', "What is broken.", priority=1),
            MESSAGE,
        ),
    )

    rules = (name_rule(40),)

    spec: QoSProbeSpec
