import pytest

from tests.support.waiting import eventually, stays, unchanged


async def test_a_condition_is_awaited_and_its_value_returned() -> None:
    values = iter([0, 0, 7])
    assert await eventually(lambda: next(values)) == 7


async def test_failed_assertions_and_missing_keys_mean_not_yet() -> None:
    tries: list[int] = []

    async def third() -> bool:
        tries.append(1)
        assert len(tries) > 1
        if len(tries) == 2:
            raise KeyError("status")
        return True

    assert await eventually(third)


async def test_a_condition_that_never_holds_says_what_was_seen_last() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.05 s: the thing is there; last seen: \[\]"):
        await eventually(list, 0.05, "the thing is there")


async def test_what_must_stay_is_watched_all_the_time() -> None:
    await stays(lambda: True, 0.1)
    values = iter([True, False])
    with pytest.raises(AssertionError, match="did not stay true"):
        await stays(lambda: next(values), 1)


async def test_work_without_a_visible_end_is_over_when_nothing_changes() -> None:
    count = iter(range(3))
    await unchanged(lambda: next(count, 99), 0.1)
    rising = iter(range(10_000))
    with pytest.raises(AssertionError, match="still changing"):
        await unchanged(lambda: next(rising), 0.1, 0.2)
