"""Bodies of custom resources as the API server would hold them, for whoever only reads them: the page and its JSON."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from datalake_operator.web import Bodies, Ref

Body = dict[str, Any]

GOOD = "o" * 20


def at(minutes: float) -> str:
    """Give the time so many minutes ago."""
    return (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def endpoint(name: str, site: str | None = None, protocols: Iterable[str] = ("root",), **more: Any) -> Body:
    """Give an endpoint of spec.endpoints."""
    host = f"{name.lower()}.example.org"
    ports = {"root": 1094, "roots": 1094, "http": 8080, "https": 443, "davs": 443}
    urls = [{"protocol": one, "url": f"{one}://{host}:{ports[one]}//data/probe"} for one in protocols]
    return {"name": name, "site": site or name, "urls": urls, "access": "ReadWrite", "ipFamily": "Any", **more}


def cell(
    source: str, destination: str | None = None, protocol: str | None = None, state: str = "ok", **more: Any
) -> Body:
    """Give a cell of status.cells."""
    runs = {
        "ok": GOOD,
        "critical": "o" * 18 + "xx",
        "skipped": "o" * 18 + "--",
        "notrun": "",
        "unknown": "o" * 18 + "??",
    }
    found = {
        "source": source, "destination": destination, "protocol": protocol, "state": state,
        "since": at(37), "runs": runs.get(state, GOOD), **more,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def figures(**values: str) -> list[Body]:
    """Give measurements of a cell."""
    return [{"name": name, "value": value} for name, value in values.items()]


def probe(
    name: str,
    check: Mapping[str, Any],
    cells: Iterable[Body] = (),
    *,
    namespace: str = "lake",
    version: int = 1,
    **more: Any,
) -> Body:
    """Give a QoSProbe; `more`: endpoints, blamed, conditions, spec, status."""
    cells = list(cells)
    order = ["critical", "warning", "unknown", "maintenance", "skipped", "notrun", "ok"]
    states = {one["state"] for one in cells}
    conditions = more.get("conditions", [condition("Ready", "True", "Scheduled", "runs every 15m")])
    return {
        "apiVersion": "datalake.projectescape.eu/v1alpha1",
        "kind": "QoSProbe",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"{namespace}-{name}",
            "resourceVersion": str(version),
        },
        "spec": {"interval": "15m", "endpoints": more.get("endpoints", []), **check, **more.get("spec", {})},
        "status": {
            "state": next((state for state in order if state in states), "notrun"),
            "interval": "15m",
            "lastRun": {"id": "r20", "startTime": at(7), "completionTime": at(5), "result": "ok"},
            "runs": [{"id": f"r{run}", "time": at(7 + 15 * (20 - run)), "result": "ok"} for run in range(1, 21)],
            "endpoints": more.get("blamed", []),
            "cells": cells,
            "conditions": conditions,
            **more.get("status", {}),
        },
    }


def condition(type_: str, status: str, reason: str, message: str = "", minutes: float = 37) -> Body:
    """Give a condition that holds for so many minutes."""
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": at(minutes)}


def operand(kind: str, name: str, ready: str = "True", reason: str = "Serving", message: str = "", **more: Any) -> Body:
    """Give an XCacheNode or a RucioServer; `more`: conditions, spec, status."""
    return {
        "apiVersion": "datalake.projectescape.eu/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "lake", "uid": name, "resourceVersion": "1"},
        "spec": more.get("spec", {}),
        "status": {
            "conditions": [condition("Ready", ready, reason, message), *more.get("conditions", ())],
            **more.get("status", {}),
        },
    }


def bodies(found: Iterable[Mapping[str, Any]]) -> Bodies:
    """Give resources as the page is handed them; a list may be changed in place."""

    def known() -> dict[Ref, Mapping[str, Any]]:
        return {Ref(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]): one for one in found}

    return Bodies(
        versions=lambda: [(ref, int(one["metadata"]["resourceVersion"])) for ref, one in known().items()],
        get=lambda ref: known().get(ref),
    )


SITES = ("CERN", "PIC", "DESY", "SARA", "LAPP", "CNAF", "IN2P3", "RAL")


def mesh(
    name: str = "mesh",
    count: int = 8,
    protocols: tuple[str, ...] = ("root", "davs"),
    broken: str | None = None,
    **more: Any,
) -> Body:
    """Give a full mesh, in which one endpoint refuses connections where one is named."""
    names = [f"{SITES[place % len(SITES)]}-{place + 1:02d}" for place in range(count)]
    cells = []
    for source in names:
        down = {"state": "critical", "reason": "Refused"} if source == broken else {}
        cells += [cell(source, None, one, **down) for one in protocols]
        for destination in names:
            if source == destination:
                continue
            for place, protocol in enumerate(protocols):
                speed = 90 + (len(cells) * 37 + place * 11) % 60
                figures = [
                    {"name": "throughput_bytes_per_second", "value": f"{speed}e6"},
                    {"name": "seconds", "value": "1.1"},
                ]
                left = (
                    {"state": "skipped", "reason": "Refused"}
                    if broken in (source, destination)
                    else {"measurements": figures}
                )
                cells.append(cell(source, destination, protocol, **left))
    blamed = (
        [{"name": broken, "role": "both", "state": "critical", "reason": "Refused", "since": at(37)}] if broken else []
    )
    return probe(
        name, {"transfer": {"sources": names, "destinations": names}}, cells, blamed=blamed,
        endpoints=[endpoint(one, one.split("-")[0], protocols) for one in names], **more,
    )  # fmt: skip


def put(body: Body, source: str, destination: str | None, protocol: str | None, **fields: Any) -> None:
    """Change one cell of a probe."""
    for one in body["status"]["cells"]:
        if (one["source"], one.get("destination"), one.get("protocol")) == (source, destination, protocol):
            one.update(fields)
            return
    raise KeyError((source, destination, protocol))


def crowded() -> list[Body]:
    """Give as many probes as one operator is meant for: 200, one of them a mesh of 40 x 40 over two protocols."""
    names = [f"storage-{place}" for place in range(10)]
    small = [
        probe(
            f"probe-{number:03d}",
            {"storage": {"endpoints": names}},
            [cell(name, None, "root", measurements=figures(seconds="0.2")) for name in names],
            endpoints=[endpoint(name) for name in names],
        )
        for number in range(199)
    ]
    return [mesh(count=40, broken="PIC-02"), *small]
