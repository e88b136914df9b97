"""A Prometheus beside the cluster, that scrapes the operator and the cache as their monitors would have it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from datalake_operator.cli.monitoring import files
from tests.cluster import binaries
from tests.demo.kubectl import Kubectl
from tests.demo.names import RELEASE
from tests.demo.reads import EXPORTER_PORT
from tests.e2e.grid.names import GRID
from tests.e2e.grid.probes import XCACHE
from tests.e2e.names import OPERATOR
from tests.monitoring.prometheus import Job, Prometheus, impatient, prometheus
from tests.support.postgres import free_port


@asynccontextmanager
async def scraped(lake: Kubectl, folder: Path) -> AsyncIterator[Prometheus]:
    """Scrape every second while the context is open, with our rules, whose alerts do not wait."""
    cache = {"namespace": GRID, "pod": f"{XCACHE}-0", "container": "exporter"}
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(_forwarded(lake, OPERATOR, f"service/{RELEASE}", 8080))
        exporter = await stack.enter_async_context(_forwarded(lake, GRID, f"pod/{XCACHE}-0", EXPORTER_PORT))
        jobs = [
            Job("operator", f"127.0.0.1:{operator}", {"namespace": OPERATOR}),
            Job("cache", f"127.0.0.1:{exporter}", cache),
        ]
        rules = impatient(files()["rules.yaml"])
        yield await stack.enter_async_context(prometheus(folder, free_port(), jobs, rules))


@asynccontextmanager
async def _forwarded(lake: Kubectl, namespace: str, target: str, port: int) -> AsyncIterator[int]:
    """Lead a port of this machine to a port in the cluster; gives its number."""
    local = free_port()
    command: list[str | Path] = [
        "--kubeconfig",
        lake.kubeconfig,
        "port-forward",
        "--namespace",
        namespace,
        target,
        f"{local}:{port}",
    ]
    process = await asyncio.create_subprocess_exec(
        binaries.path("kubectl"), *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        first = await asyncio.wait_for(process.stdout.readline(), 30)
        assert first.startswith(b"Forwarding from"), first
        yield local
    finally:
        process.terminate()
        await process.wait()
