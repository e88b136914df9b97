import base64
import json
import zlib
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.status import View
from datalake_operator.status.rucio import results
from tests.unit.status.conftest import ROOT
from tests.unit.status.rucio.conftest import dumped, job, job_pod, result, view

NAME = "rucio-db-0"


def seen(*pods: dict[str, Any]) -> View:
    return view(("Job", job(NAME)), pods=pods)


def packed(value: object) -> str:
    return "z1:" + base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


def state(one: View) -> str | None:
    found = results.database(one, NAME)
    return found.state if found else None


def test_a_result_is_read_from_the_message_of_a_container_that_has_ended_or_runs_again() -> None:
    assert state(seen(job_pod(NAME, result("behind"), last=False))) == "behind"
    assert state(seen(job_pod(NAME, result("current")))) == "current"


def test_the_newest_counts() -> None:
    older = job_pod(NAME, result("behind"), at="2026-11-25T11:00:00Z", last=False)
    newer = job_pod(NAME, result("current"), at="2026-11-25T11:00:01Z")
    assert state(seen(newer, older)) == state(seen(older, newer)) == "current"


def test_within_one_second_the_state_of_a_container_is_newer_than_the_one_before() -> None:
    one = job_pod(NAME, result("current"))
    status = one["status"]["containerStatuses"][0]
    status["lastState"] = job_pod(NAME, result("behind"), last=False)["status"]["containerStatuses"][0]["lastState"]
    assert state(seen(one)) == "current"


def test_what_is_long_comes_packed() -> None:
    long = result("behind", plan={"hash": "2" * 64, "sql": "ALTER TABLE x;\n" * 1000})
    found = results.database(seen(job_pod(NAME, packed(long))), NAME)
    assert found is not None
    assert found.plan is not None
    assert found.plan.sql == "ALTER TABLE x;\n" * 1000


NONSENSE: dict[str, object] = {
    "words": "Traceback (most recent call last)",
    "another version": result() | {"version": 2},
    "an unknown state": result("fine"),
    "a hash of another length": result("behind", plan={"hash": "1", "sql": None}),
    "a number as name": result(database=5),
    "a revision that is too long": result(revision="x" * 1000),
    "no object": [],
    "bytes that are not packed": "z1:AAAA",
    "text that is not base64": "z1:ä",
    "a packed bomb": packed("x" * 10_000_000),
    "deep nesting": "[" * 100_000,
    "half a character": '{"version":1,"verb":"ensure","state":"current","message":"\\ud800"}',
}


@pytest.mark.parametrize("told", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_no_result_and_hides_none_that_was_told_before(told: object) -> None:
    nonsense = job_pod(NAME, told, at="2026-11-25T12:00:00Z")
    assert results.database(seen(nonsense), NAME) is None
    assert state(seen(job_pod(NAME, result("behind"), last=False), nonsense)) == "behind"


@given(
    st.text()
    | st.text().map(lambda text: "z1:" + text)
    | st.recursive(st.none() | st.integers(), st.lists).map(json.dumps)
)
def test_any_message_is_a_result_or_none(text: str) -> None:
    one = seen(job_pod(NAME, text))
    assert results.database(one, NAME) is None
    assert results.backup(one, NAME) is None


def test_pods_that_only_carry_the_name_of_the_job_say_nothing() -> None:
    stranger = job_pod(NAME, result())
    stranger["metadata"]["ownerReferences"] = []
    former = job_pod(NAME, result())
    former["metadata"]["ownerReferences"][0]["uid"] = "uid-of-the-job-before"
    assert state(seen(stranger, former)) is None


def test_without_its_job_a_pod_says_nothing() -> None:
    assert state(view(pods=(job_pod(NAME, result()),))) is None


def test_words_are_one_short_line() -> None:
    found = results.database(seen(job_pod(NAME, result(message="a\nb " + "x" * 3000))), NAME)
    assert found is not None
    assert found.message.startswith("a b xx")
    assert len(found.message) == 1500


def test_backups_of_scheduled_jobs_are_read_without_the_jobs_which_are_the_cron_jobs_children() -> None:
    first = job_pod("rucio-backup-1", dumped(file="scheduled-1"), at="2026-11-25T03:00:00Z")
    second = job_pod("rucio-backup-2", dumped("failed"), at="2026-11-25T04:00:00Z")
    told = results.backups(view(pods=(second, first)), "rucio-backup-", "rucio-dump-")
    assert [(name, one.state) for name, one in told] == [("rucio-backup-1", "done"), ("rucio-backup-2", "failed")]


def test_times_of_backups_are_in_the_form_that_status_holds() -> None:
    backups = [{"name": "scheduled-1", "time": "2026-11-25T03:00:00.5+00:00", "size": 5}]
    found = results.backup(replace(seen(job_pod(NAME, dumped(backups=backups)))), NAME)
    assert found is not None
    assert found.backups[0].time == "2026-11-25T03:00:00Z"


SCHEMA = ROOT / "images" / "rucio" / "database.schema.json"


@pytest.mark.skipif(not SCHEMA.exists(), reason="the tool is not there")
@pytest.mark.parametrize("state_", ["current", "behind", "not-ours"])
def test_what_these_tests_tell_is_what_the_tool_may_tell(state_: str) -> None:
    jsonschema.validate(result(state_), json.loads(SCHEMA.read_text()))
