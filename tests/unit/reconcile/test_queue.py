"""The queue of keys."""

import asyncio

import pytest

from datalake_operator.reconcile.queue import FIRST_BACKOFF, LONGEST_BACKOFF, Queue


@pytest.fixture
def queue() -> Queue[str]:
    return Queue(jitter=lambda: 1.0)


async def taken(queue: Queue[str]) -> str:
    key, _ = await asyncio.wait_for(queue.get(), 1)
    return key


async def nothing_comes(queue: Queue[str]) -> bool:
    try:
        await asyncio.wait_for(queue.get(), 0.02)
    except TimeoutError:
        return True
    return False


async def test_a_key_that_is_added_twice_is_handed_out_once(queue: Queue[str]) -> None:
    queue.add("a")
    queue.add("a")
    assert await taken(queue) == "a"
    assert len(queue) == 0


async def test_keys_are_handed_out_in_the_order_in_which_they_came(queue: Queue[str]) -> None:
    for key in "cab":
        queue.add(key)
    assert [await taken(queue) for _ in range(3)] == ["c", "a", "b"]


async def test_a_key_is_never_with_two_workers(queue: Queue[str]) -> None:
    queue.add("a")
    assert await taken(queue) == "a"
    queue.add("a")
    assert await nothing_comes(queue)
    queue.done("a")
    assert await taken(queue) == "a"


async def test_a_key_that_was_not_added_again_is_not_handed_out_again(queue: Queue[str]) -> None:
    queue.add("a")
    await taken(queue)
    queue.done("a")
    assert await nothing_comes(queue)


async def test_a_timed_key_comes_when_its_time_has_come_and_not_before(queue: Queue[str]) -> None:
    began = asyncio.get_running_loop().time()
    queue.add_after("a", 0.05)
    assert await taken(queue) == "a"
    assert asyncio.get_running_loop().time() - began >= 0.05


async def test_the_earliest_of_several_appointments_counts_and_only_that_one(queue: Queue[str]) -> None:
    queue.add_after("a", 60)
    queue.add_after("a", 0.01)
    queue.add_after("a", 0.03)
    assert await taken(queue) == "a"
    queue.done("a")
    await asyncio.sleep(0.04)  # the later appointment, had it been kept, would be due by now
    assert len(queue) == 0


async def test_an_event_comes_before_an_appointment(queue: Queue[str]) -> None:
    queue.add_after("a", 60)
    queue.add("a")
    assert await taken(queue) == "a"


async def test_retries_back_off_exponentially_up_to_a_limit_and_start_anew_after_a_success(queue: Queue[str]) -> None:
    delays = [queue.retry("a") for _ in range(12)]
    assert delays[:4] == pytest.approx([FIRST_BACKOFF * factor for factor in (1, 2, 4, 8)])
    assert delays[-1] == LONGEST_BACKOFF
    queue.forget("a")
    assert queue.retry("a") == pytest.approx(FIRST_BACKOFF)


async def test_retries_of_many_keys_are_spread() -> None:
    numbers = iter([0.0, 0.5, 1.0])
    queue: Queue[str] = Queue(jitter=lambda: next(numbers))
    delays = [queue.retry(key) for key in "abc"]
    assert delays == pytest.approx([FIRST_BACKOFF * part for part in (0.5, 0.75, 1.0)])


async def test_a_retry_never_comes_before_the_server_allows(queue: Queue[str]) -> None:
    assert queue.retry("a", at_least=7) == 7


async def test_what_came_during_a_pass_that_failed_does_not_bring_the_retry_forward(queue: Queue[str]) -> None:
    began = asyncio.get_running_loop().time()
    queue.add("a")
    await taken(queue)
    queue.add("a")
    queue.retry("a", at_least=0.1)
    queue.done("a")
    assert len(queue) == 0
    assert await taken(queue) == "a"
    assert asyncio.get_running_loop().time() - began >= 0.1
    queue.done("a")
    assert await nothing_comes(queue)


async def test_what_comes_after_a_pass_that_failed_brings_the_retry_forward(queue: Queue[str]) -> None:
    queue.add("a")
    await taken(queue)
    queue.retry("a", at_least=60)
    queue.done("a")
    queue.add("a")
    assert await taken(queue) == "a"


async def test_appointments_that_no_longer_count_do_not_pile_up(queue: Queue[str]) -> None:
    queue.add_after("kept", 60)
    for _ in range(10_000):
        queue.add_after("a", 600)
        queue.add("a")
        await taken(queue)
        queue.done("a")
    assert len(queue._timers) < 100
    queue.add_after("kept", 0.01)
    assert await taken(queue) == "kept"


async def test_work_that_ends_is_not_stuck_and_work_that_does_not_end_is() -> None:
    now = 100.0
    queue: Queue[str] = Queue(clock=lambda: now)
    assert queue.stuck_for() == 0
    queue.add("a")
    queue.add("b")
    key, _ = await queue.get()
    now = 150.0
    assert queue.stuck_for() == 50
    queue.done(key)
    assert queue.stuck_for() == 0
    now = 180.0
    assert queue.stuck_for() == 30


async def test_what_waited_before_there_were_workers_is_not_stuck() -> None:
    now = 100.0
    queue: Queue[str] = Queue(clock=lambda: now)
    queue.add("a")
    now = 5000.0
    assert queue.stuck_for() == 0
    await queue.get()
    assert queue.stuck_for() == 0
    now = 5030.0
    assert queue.stuck_for() == 30


async def test_how_long_a_key_waited_is_told() -> None:
    now = 10.0
    queue: Queue[str] = Queue(clock=lambda: now)
    queue.add("a")
    now = 12.5
    assert await queue.get() == ("a", 2.5)
