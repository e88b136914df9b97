"""Health and metrics over HTTP."""

import aiohttp

from datalake_operator.metrics import Metrics
from datalake_operator.web import Health, serve
from tests.support.postgres import free_port


async def fetch(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.text()


async def test_health_names_what_is_wrong_and_readiness_what_is_still_to_come() -> None:
    alive: list[str] = []
    ready = ["Pods are not known yet"]
    port = free_port()
    async with serve("127.0.0.1", port, Health(lambda: alive, lambda: ready), Metrics()):
        assert await fetch(port, "/healthz") == (200, "ok\n")
        assert await fetch(port, "/readyz") == (503, "Pods are not known yet\n")
        ready.clear()
        alive.append("stuck")
        assert await fetch(port, "/readyz") == (200, "ok\n")
        assert await fetch(port, "/healthz") == (503, "stuck\n")


async def test_series_of_a_resource_live_as_long_as_the_resource() -> None:
    resources = [("XCacheNode", "n", "a", (("Ready", "True"), ("Draining", "Unknown")))]
    metrics = Metrics()
    metrics.serve_resources(lambda: resources)
    port = free_port()
    async with serve("127.0.0.1", port, Health(lambda: (), lambda: ()), metrics):
        _, text = await fetch(port, "/metrics")
        assert 'datalake_resources{kind="XCacheNode",ready="True"} 1.0' in text
        assert 'datalake_resource_condition{kind="XCacheNode",name="a",namespace="n",type="Ready"} 1.0' in text
        assert 'type="Draining"} -1.0' in text
        resources.clear()
        _, text = await fetch(port, "/metrics")
        assert 'name="a"' not in text
