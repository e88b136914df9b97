"""The dashboard of Grafana: the grid, its history, and what stands behind it."""

from collections.abc import Iterable
from typing import Any

from datalake_operator.monitoring.panels import (
    COLOURED,
    SOURCE,
    WIDTH,
    Panel,
    history,
    lines,
    matrix,
    panel,
    row,
    states,
    table,
    target,
    yes_no,
)

_CELLS = 'namespace=~"$namespace",probe=~"$probe",protocol=~"$protocol"'
_PROBES = 'namespace=~"$namespace",probe=~"$probe"'
_THERE = 'namespace=~"$namespace"'
_CELL = "namespace, probe, source, destination, protocol"
_CELL_NAME = "{{source}} {{destination}} {{protocol}}"
_RUCIO = "{{namespace}}/{{name}}"
_FAILURES = f"datalake_probe_failures_total{{{_PROBES}}}"
_EXPIRY = f"datalake_probe_certificate_expiry_timestamp_seconds{{{_CELLS}}}"
_TIME = {"unit": "s"}


def dashboard() -> dict[str, Any]:
    """The dashboard, as Grafana imports it."""
    return {
        "uid": "datalake-grid",
        "title": "Data lake",
        "description": "What QoSProbes measure, and the caches and Rucio servers behind it.",
        "tags": ["datalake"],
        "schemaVersion": 38,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "templating": {"list": _variables()},
        "panels": _placed([*_grid(), *_measured(), *_health(), *_caches(), *_rucio(), *_operator()]),
    }


def queries() -> dict[str, str]:
    """Every query of every panel, by title and letter."""
    return {
        f"{one['title']} {asked['refId']}": asked["expr"]
        for one in dashboard()["panels"]
        for asked in one.get("targets", ())
    }


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        _variable("namespace", "label_values(datalake_resource_condition, namespace)"),
        _variable("probe", f"label_values(datalake_probe_suspended{{{_THERE}}}, probe)"),
        _variable("mesh", f'label_values(datalake_probe_state{{{_PROBES},destination!=""}}, probe)', hide=2),
        _variable("protocol", f"label_values(datalake_probe_state{{{_PROBES}}}, protocol)"),
    ]


def _variable(name: str, query: str, hide: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "sort": 1,
        "hide": hide,
    }


def _grid() -> list[Panel]:
    return [
        row("The grid"),
        panel(
            "stat", "Cells by state",
            [target(f"sum by (state) (datalake_probe_matrix_cells{{{_PROBES}}})", "{{state}}")],
            "How many cells of all probes are in each state.", width=12, height=4,
        ),
        panel(
            "stat", "Our own fault", [target(f"max(datalake_probe_central_fault{{{_THERE}}})", "central fault")],
            "Yes: nothing can be judged, as what probes need themselves (DNS, API server, control targets) is broken.",
            width=4, height=4, mappings=yes_no("✖ yes: everything is unknown", "✔ no"),
        ),
        panel(
            "stat", "Control checks",
            [target(f"min by (component) (datalake_control_plane_up{{{_PROBES}}})", "{{component}}")],
            "What must work for any verdict.", width=8, height=4, mappings=yes_no("✔ works", "✖ fails"),
        ),
        matrix(
            "$mesh: sources (rows) to destinations (columns)",
            _worst('datalake_probe_state{namespace=~"$namespace",probe=~"$mesh",protocol=~"$protocol",destination!=""}'),
            "State of each pair; the worst one of the protocols that are chosen.",
            height=10, repeat="mesh", repeatDirection="h", maxPerRow=2,
        ),
        table(
            "Endpoints that are blamed",
            {"state": f"max by (namespace, endpoint, role, reason) (datalake_endpoint_state{{{_PROBES}}}) > 0"},
            "The fault is at the endpoint itself, as its own check or nearly all of its transfers tell.",
            mappings=states(), shown={"state": COLOURED},
        ),
        table(
            "Single targets and endpoints alone",
            {"state": f'max by (probe, kind, source, protocol) (datalake_probe_state{{{_CELLS},destination=""}})'},
            "What is measured without a partner: addresses, storage, caches, Rucio.",
            mappings=states(), shown={"state": COLOURED},
        ),
        history(
            "State history",
            f"max by ({_CELL}) (datalake_probe_state{{{_CELLS}}})\n"
            f"and max by ({_CELL}) (max_over_time(datalake_probe_state{{{_CELLS}}}[$__range])) > 0",
            _CELL_NAME, "Cells that were not ok all the time that is shown.", states(), width=WIDTH, height=10,
        ),
    ]  # fmt: skip


