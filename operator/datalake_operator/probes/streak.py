"""The first judge: how many runs in a row failed, or were good again."""

from dataclasses import dataclass

from datalake_operator.probes.marks import BAD, GOOD, SLOW, WARN

_CAP = 10
"""No confirmations or recoveries are more."""


NOTHING, MENDED, IN_LIMITS = 0, 1, 2
"""What a run has ended, as bits: critical no more, so windows start empty; within its limits again, so those of limits
do. Plain numbers: a verdict on a large grid takes tens of thousands of steps."""


@dataclass
class Streak:
    """Where the rows of good and bad runs stand. Left out, unknown and excused runs change nothing."""

    red: bool = False
    """`confirmations` runs in a row failed (or were slow beyond critical), and not yet `recoveries` were good again."""
    yellow: bool = False
    """The same for runs that failed or were beyond any limit."""
    bad: int = 0
    off: int = 0
    good: int = 0
    fine: int = 0

    def step(self, code: str, confirmations: int, recoveries: int) -> int:
        """Take one run in.

        Good and fine ones are counted only while something is to be mended: nothing else depends on them.

        Args:
            code: Its character (`marks`).
            confirmations: Bad runs in a row that make it red.
            recoveries: Good ones that end that.
        """
        if code == GOOD and not (self.red or self.yellow):
            self.bad = self.off = 0
            return NOTHING
        if code in (BAD, SLOW):
            self.bad, self.off, self.good, self.fine = min(self.bad + 1, _CAP), min(self.off + 1, _CAP), 0, 0
        elif code == WARN:
            self.bad, self.off, self.good, self.fine = 0, min(self.off + 1, _CAP), min(self.good + 1, _CAP), 0
        elif code == GOOD:
            self.bad, self.off, self.good, self.fine = 0, 0, min(self.good + 1, _CAP), min(self.fine + 1, _CAP)
        else:
            return NOTHING
        turn = NOTHING
        self.red, self.yellow = self.red or self.bad >= confirmations, self.yellow or self.off >= confirmations
        if self.red and self.good >= recoveries:
            self.red, turn = False, turn | MENDED
        if self.yellow and self.fine >= recoveries:
            self.yellow, turn = False, turn | IN_LIMITS
        return turn

    def write(self) -> str:
        """As text for `past`; empty if nothing of it matters for what comes."""
        if not (self.red or self.yellow or self.off):
            return ""
        good, fine = self.good if self.red else 0, self.fine if self.yellow else 0
        return f"{self.red:d}{self.yellow:d}{self.bad:x}{self.off:x}{good:x}{fine:x}"

    @classmethod
    def read(cls, text: str) -> "Streak":
        """Of the text that `write` gave; anything else starts anew."""
        try:
            figures = [min(int(character, 16), _CAP) for character in text]
        except ValueError:
            return cls()
        if len(figures) != 6:
            return cls()
        return cls(bool(figures[0]), bool(figures[1]), *figures[2:])
