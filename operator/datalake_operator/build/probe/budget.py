"""What a mesh of transfers costs: bytes a day, time for a run, and how pairs take turns where all are too many."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import TypeVar

from datalake_operator.api.probe import QoSProbe, QoSProbeSpec
from datalake_operator.api.values import parse_quantity
from datalake_operator.build.config import seconds
from datalake_operator.build.probe import schedule
from datalake_operator.build.probe.cells import Pair, pairs
from datalake_operator.build.probe.refusals import ProbeRefusal, in_bytes, in_time
from datalake_operator.build.probe.schedule import DAY, Schedule
from datalake_operator.build.refused import Refused

SLOWEST_TURN = DAY
"""Seconds within which each pair has its turn; one that is seen more rarely says nothing (specification)."""

_LEAST_SECONDS = 1.0
"""Of one transfer: two connections, a file made and checked at both ends. Nobody's takes less."""

_FASTEST = 1.25e9
"""Bytes a second of one transfer, as on a link of 10 Gb/s all its own."""

_LOOKED_AT = 15
"""Days whose runs are gone through: a schedule by days of the week repeats after 7."""


Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Rotation:
    """How pairs take turns: of those of `diagonal` a run has group `time // period % groups`, one after another."""

    groups: int
    """1: all pairs in each run."""

    period: int
    """Seconds of a period."""

    pair_interval: int
    """Seconds between two turns of a pair at most."""


def pair_interval(probe: QoSProbe) -> int:
    """Seconds between two measurements of the same cell at most: the schedule's largest gap unless pairs take turns.

    Raises:
        Refused: as `rotation`.
    """
    return rotation(probe).pair_interval


def rotation(probe: QoSProbe) -> Rotation:
    """Let pairs take turns so that no day moves more than `maxBytesPerDay`.

    Raises:
        Refused: the schedule never runs, or a pair would be measured less than once a day.
    """
    timing, check = schedule.of(probe), probe.spec.transfer
    everything = Rotation(1, timing.smallest_gap, timing.largest_gap)
    if check is None:
        return everything
    sizes, most = _sizes(probe.spec), parse_quantity(check.max_bytes_per_day)
    least = ceil(sum(sizes) * timing.runs_a_day / most)
    if least <= 1:
        return everything
    for groups in range(least, min(least + 16, timing.runs_a_day) + 1):
        slowest, busiest = _simulated(timing, groups, _groups(sizes, groups))
        if slowest <= SLOWEST_TURN and busiest <= most:
            return Rotation(groups, everything.period, slowest)
    raise _too_much(timing, sizes, most)


def check_time(spec: QoSProbeSpec, turns: Rotation, at_once: int) -> None:
    """Refuse a mesh that cannot be done within `timeout` even by the fastest.

    Args:
        spec: the spec.
        turns: how pairs take turns.
        at_once: transfers at the same time.

    Raises:
        Refused: with the figures.
    """
    check = spec.transfer
    if check is None:
        return
    counts = [len(protocols) for _, _, protocols in diagonal(pairs(spec))]
    times = [count * _LEAST_SECONDS + size / _FASTEST for count, size in zip(counts, _sizes(spec), strict=True)]
    longest = max(_groups(times, turns.groups)) / at_once
    most, size = max(_groups(counts, turns.groups)), in_bytes(parse_quantity(check.payload.size))
    if longest > seconds(spec.timeout):
        raise Refused(
            ProbeRefusal.BUDGET_IMPOSSIBLE,
            f"spec.timeout: {most} transfers of {size} a run, {at_once} at a time, take {in_time(longest)} even at "
            f"10 Gb/s, and {spec.timeout} are allowed; write {in_time(longest * 3)} or more, or raise maxConcurrent "
            "and maxConcurrentPerEndpoint, or test fewer pairs",
        )


def at_once(spec: QoSProbeSpec) -> int:
    """Transfers at the same time: each needs a place at both its ends."""
    check = spec.transfer
    if check is None:
        return 1
    found = pairs(spec)
    ends = min(len({source for source, _, _ in found}), len({destination for _, destination, _ in found}))
    return max(1, min(check.max_concurrent, check.max_concurrent_per_endpoint * ends))


def _sizes(spec: QoSProbeSpec) -> tuple[int, ...]:
    """Bytes that each pair of `diagonal` moves in a run, over all its protocols."""
    if spec.transfer is None:
        return ()
    payload = parse_quantity(spec.transfer.payload.size)
    fixed = {one.name: one.read_file.size for one in spec.endpoints if one.access == "ReadOnly" and one.read_file}
    return tuple(fixed.get(source, payload) * len(protocols) for source, _, protocols in diagonal(pairs(spec)))


def diagonal(found: Sequence[Pair]) -> list[Pair]:
    """Order pairs so that neighbours have different ends, as the runner does (images/probe/datalake_probe/mesh.py)."""
    sources = {name: number for number, name in enumerate(dict.fromkeys(source for source, _, _ in found))}
    ends = {name: number for number, name in enumerate(dict.fromkeys(destination for _, destination, _ in found))}

    def step(pair: Pair) -> tuple[int, int]:
        source = sources[pair[0]]
        return (ends[pair[1]] - source) % len(ends), source

    return sorted(found, key=step)


def group_of(spec: QoSProbeSpec, groups: int) -> dict[tuple[str, str | None], int]:
    """Give the group that each pair belongs to, by its source and destination."""
    found = diagonal(pairs(spec))
    parts = enumerate(pairwise(_ends(len(found), groups)))
    return {(pair[0], pair[1]): group for group, (begin, end) in parts for pair in found[begin:end]}


def _groups(amounts: Sequence[Number], groups: int) -> tuple[Number, ...]:
    """Sums of what stands one after another, in so many parts of about the same length."""
    return tuple(sum(amounts[begin:end]) for begin, end in pairwise(_ends(len(amounts), groups)))


def _ends(count: int, groups: int) -> list[int]:
    return [count * number // groups for number in range(groups + 1)]


@lru_cache(maxsize=1024)
def _simulated(timing: Schedule, groups: int, sizes: tuple[int, ...]) -> tuple[int, int]:
    """Give the longest time between two turns of a group, and the most bytes on one day (any 24 hours from 0:00)."""
    slowest, last, by_day = 0, dict[int, int](), dict[int, int]()
    for moment in timing.times(timing.runs_a_day * _LOOKED_AT):
        group = moment // timing.smallest_gap % groups
        slowest = max(slowest, moment - last.get(group, moment))
        last[group] = moment
        by_day[moment // DAY] = by_day.get(moment // DAY, 0) + sizes[group]
    slowest = slowest if len(last) == groups else SLOWEST_TURN + 1
    return max(slowest, timing.largest_gap), max(by_day.values())


def _too_much(timing: Schedule, sizes: tuple[int, ...], most: int) -> Refused:
    once, moved = sum(sizes), f"all {len(sizes)} pairs move" if len(sizes) > 1 else "the pair moves"
    turn, enough = once / most * DAY, once
    every = f"every {in_time(turn)}"
    if turn <= SLOWEST_TURN:
        every, enough = "less than once a day by this schedule", once * timing.runs_a_day
    return Refused(
        ProbeRefusal.BUDGET_IMPOSSIBLE,
        f"spec.transfer.maxBytesPerDay: {moved} {in_bytes(once)} in each of {timing.runs_a_day} "
        f"runs a day, so with {in_bytes(most)} a day each pair would have its turn {every}, and "
        f"{in_time(SLOWEST_TURN)} is the most; write {in_bytes(enough)} or more, or a smaller "
        "spec.transfer.payload.size, or test fewer pairs",
    )