def _worst(series: str) -> str:
    """The worst state of a pair over its protocols: the numbers of states are names, not an order."""
    by = "max by (source, destination)"
    return f"{by} ({series} == 2)\nor {by} ({series} == 1)\nor {by} ({series} == 3)\nor {by} ({series})"


def _grown(counter: str, by: str) -> str:
    """How much a counter of probes has grown in the time that is shown.

    A reason has no series before its first failure, and `increase` would miss that one. So the whole of a series counts
    that was not there at the beginning while its probe was; without the probe the least that was seen is taken off.
    """
    now = f"max by ({by}) ({counter})"
    known = f"max by (namespace, probe) (datalake_probe_suspended{{{_PROBES}}} offset $__range)"
    return (
        f"({now} - max by ({by}) ({counter} offset $__range))\n"
        f"or ({now} and on (namespace, probe) {known})\n"
        f"or ({now} - min by ({by}) (min_over_time({counter}[$__range])))"
    )


def _measured() -> list[Panel]:
    return [
        row("Measurements"),
        lines(
            "Throughput, the ten slowest",
            f"bottomk(10, max by ({_CELL}) (datalake_probe_throughput_bytes_per_second{{{_CELLS}}}))",
            _CELL_NAME, "Of the last run of each pair.", unit="Bps",
        ),
        lines(
            "Success over 6 hours, the ten worst",
            f"bottomk(10, pair:datalake_probe_success:ratio6h{{{_CELLS}}})",
            _CELL_NAME, "Good runs among those that gave a result.", unit="percentunit",
        ),
        panel(
            "barchart", "Failures by reason, in the time that is shown",
            [target(f"sum by (reason) ({_grown(_FAILURES, 'namespace, probe, reason')})", table=True)],
            "Results that were not good, whatever the verdict made of them.", options={"xField": "reason"},
        ),
        lines(
            "Duration, the ten slowest",
            f"topk(10, max by ({_CELL}, operation) (datalake_probe_operation_duration_seconds{{{_CELLS}}}))",
            f"{_CELL_NAME} {{{{operation}}}}", "Of the last run.", unit="s",
        ),
        table(
            "Certificates",
            {"ends in": f"min by (probe, source) ({_EXPIRY}) - time()"},
            "Time until the certificate that a target showed ends.", shown={"ends in": _TIME},
        ),
        lines(
            "Speed-up of a read that the cache has",
            f"max by (namespace, probe, source) (datalake_cache_warm_speedup_ratio{{{_PROBES}}})",
            "{{source}}", "Cold over warm time; about 1 means that the cache does not help.", unit="x",
        ),
    ]  # fmt: skip


def _health() -> list[Panel]:
    by = "namespace, probe, kind"
    return [
        row("Health of the probes"),
        table(
            "Probes",
            {
                "last run": f"time() - max by ({by}) (datalake_probe_last_run_timestamp_seconds{{{_PROBES}}})",
                "interval": f"max by ({by}) (datalake_probe_interval_seconds{{{_PROBES}}})",
                "runs without result": f"max by ({by}) (datalake_probe_unmeasured_runs{{{_PROBES}}})",
                "suspended": f"max by ({by}) (datalake_probe_suspended{{{_PROBES}}})",
            },
            "Whether probes run as they should: an old last run makes their cells unknown.",
            width=WIDTH, shown={"last run": _TIME, "interval": _TIME, "suspended": {"mappings": yes_no("yes", "no")}},
        ),
    ]  # fmt: skip


