"""When probes run: offsets from the uid, and the distances between runs."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.api.probe import Interval
from datalake_operator.api.values import parse_duration
from datalake_operator.build.probe import schedule
from tests.unit.build.probe_cases import tcp

UIDS = [f"5a8d3c1e-0000-4000-8000-{number:012}" for number in range(40)]


@pytest.mark.parametrize("interval", get_args(Interval))
def test_an_interval_is_a_cron_expression_that_keeps_it_exactly(interval: str) -> None:
    length = parse_duration(interval) // timedelta(seconds=1)
    for uid in UIDS[:8]:
        found = schedule.of(tcp(uid, interval=interval))
        assert (found.smallest_gap, found.largest_gap) == (length, length)
        assert found.runs_a_day == 86400 // length
        assert found.time_zone == "Etc/UTC"
        same = schedule.of(tcp(schedule=found.cron, timeZone="Etc/UTC"))
        assert same == found


def test_probes_of_one_interval_do_not_all_run_in_the_same_minute() -> None:
    minutes = {schedule.of(tcp(uid, interval="15m")).cron.partition("-")[0] for uid in UIDS}
    assert len(minutes) > 10
    assert schedule.of(tcp(UIDS[0])).cron == schedule.of(tcp(UIDS[0])).cron


def test_a_run_waits_a_tenth_of_its_interval_at_most_and_never_more_than_a_minute() -> None:
    for interval, most in {"1m": 6, "5m": 30, "15m": 60, "24h": 60}.items():
        waits = {schedule.jitter(tcp(uid, interval=interval)) for uid in UIDS}
        assert max(waits) <= most
        assert len(waits) > most / 10


@pytest.mark.parametrize(
    ("cron", "smallest", "largest"),
    [
        ("*/15 * * * *", 900, 900),
        ("0,50 * * * *", 600, 3000),
        ("0 9-17 * * *", 3600, 16 * 3600),
        ("30 3 * * 1-5", 86400, 3 * 86400),
        ("0 0 1 * *", 28 * 86400, 31 * 86400),
        ("* * * 1 *", 60, 334 * 86400 + 60 + 86400),
        ("0 0 */7 * 1", 86400, 7 * 86400),  # every seventh day and every Monday: so Kubernetes reads it
        ("0 0 29 2 *", 1461 * 86400, 1461 * 86400),
    ],
)
def test_gaps_of_a_schedule_are_looked_for_in_years_not_hours(cron: str, smallest: int, largest: int) -> None:
    found = schedule.of(tcp(schedule=cron))
    assert (found.smallest_gap, found.largest_gap) == (smallest, largest)
    assert schedule.largest_gap(tcp(schedule=cron)) == largest


PART = st.sampled_from(["*", "*/7", "3", "1,4", "2-5"])
DAY = st.sampled_from(["*", "1-31/7", "3", "1,4", "2-5"])
WEEKDAY = st.sampled_from(["*", "0-6/2", "3", "1,4", "2-5"])


@given(st.tuples(PART, PART, DAY, PART, WEEKDAY).map(" ".join))
@settings(max_examples=40, deadline=None)
def test_gaps_are_those_of_every_single_run(cron: str) -> None:
    found = schedule.of(tcp(schedule=cron))
    begin = datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)
    moments = []
    for moment in CronSim(cron, begin):
        moments.append(moment)
        if len(moments) == 400 or moment > begin + timedelta(days=400):
            break
    gaps = [(later - earlier) // timedelta(seconds=1) for earlier, later in pairwise(moments)]
    assert all(found.smallest_gap <= gap <= found.largest_gap for gap in gaps)
    assert list(found.times(len(moments))) == [int(moment.timestamp()) for moment in moments]


def test_a_run_that_is_late_never_begins_when_the_next_is_due() -> None:
    for cron, latest in {"* * * * *": 60, "*/15 * * * *": 300}.items():
        assert schedule.starting_deadline(schedule.of(tcp(schedule=cron))) == latest
