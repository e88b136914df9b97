"""What a cell remembers: its last runs one by one, and of all before them what the judges still need.

Nothing here is approximate: a run that arrives late, but is younger than the oldest one kept, lands in its place and
gives what it had given in time.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from datalake_operator.probes import buckets, marks
from datalake_operator.probes.buckets import Buckets
from datalake_operator.probes.marks import ABSENT, BAD, GOOD, SLOW, WARN
from datalake_operator.probes.model import Limit
from datalake_operator.probes.streak import MENDED, Streak

MIN_RUNS = 10
"""Runs that are kept in any case: a late one finds its place."""

MAX_RUNS = 64

_END = 2**36
"""Seconds since 1970 of the year 4147: no run was later, whatever status says."""

MEASURED = frozenset((GOOD, WARN, SLOW, BAD))
SUCCESS = frozenset((GOOD, WARN))
OFF = frozenset((WARN, SLOW, BAD))


@dataclass(frozen=True)
class Rules:
    """What of a watch the judges need."""

    confirmations: int
    recoveries: int
    success: Limit | None
    """Limit of the share of good runs."""
    figures: Limit | None
    """Longest window and most samples of all limits of figures; None: there are none."""

    @property
    def step(self) -> int:
        """Seconds of a bucket."""
        return buckets.size(self.success.window) if self.success else buckets.size(_DEFAULT_WINDOW)


_DEFAULT_WINDOW = Limit("", at_least=True, warning=0, critical=0).window


@dataclass(frozen=True)
class Timeline:
    """Where new runs stand among those that are kept; the same for every cell."""

    times: tuple[int, ...]
    """Begin of every run, old and new, in order (seconds since 1970)."""
    order: tuple[int, ...] | None
    """Which of the old and then the new ones stands at each place; None: the new ones come last."""
    cut: int
    """How many of the oldest are no longer kept one by one."""


class Stored(NamedTuple):
    """What status holds of a cell."""

    runs: str = ""
    reasons: str = ""
    past: str = ""
    buckets: str = ""
    totals: str = ""


@dataclass
class Before:
    """What came before the runs that are kept."""

    streak: Streak = field(default_factory=Streak)
    last: tuple[int, str] | None = None
    """Time and mark of the last run that says anything."""
    measured: int | None = None
    """Time of the last run that measured."""
    good: int | None = None
    """Time of the last good one."""
    why: str = ""
    """Letter of the last reason of a bad one."""
    counts: Buckets = field(default_factory=dict)

    def take(self, mark: str, moment: int, rules: Rules) -> None:
        """Take in a run that is no longer kept one by one."""
        code = mark[0]
        if code == ABSENT:
            return
        self.last = (moment, mark)
        if code not in MEASURED:
            return
        self.measured = moment
        if code in SUCCESS:
            self.good = moment
        if code in OFF:
            self.why = mark[1]
        buckets.add(self.counts, rules.step, moment, good=code != BAD)
        if self.streak.step(code, rules.confirmations, rules.recoveries) & MENDED:
            self.counts.clear()

    def write(self, kept: str) -> str:
        """As text, without what the marks that are kept say better."""
        seen = set(marks.codes(kept))
        parts = [self.streak.write()]
        if self.last and seen <= {ABSENT}:
            parts.append(f"l{self.last[1]}{self.last[0]}")
        if self.measured is not None and not seen & MEASURED:
            parts.append(f"m{self.measured}")
        if self.good is not None and not seen & SUCCESS and not self.streak.red:
            parts.append(f"g{self.good}")
        if self.why and parts[0] and not seen & OFF:
            parts.append(f"w{self.why}")
        return ";".join(parts) if any(parts) else ""

    @classmethod
    def read(cls, stored: Stored, rules: Rules) -> "Before":
        """Of status; nonsense reads as nothing."""
        if not stored.past and not stored.buckets:
            return cls()
        head, *parts = stored.past.split(";")
        before = cls(Streak.read(head), counts=buckets.read(stored.buckets, rules.step))
        for part in parts:
            before._read(part[:1], part[1:])
        return before

    def _read(self, name: str, text: str) -> None:
        try:
            if name == "l" and text[0] in marks.WORDS:
                self.last = (_moment(text[2:]), text[:2])
            elif name == "m":
                self.measured = _moment(text)
            elif name == "g":
                self.good = _moment(text)
            elif name == "w":
                self.why = text[:1]
        except (ValueError, IndexError):
            return


def _moment(text: str) -> int:
    moment = int(text)
    if not 0 <= moment < _END:
        raise ValueError(text)
    return moment


@dataclass(frozen=True)
class History:
    """A cell's history, new runs taken in."""

    before: Before
    kept: str
    """Marks."""
    stored: Stored


def fold(stored: Stored, new: tuple[str, ...], line: Timeline, rules: Rules) -> History:
    """Take new runs in.

    Args:
        stored: What status holds of the cell.
        new: The mark of each new run, in the order that `line` knows them by.
        line: Where they stand.
        rules: How they are judged.
    """
    count = len(line.times) - len(new)
    old = marks.pairs(stored.runs, stored.reasons)[-2 * count :] if count else ""
    text = marks.NOTHING * (count - len(old) // 2) + old + "".join(new)
    if line.order is not None:
        text = "".join(text[2 * i : 2 * i + 2] for i in line.order)
    before = Before.read(stored, rules)
    for i in range(line.cut):
        before.take(text[2 * i : 2 * i + 2], line.times[i], rules)
    kept = text[2 * line.cut :]
    if not new:
        return History(before, kept, stored._replace(runs=marks.codes(kept), reasons=marks.letters(kept)))
    begin = line.times[-1] - int(rules.success.window.total_seconds()) if rules.success else line.times[-1]
    return History(
        before,
        kept,
        Stored(
            marks.codes(kept),
            marks.letters(kept),
            before.write(kept),
            buckets.write(before.counts, rules.step, begin),
            _totals(stored.totals, new),
        ),
    )


def _totals(text: str, new: tuple[str, ...]) -> str:
    counts = marks.totals(text)
    for mark in new:
        result = marks.result(mark)
        if result is not None:
            counts[result] += 1
    return marks.write_totals(counts)


def keep(times: tuple[int, ...], shown: int, longest: int, cells: int) -> int:
    """How many of the runs at the beginning need not be kept one by one any more.

    Args:
        times: Begin of each run, in order.
        shown: Runs that the page shows.
        longest: Seconds of the longest window.
        cells: How many cells there are: in large grids fewer runs are kept, so that status stays below 400 KiB.
    """
    most = MAX_RUNS if cells <= 400 else 32 if cells <= 1000 else 26
    least = min(max(shown, MIN_RUNS), most)
    within = sum(moment > times[-1] - longest for moment in times)
    return max(0, len(times) - min(max(least, within), most))
