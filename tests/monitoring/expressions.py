"""Queries of rules and of the dashboard, as somebody would ask them."""

import re
from collections.abc import Iterator

from datalake_operator.monitoring.dashboard import queries
from datalake_operator.monitoring.rules import ALERTS, RECORDS

_SELECTOR = re.compile(r"\b((?:datalake|xcache|rucio|pair:|probe:|cache:)[a-z0-9_:]*)(\{[^}]*\})?")
_CHOSEN = {
    "$__rate_interval": "1m",
    "$__range": "5m",
    "$namespace": ".*",
    "$probe": ".*",
    "$mesh": ".*",
    "$protocol": ".*",
}


def of_dashboard() -> dict[str, str]:
    """Query by panel, with everything chosen."""
    return {title: _filled(expr) for title, expr in queries().items()}


def of_records() -> dict[str, str]:
    """Expression by the name of its recording rule."""
    return {rule["record"]: rule["expr"] for rule in RECORDS}


def of_alerts() -> dict[str, str]:
    """Expression by the name of its alert."""
    return {alert.name: alert.query for alert in ALERTS}


def selectors(expr: str) -> Iterator[str]:
    """Each series that an expression reads, by name and labels."""
    for name, labels in _SELECTOR.findall(expr):
        yield f"{name}{labels}"


def names(expr: str) -> Iterator[str]:
    """Name of each series that an expression reads."""
    for name, _ in _SELECTOR.findall(expr):
        yield name


def _filled(expr: str) -> str:
    for name, value in _CHOSEN.items():
        expr = expr.replace(name, value)
    return expr
