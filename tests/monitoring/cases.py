"""For each alert: when it fires, when it does not, and what keeps it quiet although it would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Labels: TypeAlias = Mapping[str, str]

LAKE = "lake"
"""Namespace of the resources in the cases; the operator's own is another."""
PROBE = {"namespace": LAKE, "probe": "mesh", "kind": "transfer"}
PAIR = PROBE | {"source": "CERN", "destination": "PIC", "protocol": "root"}
TARGET = PROBE | {"probe": "web", "kind": "http", "source": "www", "destination": "", "protocol": ""}
OPERATOR = {"namespace": "datalake-system", "job": "datalake-operator", "pod": "o-1", "instance": "10.0.0.1:8080"}
EXPORTER = {"namespace": LAKE, "job": "lake/cache", "pod": "cache-0", "instance": "10.0.0.2:9931"}
CACHE = {"namespace": LAKE, "kind": "XCacheNode", "name": "edge"}
RUCIO = {"namespace": LAKE, "kind": "RucioServer", "name": "escape"}
SERVER = {"namespace": LAKE, "name": "escape"}


@dataclass(frozen=True)
class Series:
    """One series: a value for each minute, in promtool's notation."""

    name: str
    labels: Labels
    values: str

    @property
    def of_resource(self) -> bool:
        """Whether its namespace is a label of ours, and not that of the scraped pod."""
        return self.name.startswith("datalake_") and "job" not in self.labels


@dataclass(frozen=True)
class Case:
    """How one alert behaves."""

    fires: Sequence[Series]
    at: str
    """When it is firing, and not yet a minute after the start."""
    labels: Labels
    """Of the alert, without its name and severity."""
    quiet: Mapping[str, Sequence[Series]]
    """Series with which nothing fires, by a word on why."""
    inhibited: Mapping[str, Sequence[Series]] = field(default_factory=dict)
    """Series that, added to those of `fires`, keep it quiet; by the name of the Unless."""


def one(name: str, labels: Labels, value: float = 1, minutes: int = 400) -> Series:
    """A series that stays as it is."""
    return Series(name, labels, f"{value:g}x{minutes}")


def condition(type_: str, value: float, of: Labels) -> Series:
    """A condition of a resource."""
    return one("datalake_resource_condition", {**of, "type": type_}, value)


def state(value: float, of: Labels = PAIR) -> Series:
    """The state of a cell."""
    return one("datalake_probe_state", of, value)


def endpoint(name: str, value: float, **labels: str) -> Series:
    """What an endpoint is blamed for, by one probe."""
    told = {"namespace": LAKE, "probe": "mesh", "endpoint": name, "role": "both", "reason": "Refused"}
    return one("datalake_endpoint_state", told | labels, value)


def probe(name: str, value: float, of: Labels = PROBE) -> Series:
    """A figure of a probe."""
    return one(f"datalake_probe_{name}", {label: of[label] for label in ("namespace", "probe", "kind")}, value)


def reconciles(result: str, values: str) -> Series:
    """Reconciles of the operator that ended so."""
    return Series("datalake_reconciles_total", OPERATOR | {"kind": "XCacheNode", "result": result}, values)


def rucio(check: str, value: float) -> Series:
    """A check of a Rucio."""
    return one("datalake_rucio_up", {**SERVER, "check": check}, value)


EXPIRY = "datalake_probe_certificate_expiry_timestamp_seconds"
CENTRAL = (probe("central_fault", 1, PROBE | {"probe": "another"}),)
STOPPED = (probe("suspended", 1),)
OLD = (probe("last_run_timestamp_seconds", 0), probe("stale_after_seconds", 2250))
FRESH = (Series("datalake_probe_last_run_timestamp_seconds", PROBE, "0+60x400"), probe("stale_after_seconds", 2250))
ELSEWHERE = {"namespace": "other"}
NO_DATABASE = (condition("DatabaseReachable", 0, RUCIO),)
NO_SERVER = (rucio("server", 0),)
NO_CACHE = (condition("Serving", 0, CACHE),)
EMPTY = (condition("Bootstrapped", 0, RUCIO),)


def held(of: Labels) -> tuple[Series, ...]:
    """spec.suspend of a resource."""
    return (condition("Suspended", 1, of),)


