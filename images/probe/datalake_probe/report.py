"""Writes the result envelope, early and after each step: whatever ends the runner, what it knew is there.

Kubernetes keeps 4096 bytes of a container's termination message. A longer envelope is packed; one that does not fit
packed either loses measurements first and then cells, the good ones first. It is never cut.
"""

import base64
import json
import math
import os
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from datalake_probe.outcome import NOT_MEASURED, Cell, Outcome, Reason

VERSION = 1

PLAIN_BYTES = 4000
"""Above this an envelope is packed."""

LIMIT_BYTES = 4096
"""What Kubernetes keeps of a termination message."""

DIGITS = 4
"""Significant digits of a measurement: nobody reads more, and they cost room."""

_LAST = {"bad": 0, "skipped": 1, "ok": 2, "unknown": 3}


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Report:
    """The envelope of one run, for many threads.

    Args:
        path: the termination message.
        run: its id.
        index: of the pod in an indexed Job.
        kind: type of the probe.
        now: gives the time.
    """

    def __init__(
        self, path: Path, run: str, index: int | None, kind: str, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._closed = False
        self._cells: dict[Cell, Outcome] = {}
        self._control: dict[str, str] = {}
        self._head: dict[str, Any] = {
            "v": VERSION, "run": run, "index": index, "type": kind, "start": _text(now()), "end": None,
            "state": "running", "problem": None,
        }  # fmt: skip
        self._write()

    def put(self, cell: Cell, outcome: Outcome) -> None:
        """Say what came out of a cell, and write. Nothing is taken any more after `close`."""
        with self._lock:
            if not self._closed:
                self._cells[cell] = outcome
                self._write()

    def close(self) -> None:
        """Take no more cells: what ends now ends because it is made to."""
        with self._lock:
            self._closed = True

    def control(self, found: Mapping[str, Reason | None]) -> None:
        """Say which control checks are well (None) and why others are not; once failed, they stay so for this run."""
        with self._lock:
            for name, reason in found.items():
                if self._control.get(name, "ok") == "ok":
                    self._control[name] = "ok" if reason is None else reason.value
            self._write()

    def problem(self, reason: Reason, message: str) -> None:
        """Say why nothing could be measured, and end."""
        with self._lock:
            self._head["problem"] = {"reason": reason.value, "message": " ".join(message.split())[:256]}
        self.end(())

    def end(self, due: Sequence[Cell]) -> None:
        """Complete the cells with those that were due and not reached, and write for the last time."""
        with self._lock:
            for cell in due:
                self._cells.setdefault(cell, NOT_MEASURED)
            self._closed = True
            self._head |= {"end": _text(self._now()), "state": "done"}
            self._write()

    def measured(self) -> bool:
        """Whether any cell is known."""
        with self._lock:
            return any(outcome.result != "unknown" for outcome in self._cells.values())

    def _write(self) -> None:
        text = pack({**self._head, "control": self._control}, self._cells)
        # The file is a mount: it can be written to, not replaced. The new text first, so that there is always one.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)


def pack(head: Mapping[str, Any], cells: Mapping[Cell, Outcome]) -> bytes:
    """Return the text of an envelope, at most `LIMIT_BYTES` long: plain, packed, without measurements, fewer cells."""
    plain = _dump(head, cells, measurements=True)
    if len(plain) <= PLAIN_BYTES:
        return plain
    if len(text := _packed(plain)) <= LIMIT_BYTES:
        return text
    kept = dict(sorted(cells.items(), key=lambda item: _LAST[item[1].result]))
    while len(text := _packed(_dump(head, kept, measurements=False))) > LIMIT_BYTES and kept:
        for cell in list(kept)[-max(1, len(kept) // 20) :]:
            del kept[cell]
    return text


def _packed(plain: bytes) -> bytes:
    return b"z1:" + base64.b64encode(zlib.compress(plain, 9))


def _dump(head: Mapping[str, Any], cells: Mapping[Cell, Outcome], *, measurements: bool) -> bytes:
    listed = [_entry(cell, outcome, measurements=measurements) for cell, outcome in cells.items()]
    return json.dumps({**head, "cells": listed}, separators=(",", ":"), allow_nan=False).encode()


def _entry(cell: Cell, outcome: Outcome, *, measurements: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"source": cell.source}
    if cell.destination is not None:
        entry["destination"] = cell.destination
    if cell.protocol is not None:
        entry["protocol"] = cell.protocol
    entry["result"] = outcome.result
    if outcome.reason is not None:
        entry["reason"] = outcome.reason.value
    if measurements and outcome.measurements:
        rounded = {name: _round(value) for name, value in outcome.measurements.items()}
        entry["m"] = {name: value for name, value in rounded.items() if math.isfinite(value)}
    return entry


def _round(value: float) -> float:
    """To `DIGITS` significant digits, and whole where it is."""
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
