"""When a probe runs: the cron expression of an interval, and the distances between runs."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from cronsim import CronSim

from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.values import parse_duration
from datalake_operator.build.probe.refusals import ProbeRefusal
from datalake_operator.build.refused import Refused

DAY = 86400
"""Seconds."""

_BEGINNING = datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Fixed, so that the same schedule always has the same figures; a leap year follows."""

_FIRING_DAYS = 400
"""Days with runs that are looked at: over a year where there is one every day."""

_HORIZON = timedelta(days=12 * 366)
"""A 29 February comes again within 8 years at most."""

_STEPS = re.compile(r"\*/(?!1\b)")
"""Days by steps. Of two restrictions of days Kubernetes (robfig/cron 3) wants one, and cronsim, like Debian's cron,
both where one of them begins with a star; written as a range they read it alike."""

_LONGEST_JITTER = 60
"""Seconds: the most that a run waits by itself, so that probes do not start together (specification)."""

_LATEST_START = 300
"""Seconds after its time within which a run still begins; and never so late that the next one is due."""


@dataclass(frozen=True)
class Schedule:
    """When runs begin. Computed in UTC: clocks that go forward or back change a gap by an hour once a year."""

    cron: str
    time_zone: str | None
    """None: the cluster's."""

    smallest_gap: int
    """Seconds between two runs at least."""

    largest_gap: int
    """Seconds between two runs at most."""

    runs_a_day: int
    """Runs on a day that has any."""

    def times(self, limit: int) -> Iterator[int]:
        """Yield up to so many times of runs in seconds since 1970, from the fixed beginning on."""
        times, days = _shape(self.cron)
        left = limit
        for day in days:
            for second in times[:left]:
                yield day * DAY + second
            left -= len(times)
            if left <= 0:
                return


def of(probe: QoSProbe) -> Schedule:
    """Give the schedule of a probe.

    Raises:
        Refused: it never runs.
    """
    spec, cron = probe.spec, probe.spec.schedule
    if cron is None:
        length = parse_duration(spec.interval or "1h") // timedelta(seconds=1)
        return Schedule(_cron(length // 60, _number(probe)), "Etc/UTC", length, length, DAY // length)
    times, days = _shape(cron)
    if not days:
        raise Refused(
            ProbeRefusal.NEVER_RUNS,
            f"spec.schedule: {cron!r} is of no day that exists; write minute, hour, day of month, month, day of week, "
            "e.g. */15 * * * *",
        )
    gaps = [later - earlier for earlier, later in pairwise(times)]
    over_night = DAY - times[-1] + times[0]
    gaps += {(later - earlier - 1) * DAY + over_night for earlier, later in pairwise(days)}
    gaps = gaps or [_HORIZON // timedelta(seconds=1)]
    return Schedule(cron, spec.time_zone, min(gaps), max(gaps), len(times))


def largest_gap(probe: QoSProbe) -> int:
    """Seconds between two runs at most.

    Raises:
        Refused: it never runs.
    """
    return of(probe).largest_gap


def jitter(probe: QoSProbe) -> int:
    """Seconds that a scheduled run waits first: up to a minute or a tenth of the interval, from the uid."""
    return _number(probe) // DAY % (min(_LONGEST_JITTER, of(probe).smallest_gap // 10) + 1)


def starting_deadline(schedule: Schedule) -> int:
    """Seconds after its time within which a run still begins. Kubernetes gives up a CronJob that missed 100."""
    return min(_LATEST_START, schedule.smallest_gap)


def _number(probe: QoSProbe) -> int:
    """A large number that differs from probe to probe and never changes; of the name while there is no uid."""
    text = probe.metadata.uid or f"{probe.metadata.namespace}/{probe.metadata.name}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


def _cron(length: int, number: int) -> str:
    """The cron expression of an interval of so many minutes, with an offset so that not all probes run at once."""
    offset = number % length
    if length < 60:
        return "* * * * *" if length == 1 else f"{offset}-59/{length} * * * *"
    minute, hour, hours = offset % 60, offset // 60, length // 60
    return f"{minute} {'*' if hours == 1 else hour if hours == 24 else f'{hour}-23/{hours}'} * * *"


@lru_cache(maxsize=1024)
def _shape(cron: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Seconds after midnight of the runs of a day, the same each day, and the days that have any, as days since 1970.

    Day by day, since a year of minutes has half a million.
    """
    times: list[int] = []
    days: list[int] = []
    minute, hour, day, month, weekday = cron.split(" ")
    cron = " ".join((minute, hour, _STEPS.sub("1-31/", day), month, _STEPS.sub("0-6/", weekday)))
    after = _BEGINNING
    while len(days) < _FIRING_DAYS and after < _BEGINNING + _HORIZON:
        try:
            found = next(CronSim(cron, after))
        except StopIteration:
            break
        midnight = found.replace(hour=0, minute=0, second=0)
        days.append(int(midnight.timestamp()) // DAY)
        after = midnight + timedelta(days=1, seconds=-1)
        times = times or list(_times_of_day(cron, midnight))
    return tuple(times), tuple(days)


def _times_of_day(cron: str, midnight: datetime) -> Iterator[int]:
    for moment in CronSim(cron, midnight - timedelta(seconds=1)):
        if moment >= midnight + timedelta(days=1):
            return
        yield (moment - midnight) // timedelta(seconds=1)
