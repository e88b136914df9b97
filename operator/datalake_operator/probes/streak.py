"""The first judge: how many runs in a row failed, or were good again."""

from dataclasses import dataclass
from enum import Flag

from datalake_operator.probes.marks import BAD, GOOD, SLOW, WARN

_CAP = 10
"""No confirmations or recoveries are more."""


class Turn(Flag):
    """What a run has ended."""

    NOTHING = 0
    MENDED = 1
    """Critical no more: windows start empty."""
    IN_LIMITS = 2
    """Within its limits again: the windows of limits start empty."""


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

    def step(self, code: str, confirmations: int, recoveries: int) -> Turn:
        """Take one run in.

        Args:
            code: Its character (`marks`).
            confirmations: Bad runs in a row that make it red.
            recoveries: Good ones that end that.
        """
        turn = Turn.NOTHING
        if code in (BAD, SLOW):
            self.bad, self.off, self.good, self.fine = min(self.bad + 1, _CAP), min(self.off + 1, _CAP), 0, 0
        elif code == WARN:
            self.bad, self.off, self.good, self.fine = 0, min(self.off + 1, _CAP), min(self.good + 1, _CAP), 0
        elif code == GOOD:
            self.bad, self.off, self.good, self.fine = 0, 0, min(self.good + 1, _CAP), min(self.fine + 1, _CAP)
        else:
            return turn
        self.red, self.yellow = self.red or self.bad >= confirmations, self.yellow or self.off >= confirmations
        if self.red and self.good >= recoveries:
            self.red, turn = False, turn | Turn.MENDED
        if self.yellow and self.fine >= recoveries:
            self.yellow, turn = False, turn | Turn.IN_LIMITS
        return turn

    def write(self) -> str:
        """As text for `past`; empty if nothing of it matters for what comes."""
        if not (self.red or self.yellow or self.off):
            return ""
        return f"{self.red:d}{self.yellow:d}{self.bad:x}{self.off:x}{self.good:x}{self.fine:x}"

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
