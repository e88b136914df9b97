"""Many resources at once."""

import asyncio
from collections import defaultdict

from tests.support.lab import Lab
from tests.support.objects import condition, is_current
from tests.support.proxy import Done
from tests.support.waiting import eventually

COUNT = 500


async def test_five_hundred_resources_created_together_converge_one_worker_for_each(lab: Lab) -> None:
    operator = await lab.operator()
    start = await lab.audit.mark()
    slots = asyncio.Semaphore(32)

    async def create(number: int) -> None:
        async with slots:
            await lab.create(f"x{number:03}")

    await asyncio.gather(*(create(number) for number in range(COUNT)))

    def told() -> set[str]:
        return {done.call.name for done in lab.proxy.writes() if done.call.subresource == "status"}

    await eventually(lambda: len(told()) == COUNT, 180)
    await lab.quiet(1)
    bodies = await lab.admin.list("XCacheNode", lab.namespace)
    assert all(is_current(body) and condition(body, "Reconciling") for body in bodies)
    children = await lab.children("x000")
    assert len(await lab.admin.list("StatefulSet", lab.namespace)) == COUNT
    writes = await lab.writes(start)
    assert len(writes) <= COUNT * (len(children) + 2)
    assert not overlapping(lab.proxy.writes())
    assert await operator.metric("datalake_resources", kind="XCacheNode") == COUNT
    assert await operator.metric("datalake_queue_depth") == 0


def overlapping(writes: list[Done]) -> list[tuple[Done, Done]]:
    """Return writes for one resource that were under way at the same time."""
    by_resource: dict[str, list[Done]] = defaultdict(list)
    for done in writes:
        by_resource[done.call.name.partition("-")[0]].append(done)
    assert len(by_resource) == COUNT
    return [
        (first, second)
        for one in by_resource.values()
        for first, second in zip(sorted(one, key=_start), sorted(one, key=_start)[1:], strict=False)
        if second.started < first.ended
    ]


def _start(done: Done) -> float:
    return done.started
