"""Quantities and durations as Kubernetes writes them."""

import re
from datetime import datetime, timedelta
from decimal import Decimal, DecimalException
from typing import TypeGuard

# The text that controller-gen puts into CRDs for apimachinery's resource.Quantity.
QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
DURATION_PATTERN = "^([0-9]+(ms|s|m|h))+$"
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"

_MAX_INT64 = 2**63 - 1  # quantities are capped there (apimachinery)
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,3})?")
_BINARY = {suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
_DECIMAL = {suffix: Decimal(1000) ** power for power, suffix in enumerate("num", start=-3)} | {
    suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)
}
_MULTIPLES = {"": Decimal(1)} | _BINARY | _DECIMAL
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DURATION_PART = re.compile(r"([0-9]+)(ms|s|m|h)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_MAX_DURATION = timedelta(microseconds=_MAX_INT64 // 1000)  # Go's and CEL's durations count nanoseconds in an int64


def parse_quantity(text: str | int) -> int:
    """Return a quantity in its unit (bytes, cores), rounded up to a whole number as Kubernetes does.

    Args:
        text: A whole number, or text like ``10Gi``, ``1.5G``, ``1e3``.

    Raises:
        ValueError: The text is no quantity.
    """
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, suffix = match.group(1), match.group(2) or ""
    try:
        value = Decimal(number) * _MULTIPLES[suffix] if suffix in _MULTIPLES else Decimal(number + suffix)
    except DecimalException as error:
        raise ValueError(f"{text!r} is not a quantity") from error
    if abs(value) >= _MAX_INT64:
        return _MAX_INT64 if value > 0 else -_MAX_INT64
    whole = int(value)
    return whole + 1 if value > whole else whole


def is_int_or_string(value: object) -> TypeGuard[str | int]:
    """Whether the API server takes a value for an int-or-string; a number beyond an int64 is a float for it."""
    return isinstance(value, str) or (type(value) is int and abs(value) <= _MAX_INT64)


def parse_duration(text: str) -> timedelta:
    """Return the length of a duration like ``90s``, ``1h30m`` or ``250ms``.

    Raises:
        ValueError: The text is no duration, or longer than about 292 years (what Go and CEL can count).
    """
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration")
    milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
    if milliseconds > _MAX_DURATION // timedelta(milliseconds=1):
        raise ValueError(f"{text!r} is too long a duration")
    return timedelta(milliseconds=milliseconds)


def parse_time(text: str) -> datetime:
    """Return the moment of an RFC 3339 text like ``2027-01-31T08:00:00Z``.

    Raises:
        ValueError: The text is no such moment.
    """
    if _TIME.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a time with its zone")
    return datetime.fromisoformat(text.upper())