def _caches() -> list[Panel]:
    condition = f'datalake_resource_condition{{{_THERE},kind="XCacheNode",type=~"Ready|Serving|OriginReachable"}}'
    pod = "namespace, job, pod, instance"
    return [
        row("Caches"),
        history(
            "State of caches", f"max by (namespace, name, type) ({condition})", f"{_RUCIO} {{{{type}}}}",
            "Conditions of each XCacheNode.", yes_no(),
        ),
        lines(
            "Bytes from the cache", "cache:xcache_hit:ratio1h", "{{namespace}}/{{pod}}",
            "Share of the bytes that clients got that did not come from the origin, over an hour.", unit="percentunit",
        ),
        lines(
            "Bytes served", f"sum by ({pod}) (rate(xcache_served_bytes_total[$__rate_interval]))",
            "{{namespace}}/{{pod}}", "To clients.", unit="Bps",
        ),
        lines(
            "Disk used, of the high watermark",
            f'sum by ({pod}) (xcache_disk_used_bytes{{space="data"}})\n'
            f'/ on ({pod}) max by ({pod}) (xcache_watermark_bytes{{mark="high"}})',
            "{{namespace}}/{{pod}}", "Purging begins at 100 %.", unit="percentunit",
        ),
    ]  # fmt: skip


def _rucio() -> list[Panel]:
    return [
        row("Rucio"),
        history(
            "Checks of Rucio", f"max by (namespace, name, check) (datalake_rucio_up{{{_THERE}}})",
            f"{_RUCIO} {{{{check}}}}",
            "Server answers, database is reached, login works, heartbeats can be read.", yes_no("✔ works", "✖ fails"),
        ),
        lines(
            "Age of heartbeats", f"max by (namespace, name, daemon) (datalake_rucio_heartbeat_age_seconds{{{_THERE}}})",
            f"{_RUCIO} {{{{daemon}}}}", "Of the pod of each daemon that is worst off.", unit="s",
        ),
        lines(
            "Latency", f"max by (namespace, name, request) (datalake_rucio_api_latency_seconds{{{_THERE}}})",
            f"{_RUCIO} {{{{request}}}}", "Of the operator's last request.", unit="s",
        ),
        lines(
            "Age of the newest dump", f"max by (namespace, name) (datalake_rucio_backup_age_seconds{{{_THERE}}})",
            _RUCIO, "Of the database.", unit="s",
        ),
    ]  # fmt: skip


def _operator() -> list[Panel]:
    return [
        row("The operator"),
        panel(
            "stat", "Resources by Ready", [target("max by (kind, ready) (datalake_resources)", "{{kind}} {{ready}}")],
            "As the leader sees them.", width=8, height=6,
        ),
        lines("Queue", "max by (job) (datalake_queue_depth)", "{{job}}", "Resources that wait.", width=8, height=6),
        lines(
            "Reconciles", "sum by (kind, result) (rate(datalake_reconciles_total[$__rate_interval]))",
            "{{kind}} {{result}}", "Errors are the operator's own fault.", width=8, height=6, unit="ops",
        ),
    ]  # fmt: skip


def _placed(panels: Iterable[Panel]) -> list[Panel]:
    """Number the panels and put them side by side, each line as high as its highest."""
    placed: list[Panel] = []
    x = y = height = 0
    for number, one in enumerate(panels, start=1):
        size = one["gridPos"]
        if x + size["w"] > WIDTH:
            x, y, height = 0, y + height, 0
        placed.append({"id": number, **one, "gridPos": {"x": x, "y": y, **size}})
        x, height = x + size["w"], max(height, size["h"])
    return placed