_PROBES = {
    "DatalakeControlPlaneDown": Case(
        fires=CENTRAL, at="5m", labels={"namespace": LAKE},
        quiet={
            "one control check fails": (
                probe("central_fault", 0),
                one("datalake_control_plane_up", {"namespace": LAKE, "probe": "mesh", "component": "gateway"}, 0),
            ),
        },
    ),
    "DatalakeEndpointCritical": Case(
        # Two probes know it, and the reason changes: that is one alert, and it does not begin anew.
        fires=(
            endpoint("PIC", 3, probe="other"),
            replace(endpoint("PIC", 2), values="2x6 _x400"),
            replace(endpoint("PIC", 2, reason="NoSpace", role="destination"), values="_x6 2x400"),
            *CENTRAL,  # of another probe, which hides nothing here
        ),
        at="10m", labels={"namespace": LAKE, "endpoint": "PIC"},
        quiet={
            "it is ok": (endpoint("PIC", 0),), "it is in maintenance": (endpoint("PIC", 5),),
            "it is unknown": (endpoint("PIC", 3),),
        },
        inhibited={"DatalakeControlPlaneDown": (probe("central_fault", 1),)},
    ),
    "DatalakePairCritical": Case(
        fires=(
            state(2), endpoint("IDIA", 2), *CENTRAL,
            endpoint("CERN", 2, **ELSEWHERE), probe("central_fault", 1, PROBE | ELSEWHERE),
        ),
        at="15m", labels=PAIR,
        quiet={f"state {value}": (state(value),) for value in (0, 1, 3, 4, 5, 6)},
        inhibited={
            "DatalakeEndpointCritical": (endpoint("PIC", 2),),
            "DatalakeControlPlaneDown": (probe("central_fault", 1),),
        },
    ),
    "DatalakePairUnknown": Case(
        fires=(state(3), *FRESH, probe("unmeasured_runs", 0)), at="1h", labels=PAIR,
        quiet={"it is critical": (state(2),), "it was not its turn yet": (state(4),)},
        inhibited={
            "DatalakeProbeStale": (probe("stale_after_seconds", -1),),
            "DatalakeProbeCannotRun": (probe("unmeasured_runs", 2),),
            "suspended": STOPPED, "DatalakeControlPlaneDown": CENTRAL,
        },
    ),
    "DatalakeProbeStale": Case(
        fires=OLD, at="49m", labels=PROBE,
        quiet={
            "it runs": FRESH,
            "it is new": (
                replace(probe("created_timestamp_seconds", 0), values="0+60x400"),
                probe("stale_after_seconds", 2250),
            ),
        },
        inhibited={"suspended": STOPPED, "DatalakeControlPlaneDown": CENTRAL},
    ),
    "DatalakeProbeCannotRun": Case(
        fires=(probe("unmeasured_runs", 2), *FRESH), at="1m", labels=PROBE,
        quiet={"once": (probe("unmeasured_runs", 1),)},
        inhibited={
            "DatalakeProbeStale": (probe("stale_after_seconds", -1),), "suspended": STOPPED,
            "DatalakeControlPlaneDown": CENTRAL,
        },
    ),
    "DatalakeCertificateExpires": Case(
        fires=(one(EXPIRY, TARGET, 13 * 86400),), at="10m", labels=TARGET,
        quiet={"it has a month": (one(EXPIRY, TARGET, 30 * 86400),)},
        inhibited={"suspended": (probe("suspended", 1, TARGET),)},
    ),
}  # fmt: skip

_OPERATOR = {
    "DatalakeOperatorAbsent": Case(
        fires=(), at="5m", labels={},
        quiet={"it is there": (one("datalake_build_info", OPERATOR | {"version": "1"}),)},
    ),
    "DatalakeOperatorWithoutLeader": Case(
        fires=(one("datalake_leader", OPERATOR, 0), one("datalake_leader", OPERATOR | {"pod": "o-2"}, 0)),
        at="5m", labels={name: OPERATOR[name] for name in ("namespace", "job")},
        quiet={
            "one of two leads": (
                one("datalake_leader", OPERATOR, 0), one("datalake_leader", OPERATOR | {"pod": "o-2"}, 1),
            ),
        },
    ),
    "DatalakeOperatorQueueStuck": Case(
        fires=(
            one("datalake_queue_depth", OPERATOR, 3), one("datalake_leader", OPERATOR),
            reconciles("ok", "7x400"),
        ),
        at="6m", labels=OPERATOR,
        quiet={
            "it stands by": (one("datalake_queue_depth", OPERATOR, 3), one("datalake_leader", OPERATOR, 0)),
            "the queue empties now and then": (
                Series("datalake_queue_depth", OPERATOR, "3 3 3 0 " * 90), one("datalake_leader", OPERATOR),
            ),
        },
        inhibited={"reconciles end": (reconciles("retry", "0+1x400"),)},
    ),
    "DatalakeReconcileErrors": Case(
        fires=(reconciles("error", "_x5 1+1x60"),),
        at="20m", labels={name: OPERATOR[name] for name in ("namespace", "job")} | {"kind": "XCacheNode"},
        quiet={"twice": (reconciles("error", "0 1 2 2x90"),), "retries": (reconciles("retry", "0+1x90"),)},
    ),
    "DatalakeResourceStalled": Case(
        fires=(condition("Stalled", 1, CACHE),), at="5m", labels=CACHE,
        quiet={"it is not": (condition("Stalled", 0, CACHE), condition("Ready", 0, CACHE))},
        inhibited={"suspended": held(CACHE)},
    ),
    "DatalakeResourceNotReady": Case(
        fires=(condition("Ready", 0, RUCIO), condition("Serving", 0, CACHE | {"name": "escape"})),
        at="30m", labels=RUCIO,
        quiet={"it is ready": (condition("Ready", 1, RUCIO),), "it is unknown": (condition("Ready", -1, RUCIO),)},
        inhibited={
            "DatalakeResourceStalled": (condition("Stalled", 1, RUCIO),), "DatalakeRucioServerDown": NO_SERVER,
            "DatalakeRucioDatabaseDown": NO_DATABASE, "suspended": held(RUCIO),
            "DatalakeCacheDown": (),  # of a cache: tested below, since this one is a Rucio
        },
    ),
}  # fmt: skip

