"""Two operators with a Lease: one works."""

import asyncio
import json
from collections.abc import Callable

import pytest

from tests.support.calls import Answer
from tests.support.lab import Lab
from tests.support.objects import is_current
from tests.support.operator import Operator
from tests.support.proxy import Client
from tests.support.waiting import eventually, stays

with_pods = pytest.mark.usefixtures("kubelet")

FAST = {"lease": "operator", "lease_duration": "3s", "lease_renew_deadline": "2s", "lease_retry_period": "400ms"}
DURATION, DEADLINE = 3.0, 2.0


async def leads(operator: Operator) -> bool:
    return operator.running and await operator.metric("datalake_leader") == 1


async def pair(lab: Lab) -> tuple[Operator, Operator]:
    """Start two operators at once; return the leader and the standby."""
    both = [await lab.prepare(name, **FAST) for name in ("a", "b")]
    for operator in both:
        operator.start()
    await asyncio.gather(*(operator.ready() for operator in both))

    async def one_leads() -> list[Operator]:
        return [operator for operator in both if await leads(operator)]

    (leader,) = await eventually(one_leads)
    (standby,) = [operator for operator in both if operator is not leader]
    return leader, standby


def name_of(lab: Lab, operator: Operator) -> str:
    return next(name for name, one in lab.operators.items() if one is operator)


def client_of(lab: Lab, operator: Operator) -> Client:
    return lab.proxy.clients[name_of(lab, operator)]


@with_pods
async def test_one_works_and_the_other_stands_by(lab: Lab) -> None:
    leader, standby = await pair(lab)
    await lab.create()
    await lab.ready()
    await stays(lambda: not lab.proxy.writes(name_of(lab, standby)), 2)
    assert lab.proxy.writes(name_of(lab, leader))
    assert await standby.status("/readyz") == await standby.status("/healthz") == 200
    assert await leader.metric("datalake_resources", kind="XCacheNode") == 1
    assert not await standby.metric("datalake_resources", kind="XCacheNode")
    assert not (await standby.metrics()).get("datalake_resource_condition")

    async def shows_the_same() -> bool:
        shown = [json.loads(await operator.page("/api/v1/caches"))["items"] for operator in (leader, standby)]
        return shown[0] == shown[1] and [one["state"] for one in shown[1]] == ["ok"]

    await eventually(shows_the_same, message="a standby serves the page too")


@with_pods
async def test_the_leader_is_killed_and_the_other_takes_over(lab: Lab) -> None:
    leader, standby = await pair(lab)
    await lab.create("old")
    await lab.ready("old")
    leader.kill()
    await lab.create("new")
    await lab.ready("new", DURATION + 10)
    assert await leads(standby)
    await lab.quiet()
    assert not [done for done in lab.proxy.writes(name_of(lab, standby)) if done.call.name.startswith("old")]


@with_pods
async def test_a_leader_that_is_asked_to_end_gives_the_lease_back(lab: Lab) -> None:
    leader, standby = await pair(lab)
    assert await leader.stop() == 0
    lease = await lab.admin.get("Lease", "operator", lab.namespace)
    assert lease["spec"].get("holderIdentity") in ("", None, name_of(lab, standby))
    await eventually(lambda: leads(standby), 1.5, "sooner than the Lease's duration")


CUTS: dict[str, Callable[[Lab, Client], object]] = {
    "refused": lambda lab, client: lab.proxy.cut(client),
    "hanging": lambda lab, client: lab.proxy.cut(client, hang=True),
    "only the Lease fails": lambda lab, client: lab.proxy.add(
        Answer(500), client=client.name, resource="leases", times=None
    ),
    "only the Lease is refused": lambda lab, client: lab.proxy.add(
        Answer(403, "Forbidden"), client=client.name, resource="leases", times=None
    ),
}


@pytest.mark.parametrize("cut", CUTS)
async def test_a_leader_cut_from_the_api_ends_within_the_deadline_and_writes_nothing_after_it(
    cut: str, lab: Lab
) -> None:
    leader, standby = await pair(lab)
    loop = asyncio.get_running_loop()
    working = asyncio.create_task(_work(lab))
    await eventually(lambda: len(lab.proxy.writes(name_of(lab, leader))) > 5)
    CUTS[cut](lab, client_of(lab, leader))
    start = loop.time()
    assert await leader.ended() == 1
    assert loop.time() - start < DEADLINE + 1
    await eventually(lambda: leads(standby), DURATION + 5)
    await working
    for number in range(40):
        await lab.until(is_current, f"x{number}", 30)
    last = max(done.ended for done in lab.proxy.writes(name_of(lab, leader)))
    first = min(done.started for done in lab.proxy.writes(name_of(lab, standby)))
    assert last < first


async def _work(lab: Lab) -> None:
    for number in range(40):
        await lab.create(f"x{number}")
        await asyncio.sleep(0.1)


@with_pods
async def test_short_trouble_with_the_lease_changes_nothing(lab: Lab) -> None:
    leader, standby = await pair(lab)
    rule = lab.proxy.add(Answer(500), client=name_of(lab, leader), resource="leases", times=2)
    await eventually(lambda: rule.fired == 2)
    await stays(lambda: leader.running, DEADLINE + 0.5)
    assert await leads(leader)
    assert not await leads(standby)


@with_pods
async def test_a_rolling_update_of_both_keeps_one_ready_and_one_leader(lab: Lab) -> None:
    old = await pair(lab)
    alive = list(old)
    seen: list[int] = []

    async def count_ready() -> None:
        while True:
            states = [await operator.status("/readyz") for operator in alive if operator.running]
            seen.append(sum(state == 200 for state in states))
            await asyncio.sleep(0.05)

    counting = asyncio.create_task(count_ready())
    for operator, name in zip(old, ("c", "d"), strict=True):
        new = await lab.operator(name, **FAST)
        alive.append(new)
        assert await operator.stop() == 0
    await lab.create()
    await lab.ready()
    counting.cancel()
    assert min(seen) >= 1
    assert sum([await leads(operator) for operator in alive]) == 1


@with_pods
async def test_without_a_lease_an_operator_works_at_once(lab: Lab) -> None:
    operator = await lab.operator()
    assert await leads(operator)
    assert not await lab.admin.list("Lease", lab.namespace)
