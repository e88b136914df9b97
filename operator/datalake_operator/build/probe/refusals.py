"""What no schema can see, and yet cannot work: refused before anything is written, with the figures and the mend."""

from math import ceil


class ProbeRefusal:
    """Reasons why a QoSProbe is refused before anything is built."""

    INVALID_SPEC = "InvalidSpec"
    """The spec breaks a rule that the schema cannot express; the message names field and mend."""

    NEVER_RUNS = "NeverRuns"
    """`spec.schedule` is of a day that does not exist; the message shows how one is written."""

    BUDGET_IMPOSSIBLE = "BudgetImpossible"
    """Pairs, payload and interval do not fit into `maxBytesPerDay` or `timeout`; the message has the figures."""

    TOO_MANY_CELLS = "TooManyCells"
    """More cells than status or one pod's answer can hold; the message has the figures."""

    HISTORY_TOO_SHORT = "HistoryTooShort"
    """A threshold's window holds more runs than are remembered; the message has the figures."""


_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def in_bytes(number: float) -> str:
    """Bytes for people, as a quantity rounded up: `100Mi`, `1.5Gi`."""
    power = 0
    while number >= 1024 and power < len(_BINARY) - 1:
        number, power = number / 1024, power + 1
    return f"{ceil(number * 10) / 10:g}{_BINARY[power]}"


def in_time(seconds: float) -> str:
    """A length of time as a duration: `45s`, `1h30m`; whole seconds, rounded up."""
    left, text = ceil(seconds), ""
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
