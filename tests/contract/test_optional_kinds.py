"""PodMonitor, which some clusters serve and some do not."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.conftest import POD_MONITORS, define, undefine
from tests.support.client import Client
from tests.support.kubelet import Kubelet
from tests.support.lab import Lab
from tests.support.objects import essence
from tests.support.waiting import eventually, stays

DEFINITION = POD_MONITORS["metadata"]["name"]


@pytest.fixture
async def undefined(admin: Client) -> AsyncIterator[None]:
    """Nobody has defined PodMonitor, and nobody will have after the test."""
    yield
    await undefine(admin, DEFINITION)


async def has_monitor(lab: Lab) -> bool:
    return ("PodMonitor", "x") in await lab.children()


@pytest.mark.usefixtures("kubelet", "undefined")
async def test_a_monitor_is_made_as_soon_as_the_cluster_serves_its_kind(lab: Lab) -> None:
    await lab.operator(resync="1s")
    await lab.create()
    await lab.ready()
    assert not await has_monitor(lab)
    await define(lab.admin, POD_MONITORS)
    await eventually(lambda: has_monitor(lab))


@pytest.mark.usefixtures("undefined")
async def test_a_cluster_that_no_longer_serves_the_kind_keeps_everything_else(lab: Lab, kubelet: Kubelet) -> None:
    await define(lab.admin, POD_MONITORS)
    operator = await lab.operator(resync="1s")
    await lab.create()
    await lab.ready()
    others = {key: child for key, child in (await lab.children()).items() if key[0] != "PodMonitor"}
    assert await has_monitor(lab)
    await undefine(lab.admin, DEFINITION)
    await stays(lambda: _is_well(lab, operator.port), 3)
    assert essence(await lab.children()) == essence(others)
    kubelet.ready = False
    await kubelet.sync()
    await lab.until(lambda body: body["status"]["conditions"][0]["status"] == "False")
    kubelet.ready = True
    await kubelet.sync()
    await lab.ready()


async def _is_well(lab: Lab, port: int) -> bool:
    operator = lab.operators["operator"]
    assert operator.port == port
    return operator.running and await operator.status("/healthz") == 200
