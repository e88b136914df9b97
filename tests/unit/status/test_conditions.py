from datetime import UTC, datetime, timedelta, timezone

from datalake_operator.status.conditions import MAX_MESSAGE, Condition, merge, parse_time, rfc3339
from tests.unit.status.conftest import NOW

READY = Condition("Ready", "True", "Serving", "serves")


def test_a_new_condition_gets_the_time_of_now() -> None:
    assert merge([], [READY], 3, NOW) == [
        {
            "type": "Ready",
            "status": "True",
            "observedGeneration": 3,
            "lastTransitionTime": "2026-11-25T12:00:00Z",
            "reason": "Serving",
            "message": "serves",
        }
    ]


def test_the_transition_time_is_kept_while_the_status_is_the_same() -> None:
    before = merge([], [READY], 1, NOW)
    after = merge(before, [Condition("Ready", "True", "Other", "other words")], 2, NOW + timedelta(hours=1))
    assert after[0]["lastTransitionTime"] == "2026-11-25T12:00:00Z"
    assert (after[0]["reason"], after[0]["observedGeneration"]) == ("Other", 2)


def test_the_transition_time_moves_with_the_status() -> None:
    before = merge([], [READY], 1, NOW)
    after = merge(before, [Condition("Ready", "False", "Starting", "")], 1, NOW + timedelta(hours=1))
    assert after[0]["lastTransitionTime"] == "2026-11-25T13:00:00Z"


def test_a_condition_that_no_longer_holds_goes() -> None:
    before = merge([], [READY, Condition("Stalled", "True", "InvalidSpec", "")], 1, NOW)
    assert [condition["type"] for condition in merge(before, [READY], 1, NOW)] == ["Ready"]


def test_merging_the_same_again_changes_nothing() -> None:
    before = merge([], [READY], 1, NOW)
    assert merge(before, [READY], 1, NOW + timedelta(days=1)) == before


def test_a_status_that_others_filled_badly_does_no_harm() -> None:
    assert merge([{}, {"type": "Ready"}], [READY], 1, NOW)[0]["lastTransitionTime"] == "2026-11-25T12:00:00Z"


def test_long_messages_are_cut() -> None:
    (condition,) = merge([], [Condition("Ready", "False", "Crashing", "x" * 5000)], 1, NOW)
    assert len(condition["message"]) == MAX_MESSAGE


def test_times_are_read_and_written_as_kubernetes_does() -> None:
    assert rfc3339(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == "2026-01-01T00:00:00Z"
    assert parse_time("2026-01-01T00:00:00Z") == datetime(2026, 1, 1, tzinfo=UTC)
    assert parse_time("2026-01-01T00:00:00.25Z") == datetime(2026, 1, 1, microsecond=250_000, tzinfo=UTC)
    assert [parse_time(text) for text in (None, "", "yesterday", "2026-01-01T00:00:00", 5)] == [None] * 5
