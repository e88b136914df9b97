"""What states, reasons and figures are called on the page, in words of a shift operator."""

import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import NamedTuple

from datalake_operator.probes.reasons import REASONS


class StateWord(NamedTuple):
    """How a state is shown: never by colour alone."""

    word: str
    symbol: str
    meaning: str


STATES: dict[str, StateWord] = {
    "critical": StateWord("critical", "✕", "Broken: failed several times in a row, or too often."),
    "warning": StateWord("warning", "!", "Works, and worse than it should."),
    "unknown": StateWord("unknown", "?", "Could not be measured, or the last result is too old."),
    "maintenance": StateWord("maintenance", "⚙", "Planned work: failures are expected."),
    "skipped": StateWord("skipped", "\u2013", "Not tried, because something that it needs is missing or broken."),
    "notrun": StateWord("not run yet", "·", "No run has ended yet."),
    "ok": StateWord("ok", "✓", "Works."),
}
"""Every state of a cell, worst first."""

_RANK = {state: place for place, state in enumerate(STATES)}


PHRASES: dict[str, str] = {
    "NameNotFound": "has no address in DNS",
    "Refused": "refuses connections",
    "Reset": "breaks connections off",
    "Unreachable": "cannot be reached",
    "ConnectTimeout": "does not answer",
    "TLSExpired": "has an expired certificate",
    "TLSUntrusted": "has a certificate of an unknown authority",
    "TLSWrongName": "has a certificate for another name",
    "TLSFailed": "fails the TLS handshake",
    "Unauthenticated": "does not accept our identity (401)",
    "Forbidden": "forbids access (403)",
    "NotFound": "does not find the file or folder (404)",
    "NoSpace": "has no space left",
    "ReadOnly": "is read-only",
    "ChecksumMismatch": "gives back other bytes than were written",
    "SizeMismatch": "gives back a file of another size",
    "Slow": "is slower than its limit",
    "Timeout": "does not finish in time",
    "UnexpectedStatus": "answers with an unexpected status",
    "UnexpectedBody": "answers without the expected text",
    "ProtocolError": "breaks the protocol",
    "NoThirdPartyCopy": "does not offer third-party copy",
    "TransferFailed": "fails to copy although both ends work",
    "ServerError": "answers with an error of its own",
    "NotFromCache": "fetches again what it had",
    "HeartbeatsStale": "has daemons without a fresh heartbeat",
    "Failed": "fails",
    "CertificateExpiring": "has a certificate that ends soon",
    "OutsideLimits": "has a figure beyond its limit",
    "NoFamilyInPod": "was not tried: the cluster lacks its IP family",
    "NotPermitted": "was not tried: the probe's account lacks the right",
    "InUse": "was not tried: the file was in use",
    "EarlierStepFailed": "was not tried: an earlier step failed",
    "NotMeasured": "was not reached in time",
    "NoMessage": "has no result: the run left none",
    "Truncated": "has no result: it was cut off",
    "ForeignMessage": "has no result: it names another run",
    "OtherVersion": "has no result: it is of another version",
    "Malformed": "has no result: it cannot be read",
    "InTheFuture": "has no result: it is of a future time",
    "ImageUnavailable": "was not measured: the probe's image cannot be pulled",
    "ConfigError": "was not measured: the probe's pod cannot be set up",
    "OutOfMemory": "was not measured: the probe ran out of memory",
    "DeadlineExceeded": "was not measured: the run took too long",
    "Unschedulable": "was not measured: no node takes the probe's pod",
    "RunnerFailed": "was not measured: the probe itself broke",
    "Interrupted": "was not measured: the run was evicted",
    "CentralFault": "cannot be judged: our own side is broken",
    "Stale": "has no fresh result",
    "NotRun": "has no result yet",
    "LowSuccess": "fails too often",
    "Maintenance": "is in announced maintenance",
    "PlannedWork": "is being changed",
}
"""Each reason of `probes.reasons` as it goes on from the name of what it is said of: 'PIC refuses connections'."""

_UNITS = (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))

UNSHOWN = "cannot be shown; the operator's log says why"
"""Of a resource whose body cannot be read."""


def known(state: object) -> str:
    """Give a state as the page knows it: what is none is unknown."""
    return state if isinstance(state, str) and state in STATES else "unknown"


def worst(states: Iterable[str]) -> str:
    """Give the worst of some states; `notrun` where there are none."""
    return min(states, key=_RANK.__getitem__, default="notrun")


def rank(state: str) -> int:
    """Give the place of a state for sorting: 0 is the worst."""
    return _RANK[state]


def phrase(reason: str | None) -> str:
    """Give a reason in words that follow the name of what it is said of; empty where there is none."""
    if not reason:
        return ""
    return PHRASES.get(reason) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", reason).lower()


def meaning(state: str, reason: str | None) -> str:
    """Give a sentence on a state and its reason."""
    known = REASONS.get(reason or "")
    if state == "skipped" and known is not None and known.group != "skipped":
        return f"Not tried, because what it needs {phrase(reason)}."
    if known is not None:
        return known.text
    return f"{phrase(reason).capitalize()}." if reason else STATES[state].meaning


def advice(reason: str | None) -> str | None:
    """Give what to look at first for a reason."""
    known = REASONS.get(reason or "")
    return known.mend if known is not None else None


_LABELS = {"tls_days_left": "certificate left", "http_status": "HTTP status", "success_ratio": "good runs"}


def label(measurement: str) -> str:
    """Give the name of a measurement without its unit: `throughput_bytes_per_second` is `throughput`."""
    if measurement in _LABELS:
        return _LABELS[measurement]
    for unit in ("_bytes_per_second", "_seconds", "_bytes", "_ratio"):
        measurement = measurement.removesuffix(unit)
    return measurement.replace("_", " ")


def figure(measurement: str, value: str) -> str:
    """Give a figure with a unit that is easy to read, e.g. `118 MB/s`; the text itself where it is no number."""
    try:
        number = float(value)
    except ValueError:
        return value
    if not isfinite(number):
        return value
    return next((shown(number) for unit, shown in _SHOWN.items() if measurement.endswith(unit)), f"{number:.4g}")


def _seconds(number: float) -> str:
    if abs(number) < 1:
        return f"{number * 1000:.0f} ms"
    return f"{number:.3g} s" if abs(number) < 100 else f"{number:.0f} s"


def _bytes(number: float) -> str:
    for unit, size in _UNITS:
        if abs(number) >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f} B"


_SHOWN: dict[str, Callable[[float], str]] = {
    "bytes_per_second": lambda number: f"{_bytes(number)}/s",
    "bytes": _bytes,
    "seconds": _seconds,
    "success_ratio": lambda number: f"{number:.0%}",
    "speedup_ratio": lambda number: f"{number:.3g}\u00d7",
    "days_left": lambda number: count(round(number), "day"),
}
"""How figures are written, by the end of the measurement's name."""


def count(number: int, one: str, many: str | None = None) -> str:
    """Give a number with its noun: `1 endpoint`, `2 endpoints`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
