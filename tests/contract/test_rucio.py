"""A RucioServer from nothing to Ready and to its end, counted and watched."""

import asyncio
from typing import Any

import pytest

from tests.support.lab import Lab

pytestmark = pytest.mark.usefixtures("rucio")


def verdicts(body: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(one["type"], one["status"], one["reason"]) for one in body.get("status", {}).get("conditions", [])}


async def test_a_new_one_becomes_ready_and_each_write_beyond_its_children_tells_of_a_transition(lab: Lab) -> None:
    await lab.operator()
    start = await lab.audit.mark()
    created = await lab.create()
    seen: list[dict[str, Any]] = []

    async def follow() -> None:
        async for event in lab.admin.watch("RucioServer", lab.namespace, created["metadata"]["resourceVersion"]):
            seen.append(event["object"])  # noqa: PERF401 - the watch does not end

    following = asyncio.create_task(follow())
    await lab.ready(within=30)
    await lab.quiet(1)
    following.cancel()
    requests = await lab.audit.since(start)
    children, writes = await lab.children(), requests.writes(lab.user)
    transitions = sum(verdicts(a) != verdicts(b) for a, b in zip([{}, *seen], seen, strict=False))
    told = f"{writes.counts()}\n" + "\n".join(str(verdicts(body)) for body in seen)
    assert len(writes) <= len(children) + transitions, told
    assert len(requests.gets(lab.user)) <= len(children), str(requests.gets(lab.user))
    assert len(requests.events(lab.user)) <= 2, str(requests.events(lab.user))
