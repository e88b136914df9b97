"""Lets all faults happen, one group after another, and writes down what the probes said of each."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.cluster.progress import say
from tests.demo.kubectl import Object
from tests.e2e.grid import probes
from tests.e2e.grid.faults import Fault, Lane, Place
from tests.e2e.grid.said import Key, Said, red, wrong

CONFIRMATIONS = RECOVERIES = 2
"""Of the probes: the default."""


@dataclass
class Row:
    """One line of the table.

    Attributes:
        title: The fault.
        told: Runs until it was told as it must be; 0: never.
        mended: Runs after its end until all that it had touched was green; 0: never.
        problems: What was said wrongly, or not said.
    """

    title: str
    told: int = 0
    mended: int = 0
    problems: list[str] = field(default_factory=list)


def tell(place: Place, lane: Lane) -> list[Row]:
    """Let everything of a lane happen; one row for each fault.

    Each group of faults is there for as many runs as it takes to confirm it. The runs of the next are those in which it
    must recover.
    """
    rows: list[Row] = []
    before: Sequence[Fault] = ()
    for group in (*lane.groups, ()):
        began = time.monotonic()
        for fault in before:
            fault.end(place)
        for fault in group:
            fault.begin(place)
        fresh = [Row(fault.title) for fault in group]
        _runs(place, lane.probes, group, fresh, before, rows[len(rows) - len(before) :])
        rows += fresh
        titles = " + ".join(fault.title for fault in group) or f"{', '.join(lane.probes)}: all mended"
        say(f"{titles}: {time.monotonic() - began:.0f} s")
        before = group
    return rows


def _runs(
    place: Place,
    names: Sequence[str],
    group: Sequence[Fault],
    rows: Sequence[Row],
    before: Sequence[Fault],
    rows_before: Sequence[Row],
) -> None:
    expected, pardoned = _by_probe(group), _by_probe(before)
    reds = {name: red(body) for name, body in probes.bodies(place.lake).items()}
    for number in range(1, max(CONFIRMATIONS, RECOVERIES) + 1):
        bodies = probes.run(place.lake, names)
        for fault, row in zip(group, rows, strict=True):
            _judge(fault, row, bodies, expected, pardoned, number, reds)
        for fault, row in zip(before, rows_before, strict=True):
            if not row.mended and not list(_not_green(fault, bodies, expected)):
                row.mended = number
    for fault, row in zip(before, rows_before, strict=True):
        if not row.mended:
            row.problems += [f"after its end, {problem}" for problem in _not_green(fault, bodies, expected)]
    if not group:
        for row in rows_before:
            row.problems += [problem for body in bodies.values() for problem in wrong(body, ())]


def _judge(
    fault: Fault,
    row: Row,
    bodies: Mapping[str, Object],
    expected: Mapping[str, Sequence[Said]],
    pardoned: Mapping[str, Sequence[Said]],
    number: int,
    reds: Mapping[str, set[Key]],
) -> None:
    """After the last run everything must be said; a red cell after the first is too early."""
    last = number == CONFIRMATIONS
    problems = [
        problem
        for name, body in bodies.items()
        if name in fault.said or last
        for problem in wrong(body, expected.get(name, ()), () if last else pardoned.get(name, ()))
    ]
    if not problems and not row.told:
        row.told = number
    if last:
        row.problems += problems
        return
    for name, body in bodies.items():
        row.problems += [f"{name}: {key} is red after one bad run" for key in red(body) - reds[name]]


def _not_green(fault: Fault, bodies: Mapping[str, Object], expected: Mapping[str, Sequence[Said]]) -> Iterator[str]:
    """What is wrong at probes that saw the fault, but for what the present faults explain."""
    for name in fault.said:
        yield from wrong(bodies[name], expected.get(name, ()), expected.get(name, ()))


def _by_probe(group: Sequence[Fault]) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = {}
    for fault in group:
        for name, said in fault.said.items():
            found.setdefault(name, []).append(said)
    return found


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    lines = [f"{'fault':<45} {'told after':<11} {'green after':<12} result"]
    for row in rows:
        result = "as it must be" if not row.problems else f"{len(row.problems)} WRONG: {row.problems[0]}"
        told, mended = (f"{n} runs" if n else "never" for n in (row.told, row.mended))
        lines.append(f"{row.title:<45} {told:<11} {mended:<12} {result}")
    return "\n".join(lines)
