"""Series of probes: their families, and their text.

A mesh of 40 x 40 has more than ten thousand samples, which prometheus_client would make into objects at each scrape. So
the text of one probe is written once for each version of its resource, and a scrape only joins texts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias

Sample: TypeAlias = tuple[str, tuple[str, ...], float]
"""Name of a family, values of its labels in the family's order, and the value."""
Page: TypeAlias = Mapping[str, bytes]
"""Text of the samples of one probe, by name of the family."""


@dataclass(frozen=True)
class Family:
    """What is said once of all samples of a name."""

    type: Literal["gauge", "counter"]
    labels: tuple[str, ...]
    help: str


STATES: Mapping[str, int] = {
    "ok": 0,
    "warning": 1,
    "critical": 2,
    "unknown": 3,
    "notrun": 4,
    "maintenance": 5,
    "skipped": 6,
}
"""Value of a state in `datalake_probe_state` and `datalake_endpoint_state`."""

PROBE = ("namespace", "probe", "kind")
"""Labels of a probe; `kind` is what it measures: tcp, http, storage, transfer, cache, rucio, custom."""
CELL = (*PROBE, "source", "destination", "protocol")
"""Labels of a cell of the grid; destination and protocol are empty where it has none."""

_VALUES = "0 ok, 1 warning, 2 critical, 3 unknown, 4 not run, 5 maintenance, 6 skipped."


def _gauge(labels: tuple[str, ...], text: str) -> Family:
    return Family("gauge", labels, text)


FAMILIES: Mapping[str, Family] = {
    "datalake_probe_state": _gauge(CELL, f"State of a cell after all judges: {_VALUES}"),
    "datalake_probe_success": _gauge(CELL, "1 where the last run that measured the cell found it good, else 0."),
    "datalake_probe_runs_total": Family("counter", (*CELL, "result"), "Runs of a cell: ok, bad, skipped or unknown."),
    "datalake_probe_failures_total": Family("counter", (*PROBE, "reason"), "Results of cells that were not good."),
    "datalake_probe_operation_duration_seconds": _gauge((*CELL, "operation"), "Duration in the last run."),
    "datalake_probe_throughput_bytes_per_second": _gauge(CELL, "Throughput in the last run."),
    "datalake_probe_certificate_expiry_timestamp_seconds": _gauge(
        CELL, "When the certificate that the target showed in the last run ends."
    ),
    "datalake_cache_warm_speedup_ratio": _gauge(CELL, "Cold over warm time of a read through the cache."),
    "datalake_probe_measurement": _gauge((*CELL, "measurement"), "Any other figure of the last run."),
    "datalake_probe_matrix_cells": _gauge((*PROBE, "state"), "Cells by state."),
    "datalake_probe_last_run_timestamp_seconds": _gauge(PROBE, "When the last run ended."),
    "datalake_probe_last_success_timestamp_seconds": _gauge(PROBE, "When the last run with a good cell ended."),
    "datalake_probe_created_timestamp_seconds": _gauge(PROBE, "When the QoSProbe was made."),
    "datalake_probe_interval_seconds": _gauge(PROBE, "Largest time between two runs that the schedule has."),
    "datalake_probe_pair_interval_seconds": _gauge(PROBE, "Time between two runs of one pair, where pairs take turns."),
    "datalake_probe_stale_after_seconds": _gauge(PROBE, "Age at which the last run is not believed any more."),
    "datalake_probe_suspended": _gauge(PROBE, "1 where spec.suspend is true, else 0."),
    "datalake_probe_unmeasured_runs": _gauge(PROBE, "Last runs in a row that could not measure anything."),
    "datalake_probe_central_fault": _gauge(PROBE, "1 where nothing can be judged, by a fault of our own, else 0."),
    "datalake_probe_threshold": _gauge((*PROBE, "measurement", "severity"), "Limit of a measurement, from the spec."),
    "datalake_endpoint_state": _gauge(
        ("namespace", "probe", "endpoint", "role", "reason"), f"State of an endpoint, by blame: {_VALUES}"
    ),
    "datalake_control_plane_up": _gauge(
        ("namespace", "probe", "component"), "1 where a control check passed in the last run, else 0."
    ),
}
"""Every family, in the order of the exposition."""

_HEADERS = {
    name: f"# HELP {name} {family.help}\n# TYPE {name} {family.type}\n".encode() for name, family in FAMILIES.items()
}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def write(samples: Iterable[Sample]) -> Page:
    """Write the text of one probe.

    Raises:
        KeyError: a family is unknown.
        ValueError: a sample has more or fewer labels than its family.
    """
    lines: dict[str, list[str]] = {}
    for name, values, value in samples:
        labels = ",".join(
            [f'{label}="{said.translate(_ESCAPES)}"' for label, said in zip(FAMILIES[name].labels, values, strict=True)]
        )
        lines.setdefault(name, []).append(f"{name}{{{labels}}} {_number(value)}\n")
    return {name: "".join(texts).encode() for name, texts in lines.items()}


def _number(value: float) -> str:
    """A number as Prometheus reads it: whole ones in full, so that no count loses its last digits."""
    if value.is_integer():
        return str(int(value))
    return repr(value) if isfinite(value) else {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[repr(value)]


def exposition(pages: Iterable[Page]) -> bytes:
    """Join the texts of all probes: the samples of a family must stand together, after its header."""
    known = tuple(pages)
    parts: list[bytes] = []
    for name, header in _HEADERS.items():
        texts = [page[name] for page in known if name in page]
        if texts:
            parts += [header, *texts]
    return b"".join(parts)
