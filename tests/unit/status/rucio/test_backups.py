from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from datalake_operator.status import View
from datalake_operator.status.rucio.backups import fresh, listed
from tests.unit.status.rucio.conftest import EXTERNAL, dumped, job_pod, server, view

CRON: dict[str, Any] = {"metadata": {"name": "rucio-backup", "creationTimestamp": "2026-11-25T12:00:00Z"}, "status": {}}


def entry(name: str, time: str = "2026-11-25T03:00:00Z", size: int = 5) -> dict[str, Any]:
    return {"name": name, "time": time, "size": size}


def run(number: int, told: dict[str, Any]) -> dict[str, Any]:
    return job_pod(f"rucio-backup-{number}", told, at=f"2026-11-25T{number:02}:00:00Z")


def names(seen: View) -> list[str]:
    return [one["name"] for one in listed(server(), seen)]


def test_the_newest_run_says_which_dumps_there_are() -> None:
    first = run(3, dumped(file="scheduled-1", backups=[entry("scheduled-1")]))
    second = run(4, dumped(file="scheduled-2", backups=[entry("scheduled-2", "2026-11-25T04:00:00Z")]))
    assert names(view(pods=(first, second))) == ["scheduled-2"]


def test_what_was_listed_before_stays_until_a_run_of_its_kind_says_otherwise() -> None:
    before = [entry("scheduled-1"), entry("migration-1", "2026-11-24T00:00:00Z")]
    assert names(view(previous={"backups": before})) == ["scheduled-1", "migration-1"]
    told = run(4, dumped(file="scheduled-2", backups=[entry("scheduled-2", "2026-11-25T04:00:00Z")]))
    assert names(view(pods=(told,), previous={"backups": before})) == ["scheduled-2", "migration-1"]
    dump = job_pod("rucio-dump-1", dumped(file="migration-2", backups=[entry("migration-2")]))
    assert names(view(pods=(dump,), previous={"backups": before})) == ["scheduled-1", "migration-2"]


def test_a_run_that_failed_takes_nothing_away() -> None:
    before = {"backups": [entry("scheduled-1")]}
    assert names(view(pods=(run(4, dumped("failed")),), previous=before)) == ["scheduled-1"]


def judged(now: str, *, pods: tuple[Any, ...] = (), **status: Any) -> tuple[str, str, datetime | None]:
    cron = {**CRON, "status": status}
    condition, due = fresh(server(), view(("CronJob", cron), pods=pods), datetime.fromisoformat(now))
    assert condition is not None
    return condition.status, condition.message, due


def test_a_dump_is_overdue_after_two_intervals_without_one() -> None:
    """The schedule is three in the morning, and a dump may take ten minutes."""
    last: dict[str, Any] = {"lastSuccessfulTime": "2026-11-25T03:00:20Z"}
    status, _, due = judged("2026-11-27T03:09:59Z", **last)
    assert (status, due) == ("True", datetime(2026, 11, 27, 3, 10, tzinfo=UTC))
    status, message, _ = judged("2026-11-27T03:10:00Z", **last)
    assert status == "False"
    assert "'0 3 * * *'" in message


def test_before_the_first_dump_the_cron_job_counts() -> None:
    assert judged("2026-11-27T03:09:59Z")[0] == "True"
    assert judged("2026-11-27T03:10:00Z")[0] == "False"


def test_a_dump_that_is_listed_counts_though_its_job_is_gone() -> None:
    seen = view(("CronJob", CRON), previous={"backups": [entry("scheduled-1", "2026-11-26T03:00:00Z")]})
    condition, due = fresh(server(), seen, datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert condition is not None
    assert due == datetime(2026, 11, 28, 3, 10, tzinfo=UTC)


def test_why_the_last_one_failed_is_told_at_once() -> None:
    failed = (run(3, dumped("failed", message="disk full")),)
    status, message, _ = judged("2026-11-25T13:00:00Z", pods=failed)
    assert status == "True"
    assert "the last one failed: disk full" in message
    assert "disk full" in judged("2026-11-28T13:00:00Z", pods=failed)[1]


@pytest.mark.parametrize("database", [EXTERNAL, {"embedded": {"backup": {"enabled": False}}}])
def test_there_is_nothing_to_say_where_nothing_is_scheduled(database: dict[str, Any]) -> None:
    assert fresh(server(database=database), view(("CronJob", CRON)), datetime.now(UTC)) == (None, None)
    assert fresh(server(), view(), datetime.now(UTC) + timedelta(0)) == (None, None)
