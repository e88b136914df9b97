"""Reading of the result envelopes that pods leave in their termination messages (images/probe/envelope.schema.json).

A message may hold anything at all: it is cut by the kubelet at 4096 bytes, written by a program of somebody else, or
by nobody. Whatever it is, it becomes a `Message` or a `Problem`, never an error; what is kept of it is bounded, and
names and reasons are of bounded sets of characters and words.
"""

import base64
import binascii
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from datalake_operator.api.values import parse_time
from datalake_operator.probes.column import central
from datalake_operator.probes.model import CellKey, Run, Sample
from datalake_operator.probes.reasons import FAILURES, REPORTED

VERSION = 1
MESSAGE_BYTES = 4096
"""What the kubelet keeps of a termination message."""

_MOST_TEXT = 16_384  # a pod's message is 4096 bytes; characters of up to four bytes
_MOST_JSON = 1 << 20  # of a compressed message
_MOST_CELLS = 4096
_MOST_MEASUREMENTS = 16
_MOST_CONTROL = 16
_AHEAD = timedelta(minutes=5)  # clocks of nodes differ a little

_NAME = re.compile(r"[A-Za-z0-9\[]([A-Za-z0-9_.:\[\]-]{0,251}[A-Za-z0-9\]])?", re.ASCII)
_PROTOCOL = re.compile(r"[a-z][a-z0-9]{0,31}", re.ASCII)
_MEASUREMENT = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)
_RESULTS = ("ok", "bad", "skipped", "unknown")


@dataclass(frozen=True)
class Problem:
    """Why a message says nothing."""

    reason: str


@dataclass(frozen=True)
class Message:
    """What one pod says."""

    samples: Mapping[CellKey, Sample]
    control: Mapping[str, bool] = field(default_factory=dict)
    problem: str | None = None
    """Reason why it could not measure at all."""
    done: bool = True
    """False: the program was killed; what is there counts."""
    index: int | None = None


