"""How long the answer of a run can become: it must fit the termination message of a pod."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from datalake_operator.build.probe.cells import CellKey

LARGEST = 4096
"""Bytes that Kubernetes keeps of a container's termination message (its API reference, "Container")."""

_PLAIN = 4000
"""Bytes above which the runner packs its answer (images/probe/datalake_probe/report.py)."""

_REASONS = (
    *("NameNotFound", "ConnectTimeout", "TLSUntrusted", "NoThirdPartyCopy", "ChecksumMismatch", "EarlierStepFailed"),
    *("Unauthenticated", "TransferFailed"),
)
_OF_PAIRS = ("seconds", "throughput_bytes_per_second")
_OF_ONE = (
    *("connect_seconds", "stat_seconds", "list_seconds", "write_seconds", "read_seconds", "checksum_seconds"),
    "delete_seconds",
)
_HEAD = {
    "v": 1,
    "run": "x" * 52,
    "index": 63,
    "type": "transfer",
    "start": "2027-01-31T12:34:56.789Z",
    "end": "2027-01-31T12:39:57.123Z",
    "state": "done",
    "problem": None,
    "control": {f"control-{number}-{'name' * 5}": _REASONS[number % len(_REASONS)] for number in range(10)},
}


def worst(cells: Iterable[CellKey], *, figures: bool = True) -> int:
    """Give the length in bytes of an answer in which nothing repeats that could help to pack it.

    Args:
        cells: what it speaks about.
        figures: with measurements, which the runner leaves out where they do not fit.
    """
    text = json.dumps({**_HEAD, "cells": list(_entries(cells, figures))}, separators=(",", ":")).encode()
    return len(text) if len(text) <= _PLAIN else len("z1:") + len(base64.b64encode(zlib.compress(text, 9)))


def fit(cells: Iterable[CellKey], *, figures: bool = True) -> bool:
    """Whether the answer of one pod with these cells fits its termination message whatever happens."""
    return worst(cells, figures=figures) <= LARGEST


def _entries(cells: Iterable[CellKey], figures: bool) -> Iterator[dict[str, Any]]:
    """Results, reasons and figures as if by chance, but the same each time: the children must not depend on it."""
    for source, destination, protocol in cells:
        chance = hashlib.sha256(f"{source}/{destination}/{protocol}".encode()).digest()
        names = _OF_PAIRS if destination else _OF_ONE
        values = (int.from_bytes(chance[2 + 2 * i : 4 + 2 * i]) % 10_000 / 1000 for i in range(len(names)))
        yield {
            "source": source,
            **({"destination": destination} if destination else {}),
            **({"protocol": protocol} if protocol else {}),
            "result": "bad" if chance[0] % 2 else "unknown",
            "reason": _REASONS[chance[1] % len(_REASONS)],
            **({"m": dict(zip(names, values, strict=True))} if figures else {}),
        }
