"""Panels of Grafana that need no plug-in, as the dashboard uses them."""

from collections.abc import Iterable, Mapping
from typing import Any

from datalake_operator.metrics.probes import STATES

Panel = dict[str, Any]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
"""Columns of a dashboard."""

_LOOKS: Mapping[str, tuple[str, str, str]] = {
    "ok": ("✔", "ok", "#2e7d32"),
    "warning": ("▲", "warning", "#f9a825"),
    "critical": ("✖", "critical", "#c62828"),
    "unknown": ("?", "unknown", "#757575"),
    "notrun": ("·", "not run", "#bdbdbd"),
    "maintenance": ("⚒", "maintenance", "#1565c0"),
    "skipped": ("↷", "skipped", "#9e9e9e"),
}
"""Symbol, word and colour of a state: who cannot tell red from green reads the symbol."""


def states() -> list[dict[str, Any]]:
    """Value mappings of states."""
    return _mapping({STATES[state]: (f"{symbol} {word}", colour) for state, (symbol, word, colour) in _LOOKS.items()})


def yes_no(yes: str = "✔ yes", no: str = "✖ no", unknown: str = "? unknown") -> list[dict[str, Any]]:
    """Value mappings of 1, 0 and -1."""
    return _mapping({1: (yes, "#2e7d32"), 0: (no, "#c62828"), -1: (unknown, "#757575")})


def _mapping(texts: Mapping[int, tuple[str, str]]) -> list[dict[str, Any]]:
    options = {
        str(value): {"index": index, "text": text, "color": colour}
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return [{"type": "value", "options": options}]


def target(expr: str, legend: str = "", *, table: bool = False, ref: str = "A") -> dict[str, Any]:
    """One query; as a table it is asked for the newest values only."""
    shape = {"format": "table", "instant": True, "range": False} if table else {"legendFormat": legend, "range": True}
    return {"datasource": SOURCE, "refId": ref, "expr": expr, **shape}


def row(title: str) -> Panel:
    """A heading over all that follows."""
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": WIDTH, "h": 1}}


def panel(
    kind: str,
    title: str,
    targets: Iterable[dict[str, Any]],
    description: str,
    *,
    width: int = 12,
    height: int = 8,
    unit: str = "none",
    **more: Any,
) -> Panel:
    """One panel.

    Args:
        kind: Grafana's name of its type.
        title: what it shows.
        targets: its queries.
        description: how to read it.
        width: in columns, of 24.
        height: in rows.
        unit: Grafana's name of the unit.
        more: `mappings`, `custom`, `overrides`, `options`, `transformations`, `repeat`, `thresholds`.
    """
    fields = {name: more.pop(name) for name in ("mappings", "custom", "thresholds") if name in more}
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": {"w": width, "h": height},
        "targets": list(targets),
        "fieldConfig": {"defaults": {"unit": unit, **fields}, "overrides": more.pop("overrides", [])},
        "options": {},
        **more,
    }


def history(title: str, expr: str, legend: str, description: str, mappings: list[dict[str, Any]], **more: Any) -> Panel:
    """States over time, one line each."""
    return panel(
        "state-timeline", title, [target(expr, legend)], description, mappings=mappings,
        custom={"fillOpacity": 85, "lineWidth": 0},
        options={"showValue": "never", "mergeValues": True, "rowHeight": 0.85},
        **more,
    )  # fmt: skip


def lines(title: str, expr: str, legend: str, description: str, **more: Any) -> Panel:
    """Figures over time."""
    return panel("timeseries", title, [target(expr, legend)], description, **more)


def matrix(title: str, expr: str, description: str, **more: Any) -> Panel:
    """States of sources (rows) and destinations (columns)."""
    turned = {"rowField": "source", "columnField": "destination", "valueField": "Value"}
    return panel(
        "table", title, [target(expr, table=True)], description, mappings=states(), width=WIDTH,
        custom={"cellOptions": {"type": "color-background", "mode": "basic"}, "align": "center"},
        transformations=[{"id": "groupingToMatrix", "options": turned}],
        **more,
    )  # fmt: skip


def table(title: str, columns: Mapping[str, str], description: str, **more: Any) -> Panel:
    """One line for each set of labels.

    Args:
        title: what it shows.
        columns: expression of each column, by its heading.
        description: how to read it.
        more: as for `panel`; `shown` gives overrides of a column's field by heading.
    """
    names = dict(zip("ABCDEFGH", columns, strict=False))
    fields = {f"Value #{ref}" if len(names) > 1 else "Value": heading for ref, heading in names.items()}
    shown = more.pop("shown", {})
    overrides = [
        {
            "matcher": {"id": "byName", "options": heading},
            "properties": [{"id": name, "value": value} for name, value in properties.items()],
        }
        for heading, properties in shown.items()
    ]
    tidy = {"excludeByName": {"Time": True}, "renameByName": fields}
    return panel(
        "table", title,
        [target(expr, table=True, ref=ref) for ref, expr in zip(names, columns.values(), strict=True)],
        description, overrides=overrides,
        transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": tidy}],
        **more,
    )  # fmt: skip


COLOURED = {"custom.cellOptions": {"type": "color-background", "mode": "basic"}}
"""Override of a column whose mapping has colours."""
