import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.kube.errors import Conflict, NotFound, Unreachable
from datalake_operator.kube.lease import Lease
from datalake_operator.kube.resource import Resource
from tests.unit.kube.clock import run

Object = dict[str, Any]


def now() -> float:
    return asyncio.get_running_loop().time()


class Shelf:
    """Where the Lease lies: one object with versions, as etcd keeps it."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.writes: list[tuple[float, str]] = []
        self._version = 0

    def write(self, manifest: Object) -> Object:
        self._version += 1
        self.writes.append((now(), manifest["spec"]["holderIdentity"]))
        self.lease = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": str(self._version)}}
        return self.lease


@dataclass
class Line:
    """One candidate's way to the shelf; `trouble` is called with each verb and may raise or wait."""

    shelf: Shelf
    trouble: Callable[[str], Any] = lambda _verb: None
    times: list[float] = field(default_factory=list)

    async def get(self, _resource: Resource, _namespace: str, _name: str) -> Object:
        await self._way("get")
        if self.shelf.lease is None:
            raise NotFound(404, "NotFound", "")
        return self.shelf.lease

    async def create(self, manifest: Object) -> Object:
        await self._way("create")
        if self.shelf.lease is not None:
            raise Conflict(409, "AlreadyExists", "")
        return self.shelf.write(manifest)

    async def update(self, manifest: Object) -> Object:
        await self._way("update")
        if self.shelf.lease is None:
            raise NotFound(404, "NotFound", "")
        if manifest["metadata"]["resourceVersion"] != self.shelf.lease["metadata"]["resourceVersion"]:
            raise Conflict(409, "Conflict", "")
        return self.shelf.write(manifest)

    async def _way(self, verb: str) -> None:
        self.times.append(now())
        await asyncio.sleep(0.01)
        answer = self.trouble(verb)
        if asyncio.iscoroutine(answer):
            await answer


