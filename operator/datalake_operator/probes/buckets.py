"""Counters of good and bad runs by time, for windows that reach further back than the runs that are kept singly."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

Buckets: TypeAlias = dict[int, tuple[int, int]]
"""Good and bad runs by number of the bucket (seconds since 1970 by its size)."""

_QUARTER, _HOUR, _DAY = 900, 3600, 86_400
_TEXT = re.compile(r"(\d{1,6}) (\d{1,12}):(.*)", re.ASCII)
_TOKEN = re.compile(r"(\d{1,6})(?:x(\d{1,6}))?(?:\*(\d{1,3}))?", re.ASCII)
_MOST = 64


def size(window: timedelta) -> int:
    """Seconds of a bucket for a window, so that at most 49 are needed: 15 minutes, an hour or a day."""
    if window <= timedelta(hours=6):
        return _QUARTER
    return _HOUR if window <= timedelta(hours=48) else _DAY


def add(buckets: Buckets, step: int, moment: int, *, good: bool) -> None:
    """Count one run."""
    number = moment // step
    ok, bad = buckets.get(number, (0, 0))
    buckets[number] = (ok + good, bad + (not good))


def since(buckets: Buckets, step: int, moment: int) -> tuple[int, int]:
    """Good and bad runs of all buckets that begin after a moment."""
    found = [counts for number, counts in buckets.items() if number * step > moment]
    return sum(ok for ok, _ in found), sum(bad for _, bad in found)


def write(buckets: Buckets, step: int, moment: int) -> str:
    """As text: size, number of the newest, then from new to old what is in each (`4`, `3x1`), repeats as `4*12`.

    Args:
        buckets: What to write.
        step: Seconds of each.
        moment: Those that begin then or before are left out.
    """
    kept = {number: counts for number, counts in buckets.items() if number * step > moment}
    if not kept:
        return ""
    newest = max(kept)
    numbers = range(newest, max(min(kept), newest - _MOST) - 1, -1)
    return f"{step} {newest}:" + " ".join(_tokens([kept.get(number, (0, 0)) for number in numbers]))


def _tokens(counts: list[tuple[int, int]]) -> Iterator[str]:
    at = 0
    while at < len(counts):
        end = at
        while end < len(counts) and counts[end] == counts[at]:
            end += 1
        ok, bad = counts[at]
        yield f"{ok}" + (f"x{bad}" if bad else "") + (f"*{end - at}" if end - at > 1 else "")
        at = end


def read(text: str, step: int) -> Buckets:
    """Of the text that `write` gave. Smaller buckets than wanted are added up, larger ones and nonsense are dropped."""
    head = _TEXT.fullmatch(text)
    if head is None or int(head[1]) == 0 or step % int(head[1]):
        return {}
    own, number = int(head[1]), int(head[2])
    found: Buckets = {}
    for token in head[3].split(" ")[:_MOST]:
        match = _TOKEN.fullmatch(token)
        if match is None:
            return {}
        for _ in range(min(int(match[3] or 1), _MOST)):
            ok, bad = found.get(number * own // step, (0, 0))
            found[number * own // step] = (ok + int(match[1]), bad + int(match[2] or 0))
            number -= 1
    return {key: counts for key, counts in found.items() if any(counts)}
