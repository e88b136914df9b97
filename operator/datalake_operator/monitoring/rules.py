"""Recording and alert rules, as one file of Prometheus."""

from typing import Any

from datalake_operator.monitoring import probes, services
from datalake_operator.monitoring.rule import CELL, PROBE, Alert

ALERTS: tuple[Alert, ...] = (*probes.ALERTS, *services.OPERATOR, *services.CACHES, *services.RUCIO)


def _grown(results: str, window: str) -> str:
    """How often runs of each cell ended so in a window.

    `increase` starts anew with each pod of the operator and misses the run with which a series begins. The counters
    come from status and never fall, whatever pod tells them; so the newest value less the oldest one is exact.
    """
    newest = f'sum without (result) (datalake_probe_runs_total{{result=~"{results}"}})'
    oldest = f'sum without (result) (min_over_time(datalake_probe_runs_total{{result=~"{results}"}}[{window}]))'
    return f"(max by ({CELL}) ({newest}) - min by ({CELL}) ({oldest}))"


RECORDS = (
    {
        "record": "pair:datalake_probe_success:ratio6h",
        "expr": f"{_grown('ok', '6h')}\n/ ({_grown('ok|bad', '6h')} > 0)",
    },
    {
        "record": "probe:datalake_probe_staleness:seconds",
        "expr": f"time() - max by ({PROBE}) (datalake_probe_last_run_timestamp_seconds)",
    },
    {
        "record": "cache:xcache_hit:ratio1h",
        "expr": (
            "1 - sum by (namespace, job, pod) (rate(xcache_origin_read_bytes_total[1h]))\n"
            "/ (sum by (namespace, job, pod) (rate(xcache_served_bytes_total[1h])) > 0)"
        ),
    },
)
"""Ratios that a dashboard asks for again and again; nothing where nothing was measured or served."""


def groups() -> list[dict[str, Any]]:
    """The groups of the file, in the order of evaluation."""
    return [
        {"name": "datalake.records", "interval": "1m", "rules": list(RECORDS)},
        {"name": "datalake.probes", "rules": [alert.rule() for alert in probes.ALERTS]},
        {"name": "datalake.operator", "rules": [alert.rule() for alert in services.OPERATOR]},
        {"name": "datalake.caches", "rules": [alert.rule() for alert in services.CACHES]},
        {"name": "datalake.rucio", "rules": [alert.rule() for alert in services.RUCIO]},
    ]