class Candidate:
    """A process that wants to lead; `die` ends it as the operating system would."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self.line = Line(shelf)
        self.died_at: float | None = None
        self.stop = asyncio.Event()
        self.lease = Lease(self.line, "ns", "lease", name, die=self._die)  # type: ignore[arg-type]
        self.task = asyncio.ensure_future(self.lease.run(self.stop))

    def _die(self, code: int) -> None:
        assert code == 1
        self.died_at = now()
        self.task.cancel()

    @property
    def leads(self) -> bool:
        return self.lease.leading.is_set() and not self.task.done()

    async def kill(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


async def hang() -> None:
    await asyncio.sleep(3600)


def fail() -> None:
    raise Unreachable("cut")


def test_one_leads_and_the_other_takes_over_only_when_the_lease_ran_out() -> None:
    async def main() -> None:
        shelf = Shelf()
        first = Candidate(shelf, "first")
        await asyncio.sleep(1)
        second = Candidate(shelf, "second")
        await asyncio.sleep(60)
        assert first.leads
        assert not second.leads
        await first.kill()
        last = shelf.writes[-1][0]
        await second.lease.leading.wait()
        assert 15 <= now() - last <= 15 + 2 * 2 + 0.1
        assert shelf.lease is not None
        assert shelf.lease["spec"]["leaseTransitions"] == 1
        await second.kill()

    run(main)


def test_a_leader_that_stops_hands_over_at_once() -> None:
    async def main() -> None:
        shelf = Shelf()
        first, second = Candidate(shelf, "first"), Candidate(shelf, "second")
        await asyncio.sleep(5)
        leader, other = (first, second) if first.leads else (second, first)
        leader.stop.set()
        began = now()
        await other.lease.leading.wait()
        assert now() - began <= 2.1
        assert leader.task.done()
        assert leader.died_at is None
        await other.kill()

    run(main)


def test_a_candidate_that_never_led_leaves_the_lease_alone() -> None:
    async def main() -> None:
        shelf = Shelf()
        first = Candidate(shelf, "first")
        await asyncio.sleep(1)
        second = Candidate(shelf, "second")
        await asyncio.sleep(5)
        second.stop.set()
        await second.task
        assert {holder for _, holder in shelf.writes} == {"first"}
        await first.kill()

    run(main)


@pytest.mark.parametrize("trouble", [lambda _verb: fail(), lambda _verb: hang()])
def test_a_leader_that_cannot_renew_ends_at_the_deadline_and_not_before(trouble: Callable[[str], Any]) -> None:
    async def main() -> None:
        shelf = Shelf()
        leader = Candidate(shelf, "leader")
        await asyncio.sleep(30)
        leader.line.trouble = trouble
        last = shelf.writes[-1][0]
        tries = len(leader.line.times)
        await asyncio.wait([leader.task])
        assert leader.died_at is not None
        assert leader.died_at - last == pytest.approx(10, abs=0.02)
        assert len(leader.line.times) - tries >= 4
        assert shelf.writes[-1][0] == last

    run(main)


def test_errors_shorter_than_the_deadline_are_survived() -> None:
    async def main() -> None:
        shelf = Shelf()
        leader = Candidate(shelf, "leader")
        for _ in range(20):
            leader.line.trouble = lambda _verb: fail()
            await asyncio.sleep(6)
            leader.line.trouble = lambda _verb: None
            await asyncio.sleep(4)
        assert leader.leads
        await leader.kill()

    run(main)


def test_a_renewal_whose_answer_was_lost_does_not_end_the_leader() -> None:
    async def main() -> None:
        shelf = Shelf()
        leader = Candidate(shelf, "leader")
        await asyncio.sleep(10)
        assert shelf.lease is not None
        shelf.write(shelf.lease)  # the write arrived, its answer did not
        await asyncio.sleep(30)
        assert leader.leads
        await leader.kill()

    run(main)


def test_a_leader_that_sees_another_holder_ends_at_once() -> None:
    async def main() -> None:
        shelf = Shelf()
        leader = Candidate(shelf, "leader")
        await asyncio.sleep(10)
        assert shelf.lease is not None
        shelf.write({**shelf.lease, "spec": {**shelf.lease["spec"], "holderIdentity": "thief"}})
        began = now()
        await asyncio.wait([leader.task])
        assert leader.died_at is not None
        assert leader.died_at - began <= 4.1

    run(main)


@pytest.mark.parametrize("after", [10.1, 10.5, 11.0, 11.5, 12.0])
def test_a_lease_that_is_deleted_by_hand_comes_back_and_changes_no_leader(after: float) -> None:
    async def main() -> None:
        shelf = Shelf()
        leader = Candidate(shelf, "leader")
        await asyncio.sleep(1)
        standby = Candidate(shelf, "standby")
        await asyncio.sleep(after)
        shelf.lease = None
        for _ in range(300):
            await asyncio.sleep(0.1)
            assert leader.leads
            assert not standby.leads
        await leader.kill()
        shelf.lease = None
        await asyncio.sleep(20)
        assert standby.leads
        await standby.kill()

    run(main)


def test_a_restarted_process_of_the_same_name_need_not_wait_for_itself() -> None:
    async def main() -> None:
        shelf = Shelf()
        first = Candidate(shelf, "pod")
        await asyncio.sleep(10)
        await first.kill()
        second = Candidate(shelf, "pod")
        began = now()
        await second.lease.leading.wait()
        assert now() - began < 0.1
        await second.kill()

    run(main)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), badness=st.floats(0.05, 0.95))
def test_whatever_the_network_does_there_are_never_two_leaders(seed: int, badness: float) -> None:
    async def main() -> None:
        dice = random.Random(seed)  # noqa: S311 - a test
        shelf = Shelf()

        def trouble(_verb: str) -> Any:
            what = dice.random() / badness
            return fail() if what < 0.5 else asyncio.sleep(dice.uniform(0, 4)) if what < 1 else None

        candidates: list[Candidate] = []
        for step in range(1500):
            candidates = [candidate for candidate in candidates if not candidate.task.done()]
            if len(candidates) < 3:
                candidates.append(Candidate(shelf, f"c{step}"))
                candidates[-1].line.trouble = trouble
            await asyncio.sleep(0.25)
            assert sum(candidate.leads for candidate in candidates) <= 1
        for candidate in candidates:
            await candidate.kill()

    run(main)