class _Unreadable(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read(text: str | None, run_id: str, now: datetime) -> Message | Problem:
    """Read the message of one pod.

    Args:
        text: Its termination message: anything at all.
        run_id: Name of the Job whose pod it is.
        now: The clock.
    """
    if not text or not text.strip():
        return Problem("NoMessage")
    try:
        return _message(_decoded(text), run_id, now)
    except _Unreadable as problem:
        return Problem(problem.reason)


def merge(
    run_id: str,
    start: datetime,
    end: datetime | None,
    parts: Mapping[int | None, Message | Problem],
    *,
    sources: Sequence[str] = (),
    interrupted: bool = False,
) -> Run:
    """Make the run of a Job of the messages of its pods.

    Args:
        run_id: Name of the Job.
        start: When the Job started, by the API server.
        end: When it ended.
        parts: What each pod left, by its index; None: the only pod of a Job that is not indexed.
        sources: Source by index, as the plan has them; empty for a Job that is not indexed.
        interrupted: A pod was evicted or preempted.
    """
    expected: Sequence[int | None] = range(len(sources)) if sources else (None,)
    found = {index: _of(parts.get(index)) for index in expected}
    problems = {index: part.reason for index, part in found.items() if isinstance(part, Problem)}
    messages = [part for part in found.values() if isinstance(part, Message)]
    samples: dict[CellKey, Sample] = {}
    control: dict[str, bool] = {}
    for message in messages:
        samples |= _believed(message)
        for name, ok in message.control.items():
            control[name] = control.get(name, True) and ok
    whole = next(iter(problems.values())) if problems and not messages else None
    missing = {sources[index]: reason for index, reason in problems.items() if index is not None}
    return Run(run_id, start, end, samples, control, None if interrupted else whole, missing, interrupted)


def _of(part: Message | Problem | None) -> Message | Problem:
    if part is None:
        return Problem("NoMessage")
    if isinstance(part, Message) and part.problem and not part.samples:
        return Problem(part.problem)
    return part


def _believed(message: Message) -> Mapping[CellKey, Sample]:
    """What one pod found: nothing, if its own side of the world was broken (one node of many without DNS, say)."""
    if central(message.samples, message.control):
        return {key: Sample("unknown", "CentralFault") for key in message.samples}
    return message.samples


def _decoded(text: str) -> Mapping[str, Any]:
    size = len(text.encode("utf-8", "replace"))
    if size > _MOST_TEXT:
        raise _Unreadable("Malformed")
    cut = "Truncated" if size >= MESSAGE_BYTES else "Malformed"
    raw = _unpacked(text[3:], cut) if text.startswith("z1:") else text
    try:
        found = json.loads(raw, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise _Unreadable("Truncated" if _cut(error, raw) else cut) from None
    except (ValueError, RecursionError):
        raise _Unreadable("Malformed") from None
    if not isinstance(found, dict):
        raise _Unreadable("Malformed")
    return found


def _cut(error: json.JSONDecodeError, raw: str) -> bool:
    """Whether an object ends too early: in a text, or within the four characters of the last word that there is."""
    if not raw.lstrip().startswith("{") or error.msg.startswith("Extra data"):
        return False
    return error.msg.startswith("Unterminated string") or len(raw.rstrip()) - error.pos <= len("fals")


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no figure")


def _unpacked(text: str, cut: str) -> str:
    try:
        packed = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise _Unreadable("Truncated" if _BASE64.fullmatch(text.strip()) else cut) from None
    reader = zlib.decompressobj()
    try:
        raw = reader.decompress(packed, _MOST_JSON)
    except zlib.error:
        raise _Unreadable("Malformed") from None
    if reader.unconsumed_tail:
        raise _Unreadable("Malformed")
    if not reader.eof:
        raise _Unreadable("Truncated")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _Unreadable("Malformed") from None


def _message(found: Mapping[str, Any], run_id: str, now: datetime) -> Message:
    version = found.get("v")
    if isinstance(version, bool) or not isinstance(version, int):
        raise _Unreadable("Malformed")
    if version != VERSION:
        raise _Unreadable("OtherVersion")
    if found.get("run") != run_id:
        raise _Unreadable("ForeignMessage" if isinstance(found.get("run"), str) else "Malformed")
    for name in ("start", "end"):
        _check_time(found.get(name), now, required=name == "start")
    cells = found.get("cells")
    if not isinstance(cells, list) or len(cells) > _MOST_CELLS or found.get("state") not in ("running", "done"):
        raise _Unreadable("Malformed")
    index = found.get("index")
    return Message(
        dict(map(_cell, cells)),
        _control(found.get("control")),
        _problem(found.get("problem")),
        found["state"] == "done",
        index if type(index) is int and index >= 0 else None,
    )


def _check_time(value: Any, now: datetime, *, required: bool) -> None:
    if value is None and not required:
        return
    try:
        moment = parse_time(value) if isinstance(value, str) and len(value) < 64 else None
        ahead = moment is not None and moment > now + _AHEAD
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise _Unreadable("Malformed")
    if ahead:
        raise _Unreadable("InTheFuture")


def _control(value: Any) -> Mapping[str, bool]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST_CONTROL or not all(map(_NAME.fullmatch, value)):
        raise _Unreadable("Malformed")
    return {name: said == "ok" for name, said in value.items()}


def _problem(value: Any) -> str | None:
    if value is None:
        return None
    reason = value.get("reason") if isinstance(value, dict) else None
    return reason if isinstance(reason, str) and reason in REPORTED else "RunnerFailed"


def _cell(value: Any) -> tuple[CellKey, Sample]:
    if not isinstance(value, dict):
        raise _Unreadable("Malformed")
    key = CellKey(
        _text(value.get("source"), _NAME) or _malformed(),
        _text(value.get("destination"), _NAME),
        _text(value.get("protocol"), _PROTOCOL),
    )
    result = value.get("result")
    if result not in _RESULTS:
        raise _Unreadable("Malformed")
    return key, Sample(result, _reason(result, value.get("reason")), _measurements(value.get("m")))


def _malformed() -> str:
    raise _Unreadable("Malformed")


def _text(value: Any, pattern: re.Pattern[str]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise _Unreadable("Malformed")
    return value


def _reason(result: str, value: Any) -> str | None:
    """A word of the bounded set; others say no more than the result does."""
    if result == "ok":
        return None
    known = isinstance(value, str) and value in REPORTED
    if result == "bad":
        return value if known and value in FAILURES else "Failed"
    return value if known else "EarlierStepFailed" if result == "skipped" else "NotMeasured"


def _measurements(value: Any) -> Mapping[str, float]:
    """Finite figures with proper names; others are left out."""
    if not isinstance(value, dict):
        return {}
    kept: dict[str, float] = {}
    for name, figure in value.items():
        if len(kept) == _MOST_MEASUREMENTS:
            break
        if _MEASUREMENT.fullmatch(name) and isinstance(figure, int | float) and not isinstance(figure, bool):
            number = _finite(figure)
            if number is not None:
                kept[name] = number
    return kept


def _finite(figure: float) -> float | None:
    try:
        number = float(figure)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
