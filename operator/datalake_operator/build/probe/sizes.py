"""How long the answer of a run can become: it must fit the termination message of a pod."""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable

from datalake_operator.build.probe.cells import CellKey

LARGEST = 4000
"""Bytes of an answer. Kubernetes keeps 4096 of a container's termination message (its API reference, "Container")."""

_REASONS = (
    *("NameNotFound", "ConnectTimeout", "TLSUntrusted", "NoThirdPartyCopy", "ChecksumMismatch", "EarlierStepFailed"),
    *("Unauthenticated", "TransferFailed"),
)
_OF_PAIRS = ("seconds", "throughput_bytes_per_second")
_OF_ONE = (
    "connect_seconds",
    "stat_seconds",
    "list_seconds",
    "write_seconds",
    "read_seconds",
    "checksum_seconds",
    "delete_seconds",
)


def worst(cells: Iterable[CellKey]) -> int:
    """Give the length in bytes of an answer with these cells in which nothing repeats that could help to pack it."""
    found = []
    for source, destination, protocol in cells:
        digest = hashlib.sha256(f"{source}/{destination}/{protocol}".encode()).digest()
        names = _OF_PAIRS if destination else _OF_ONE
        found.append(
            {
                "source": source,
                **({"destination": destination} if destination else {}),
                **({"protocol": protocol} if protocol else {}),
                "result": "bad" if digest[0] % 2 else "unknown",
                "reason": _REASONS[digest[1] % len(_REASONS)],
                "m": {name: int.from_bytes(digest[2 + 2 * i : 5 + 2 * i]) / 1000 for i, name in enumerate(names)},
            }
        )
    text = json.dumps({"v": 1, "cells": found}, separators=(",", ":")).encode()
    if len(text) <= LARGEST:
        return len(text)
    return len("z1:") + len(base64.b64encode(zlib.compress(text, 9)))


def fit(cells: Iterable[CellKey]) -> bool:
    """Whether the answer of one pod with these cells, a header and control checks fits its termination message."""
    return worst(cells) <= LARGEST - _HEADER


_HEADER = 400
"""Bytes for run, times and up to ten control checks."""
