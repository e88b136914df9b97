"""Quantities as the API server prints them back, so that what we want equals what is there.

Source: `Quantity.CanonicalizeBytes` and `ParseQuantity` of k8s.io/apimachinery v0.36, after the rounding to milli-units
that the API server's defaulting of resource lists does. The unit test holds vectors made with that very code. One thing
differs: what was written with an exponent (`1e3`) becomes `1k`, which the server leaves as it is, since YAML takes the
former for a number.
"""

import re
from fractions import Fraction
from math import ceil

_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"(?P<suffix>|[KMGTPE]i|[numkMGTPE]|[eE](?P<exponent>[+-]?[0-9]{1,3}))",
    re.ASCII,
)
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_EXPONENTS = {suffix: exponent for exponent, suffix in _DECIMAL.items()}
_MAXIMUM = 2**63 - 1


def canonical_quantity(quantity: str | int) -> str:
    """Give a quantity as the API server prints it.

    Args:
        quantity: for example `1024Mi`, `0.5`, `1e3` or `2`.

    Returns:
        The same amount in canonical form: `1Gi`, `500m`, `1k`, `2`. Finer than a thousandth is rounded up.

    Raises:
        ValueError: it is not a quantity.
    """
    match = _QUANTITY.fullmatch(str(quantity))
    if match is None or not (match["whole"] or match["part"]):
        raise ValueError(f"{quantity!r} is not a quantity")
    amount = Fraction(int((match["whole"] + (match["part"] or "")) or "0"), 10 ** len(match["part"] or ""))
    suffix = match["suffix"]
    binary = suffix.endswith("i")
    if binary:
        amount = min(amount * 1024 ** _BINARY.index(suffix), Fraction(_MAXIMUM))
    else:
        amount *= Fraction(10) ** (int(match["exponent"]) if match["exponent"] else _EXPONENTS[suffix])
    milli = ceil(amount * 1000)
    sign = "-" if match["sign"] == "-" and milli else ""
    if binary and milli >= 1024 * 1000 and milli % 1000 == 0:
        return sign + _base_1024(milli // 1000)
    return sign + _base_1000(milli)


def _base_1024(number: int) -> str:
    power = 0
    while number % 1024 == 0 and power < len(_BINARY) - 1:
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY[power]}"


def _base_1000(milli: int) -> str:
    if milli == 0:
        return "0"
    number, exponent = milli, -3
    while number % 1000 == 0 and exponent < 18:
        number, exponent = number // 1000, exponent + 3
    return f"{number}{_DECIMAL[exponent]}"
