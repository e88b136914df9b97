"""Pure: the model of the page from what is known of probes, caches and servers. It is the JSON of the overview."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from datalake_operator.web import words
from datalake_operator.web.headline import headline
from datalake_operator.web.probe import TYPES, Probe, blamed_as, present
from datalake_operator.web.problems import problems

Row = Mapping[str, Any]


def overview(probes: Sequence[Probe], caches: Sequence[Row], servers: Sequence[Row]) -> dict[str, Any]:
    """Give the whole model: what the page draws, and what `/api/v1/overview` answers.

    Args:
        probes: sorted by namespace and name.
        caches: rows of `operands.cache`.
        servers: rows of `operands.server`.
    """
    wrong = problems(probes, caches, servers)
    states = [cell["state"] for probe in probes for cell in probe.cells]
    reasons = {cell.get("reason") for probe in probes for cell in (*probe.cells, *probe.blamed)}
    return {
        "headline": headline(wrong, probes, caches, servers),
        "counts": {state: states.count(state) for state in words.STATES},
        "problems": wrong,
        "grids": [grid for namespace in namespaces(probes) if (grid := _grid(namespace, probes))],
        "targets": targets(probes),
        "caches": list(caches),
        "servers": list(servers),
        "probes": [probe.facts for probe in probes],
        "reasons": {reason: words.phrase(reason) for reason in sorted(filter(None, reasons))},
    }


def namespaces(probes: Iterable[Probe]) -> list[str]:
    """Give the namespaces that have probes. Names of endpoints mean the same thing within one of them only."""
    return sorted({probe.namespace for probe in probes})


def _grid(namespace: str, probes: Iterable[Probe]) -> dict[str, Any] | None:
    """Give the grid of a namespace, None where no probe of it measures links."""
    ours = [probe for probe in probes if probe.namespace == namespace]
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for probe in ours:
        for cell in probe.cells:
            if "destination" in cell:
                cells.setdefault((cell["source"], cell["destination"]), []).append(part(probe, cell))
    if not cells:
        return None
    sites = sites_of(ours)
    rows = sorted({source for source, _ in cells}, key=lambda name: (sites.get(name, ""), name))
    columns = sorted({destination for _, destination in cells}, key=lambda name: (sites.get(name, ""), name))
    row_at = {name: place for place, name in enumerate(rows)}
    column_at = {name: place for place, name in enumerate(columns)}
    for parts in cells.values():
        parts.sort(key=_part_order)
    return {
        "namespace": namespace,
        "rows": [_header(name, sites, ours, "source") for name in rows],
        "columns": [_header(name, sites, ours, "destination") for name in columns],
        "cells": [
            {"row": row_at[source], "column": column_at[destination], "parts": parts}
            for (source, destination), parts in sorted(
                cells.items(), key=lambda item: (row_at[item[0][0]], column_at[item[0][1]])
            )
        ],
    }


def sites_of(probes: Iterable[Probe]) -> dict[str, str]:
    """Give the site of each endpoint; where probes contradict each other, what the first of them says."""
    sites: dict[str, str] = {}
    for probe in probes:
        for name, site in probe.sites.items():
            sites.setdefault(name, site)
    return sites


def part(probe: Probe, cell: Mapping[str, Any]) -> dict[str, Any]:
    """Give a part of a cell: what one probe says of it for one protocol."""
    rest = {name: value for name, value in cell.items() if name not in ("source", "destination")}
    return {"probe": probe.name, **rest}


def _part_order(part: Mapping[str, Any]) -> tuple[str, str]:
    return part.get("protocol", ""), part["probe"]


def _header(name: str, sites: Mapping[str, str], probes: Iterable[Probe], role: str) -> dict[str, Any]:
    said = [one for probe in probes for one in blamed_as(probe, role, "both") if one["name"] == name]
    worst = min(said, key=lambda one: (words.rank(one["state"]), one.get("since", "")), default=None)
    blame = {} if worst is None else {key: worst[key] for key in ("state", "reason", "since", "role") if key in worst}
    return present(name=name, site=sites.get(name), **blame)


def targets(probes: Sequence[Probe]) -> list[dict[str, Any]]:
    """Give everything that is checked alone, by what it is checked for: groups of rows, each with its parts.

    The own checks that a mesh makes of its endpoints stand with those of storage probes.
    """
    groups: dict[str, dict[tuple[str, str], list[dict[str, Any]]]] = {}
    for probe in probes:
        for cell in probe.cells:
            if "destination" not in cell:
                group = "storage" if probe.type == "transfer" else probe.type
                row = groups.setdefault(group, {}).setdefault((probe.namespace, cell["source"]), [])
                row.append(part(probe, cell))
    sites = {namespace: sites_of(p for p in probes if p.namespace == namespace) for namespace in namespaces(probes)}
    return [
        {
            "group": group,
            "rows": [
                present(
                    namespace=namespace,
                    name=name,
                    site=sites[namespace].get(name),
                    parts=sorted(parts, key=_part_order),
                )
                for (namespace, name), parts in sorted(
                    groups[group].items(), key=lambda item: (item[0][0], sites[item[0][0]].get(item[0][1], ""), item[0])
                )
            ],
        }
        for group in TYPES
        if group in groups
    ]
