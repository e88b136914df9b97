"""How the runs of a cell stand in status, and how they are read again by the page, the metrics and the next verdict.

A *mark* is two characters: what came out, and the letter of the reason (a space without one). Status holds the first
ones in `runs` and the letters, without the spaces, in `reasons`, whose last letter holds for all that follow.
"""

import re
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any, NamedTuple

from datalake_operator.probes.reasons import BY_LETTER

GOOD, WARN, SLOW, BAD, SKIPPED, UNKNOWN, EXCUSED, ABSENT = "owsx-?m."

NOTHING = ABSENT + " "
FINE = GOOD + " "

WORDS: Mapping[str, str] = {
    GOOD: "ok",
    WARN: "warning",
    SLOW: "critical",
    BAD: "bad",
    SKIPPED: "skipped",
    UNKNOWN: "unknown",
    EXCUSED: "maintenance",
    ABSENT: "notrun",
}
"""What each character of `runs` says: good; good but beyond a limit (warning, critical); failed; left out; not known;
failed in maintenance; not in that run."""

_BARE = frozenset(GOOD + ABSENT)
_RESULTS = {GOOD: "ok", WARN: "ok", SLOW: "ok", BAD: "bad", EXCUSED: "bad", SKIPPED: "skipped", UNKNOWN: "unknown"}
_SIGNS = {"ok": "o", "bad": "x", "skipped": "-", "unknown": "?"}
_TOTALS = re.compile(r"(?:o(\d{1,15}))?(?:x(\d{1,15}))?(?:-(\d{1,15}))?(?:\?(\d{1,15}))?")


class Past(NamedTuple):
    """One run as a cell remembers it."""

    word: str
    """Of `WORDS`."""
    reason: str | None


def runs(cell: Mapping[str, Any]) -> list[Past]:
    """The runs of a cell of status, newest last, one for each entry of `status.runs`.

    Args:
        cell: An entry of `status.cells`.
    """
    text = pairs(str(cell.get("runs") or ""), str(cell.get("reasons") or ""))
    return [Past(WORDS[text[i]], BY_LETTER.get(text[i + 1])) for i in range(0, len(text), 2)]


def pairs(codes: str, letters: str) -> str:
    """The marks of `runs` and `reasons`, one behind the other. What is no mark reads as "not in that run"."""
    if not letters:
        return "".join(code + " " if code in WORDS else NOTHING for code in codes)
    left = chain(letters, repeat(letters[-1]))
    return "".join(
        NOTHING if code not in WORDS else code + " " if code in _BARE else code + next(left) for code in codes
    )


def codes(text: str) -> str:
    """`runs` of marks."""
    return text[::2]


def letters(text: str) -> str:
    """`reasons` of marks; the last letter holds for all that follow."""
    found = "".join(text[i + 1] for i in range(0, len(text), 2) if text[i] not in _BARE)
    return found.rstrip(found[-1]) + found[-1] if found else ""


def result(mark: str) -> str | None:
    """The result (`model.Result`) that a mark stands for; None: not in that run."""
    return _RESULTS.get(mark[0])


def totals(text: str | None) -> dict[str, int]:
    """How many runs of a cell ended with each result (`model.Result`), since the cell exists.

    Args:
        text: `cells[].totals`.
    """
    match = _TOTALS.fullmatch(text or "")
    found = match.groups() if match else (None,) * 4
    return {name: int(value or 0) for name, value in zip(_SIGNS, found, strict=True)}


def write_totals(counts: Mapping[str, int]) -> str:
    """`cells[].totals` of counts by result."""
    return "".join(f"{sign}{counts[name]}" for name, sign in _SIGNS.items() if counts.get(name))