_SERVICES = {
    "DatalakeCacheDown": Case(
        fires=NO_CACHE, at="5m", labels=CACHE,
        quiet={"it serves": (condition("Serving", 1, CACHE), condition("Ready", 0, CACHE))},
        inhibited={"suspended": held(CACHE)},
    ),
    "DatalakeCacheOriginUnreachable": Case(
        fires=(condition("OriginReachable", 0, CACHE), condition("Serving", 1, CACHE)), at="15m", labels=CACHE,
        quiet={"nobody knows": (condition("OriginReachable", -1, CACHE),)},
        inhibited={"DatalakeCacheDown": NO_CACHE, "suspended": held(CACHE)},
    ),
    "DatalakeCacheDiskFull": Case(
        fires=(
            one("xcache_disk_used_bytes", EXPORTER | {"space": "data", "disk": "a"}, 60),
            one("xcache_disk_used_bytes", EXPORTER | {"space": "data", "disk": "b"}, 40),
            one("xcache_watermark_bytes", EXPORTER | {"mark": "high"}, 95),
        ),
        at="30m", labels=EXPORTER,
        quiet={
            "meta does not count": (
                one("xcache_disk_used_bytes", EXPORTER | {"space": "data", "disk": "a"}, 60),
                one("xcache_disk_used_bytes", EXPORTER | {"space": "meta", "disk": "m"}, 60),
                one("xcache_watermark_bytes", EXPORTER | {"mark": "high"}, 95),
            ),
            "purging works": (
                Series("xcache_disk_used_bytes", EXPORTER | {"space": "data", "disk": "a"}, "100x20 80x20 100x20"),
                one("xcache_watermark_bytes", EXPORTER | {"mark": "high"}, 95),
            ),
        },
    ),
    "DatalakeCacheChecksumErrors": Case(
        fires=(Series("xcache_checksum_errors_total", EXPORTER, "0x10 1x60"),), at="20m", labels=EXPORTER,
        quiet={"long ago": (Series("xcache_checksum_errors_total", EXPORTER, "3x400"),)},
    ),
    "DatalakeRucioDatabaseDown": Case(
        fires=NO_DATABASE, at="5m", labels=RUCIO,
        quiet={"it answers": (condition("DatabaseReachable", 1, RUCIO), condition("Ready", 0, RUCIO))},
        inhibited={"suspended": held(RUCIO)},
    ),
    "DatalakeRucioServerDown": Case(
        fires=NO_SERVER, at="10m", labels=SERVER,
        quiet={"it answers": (rucio("server", 1), rucio("login", 0))},
        inhibited={"DatalakeRucioDatabaseDown": NO_DATABASE, "first installation": EMPTY, "suspended": held(RUCIO)},
    ),
    "DatalakeRucioLoginFails": Case(
        fires=(rucio("login", 0), rucio("server", 1)), at="15m", labels=SERVER,
        quiet={"it works": (rucio("login", 1), rucio("heartbeats", 0))},
        inhibited={
            "DatalakeRucioServerDown": (rucio("server", 0),), "DatalakeRucioDatabaseDown": NO_DATABASE,
            "first installation": EMPTY, "suspended": held(RUCIO),
        },
    ),
    "DatalakeRucioDaemonsSilent": Case(
        fires=(condition("DaemonsHealthy", 0, RUCIO),), at="15m", labels=RUCIO,
        quiet={"they beat": (condition("DaemonsHealthy", 1, RUCIO),)},
        inhibited={
            "DatalakeRucioServerDown": NO_SERVER, "DatalakeRucioDatabaseDown": NO_DATABASE, "suspended": held(RUCIO),
        },
    ),
    "DatalakeRucioBackupOld": Case(
        fires=(condition("BackupFresh", 0, RUCIO),), at="1h", labels=RUCIO,
        quiet={"it is young": (condition("BackupFresh", 1, RUCIO),)},
        inhibited={"suspended": held(RUCIO)},
    ),
}  # fmt: skip

CASES: Mapping[str, Case] = _PROBES | _OPERATOR | _SERVICES
"""By the name of the alert."""


def without_honor_labels(series: Series) -> Series:
    """The series as a Prometheus keeps it that was not asked to honour labels: its own namespace wins."""
    if not series.of_resource:
        return series
    return replace(series, labels=renamed(series.labels) | {"namespace": OPERATOR["namespace"]})


def renamed(labels: Labels) -> dict[str, str]:
    """Labels of which Prometheus keeps the namespace under another name."""
    return {f"exported_{name}" if name == "namespace" else name: value for name, value in labels.items()}
