"""The measurements, each a function that gives figures. Budgets: design, section 4."""

import json
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.bench import Bench, children
from tests.bench.budgets import Figure
from tests.support.client import Object
from tests.support.exporter import Exporter
from tests.support.kubelet import Kubelet
from tests.support.objects import is_ready
from tests.support.operator import Operator
from tests.support.waiting import eventually, unchanged

MANY, MOST = 1000, 5000
NAMESPACE = "bench"
SAMPLES = 50


async def idle(bench: Bench) -> list[Figure]:
    """Memory without any resource."""
    operator = bench.operator(await bench.namespace("bench-idle"))
    await operator.started()
    await unchanged(operator.resident, 1.0)
    try:
        return [Figure("memory, idle", operator.resident(), "MiB", 75)]
    finally:
        await operator.stop()


async def latency(bench: Bench) -> list[Figure]:
    """From create to Ready, one after the other, with a stand-in for kubelet; and the writes that it took."""
    namespace = await bench.namespace("bench-latency")
    operator = bench.operator(namespace)
    await operator.started()
    taken: list[float] = []
    try:
        async with Exporter() as exporter, Kubelet(bench.admin, namespace, address=exporter.address):
            mark = await bench.audit.mark()
            for number in range(SAMPLES):
                name = f"x{number}"
                began = time.monotonic()
                await bench.create(namespace, [name])
                await eventually(lambda name=name: _is_ready(bench, namespace, name), 20)  # type: ignore[misc]
                taken.append(time.monotonic() - began)
            requests = await bench.audit.since(mark)
        count = len(children("x", namespace, "u"))
        return [
            *_percentiles("from create to Ready", taken),
            Figure("writes a resource, until Ready", len(requests.writes("operator")) / SAMPLES, "", count + 4),
            Figure("events a resource", len(requests.events("operator")) / SAMPLES, "", 2),
        ]
    finally:
        await operator.stop()


async def repair(bench: Bench) -> list[Figure]:
    """From the deletion of a child by hand until it is there again."""
    namespace = await bench.namespace("bench-repair")
    operator = bench.operator(namespace)
    await operator.started()
    try:
        await bench.create(namespace, ["x"])
        await bench.observed(namespace, 1)
        taken = [await _repaired(bench, namespace) for _ in range(SAMPLES)]
        return _percentiles("repair of a deleted child", taken, budget=0.5)
    finally:
        await operator.stop()


async def at_once(bench: Bench) -> list[Figure]:
    """Many resources at once, by a bare client that makes the same writes, by the operator, by the peer."""
    names = [f"x{number}" for number in range(MANY)]
    limit = await _bare(bench, names)

    namespace = await bench.namespace(NAMESPACE)
    operator = bench.operator(namespace)
    await operator.started()
    mark = await bench.audit.mark()
    began, used = time.monotonic(), _cpu(operator)
    await bench.create(namespace, names)
    await bench.observed(namespace, MANY)
    ours, cpu = time.monotonic() - began, _cpu(operator) - used
    await unchanged(lambda: operator.metric("datalake_reconciles_total"), 1.0)
    writes = (await bench.audit.since(mark)).writes("operator")
    memory = operator.resident()
    await operator.stop()

    theirs, their_memory = await _peer(bench, names)
    return [
        Figure("bare client, the same writes", limit, "s"),
        Figure("operator", ours, "s"),
        Figure("operator over bare client", ours / limit, "", 1.15),
        Figure("controller-runtime, 16 workers", theirs, "s"),
        Figure("controller-runtime over bare client", theirs / limit),
        Figure("writes a resource", len(writes) / MANY, "", len(children("x", NAMESPACE, "u")) + 1),
        Figure("CPU of the operator", cpu, "s"),
        Figure(f"memory at {MANY:,}", memory, "MiB", 115),
        Figure(f"memory of controller-runtime at {MANY:,}", their_memory, "MiB"),
    ]


async def restart_many(bench: Bench) -> list[Figure]:
    """Restart with what `at_once` left."""
    return await _restart(bench, MANY, memory=115)


async def restart_most(bench: Bench) -> list[Figure]:
    """Restart with many more."""
    operator = bench.operator(NAMESPACE)
    await operator.started(60)
    await bench.create(NAMESPACE, [f"x{number}" for number in range(MANY, MOST)])
    await bench.observed(NAMESPACE, MOST)
    await operator.stop()
    return await _restart(bench, MOST, memory=215)


async def _restart(bench: Bench, count: int, memory: float) -> list[Figure]:
    operator = bench.operator(NAMESPACE)
    mark = await bench.audit.mark()
    began = time.monotonic()
    await operator.started(60)

    async def all_reconciled() -> bool:
        return await operator.metric("datalake_reconciles_total", kind="XCacheNode", result="ok") >= count

    await eventually(all_reconciled, 60, "every resource was reconciled once")
    taken, cpu = time.monotonic() - began, _cpu(operator)
    requests = await bench.audit.since(mark)
    resident = operator.resident()
    await operator.stop()
    return [
        Figure(f"restart at {count:,}", taken, "s", 10),
        Figure(f"writes in a restart at {count:,}", len(requests.writes("operator")), "", 0),
        Figure(f"gets in a restart at {count:,}", len(requests.gets("operator")), "", 0),
        Figure(f"CPU of a restart at {count:,}", cpu, "s"),
        Figure(f"memory after a restart at {count:,}", resident, "MiB", memory),
    ]


async def _bare(bench: Bench, names: Sequence[str]) -> float:
    """Seconds that the API server needs for the same writes from a client that does nothing else."""
    namespace = await bench.namespace("bench-bare")
    templates = json.dumps(children("xnamex", namespace, "xuidx"))

    async def make(name: str) -> None:
        await bench.create(namespace, [name])
        body = await bench.admin.get("XCacheNode", name, namespace)
        text = templates.replace("xnamex", name).replace("xuidx", body["metadata"]["uid"])
        for child in json.loads(text):
            await bench.admin.apply(child)
        await bench.admin.apply(_first_status(body), "status")

    began = time.monotonic()
    await bench.each(names, make)
    return time.monotonic() - began


async def _peer(bench: Bench, names: Sequence[str]) -> tuple[float, float]:
    namespace = await bench.namespace("bench-peer")
    process = bench.peer(namespace)
    try:
        await bench.create(namespace, ["first"])
        await bench.observed(namespace, 1, 60)
        began = time.monotonic()
        await bench.create(namespace, names)
        await bench.observed(namespace, len(names) + 1)
        return time.monotonic() - began, _resident(process.pid)
    finally:
        process.terminate()
        process.wait()


async def _repaired(bench: Bench, namespace: str) -> float:
    before = (await bench.admin.get("Service", "x", namespace))["metadata"]["uid"]

    async def is_back() -> bool:
        live = await bench.admin.find("Service", "x", namespace)
        return live is not None and live["metadata"]["uid"] != before

    began = time.monotonic()
    await bench.admin.delete("Service", "x", namespace)
    await eventually(is_back, 10)
    return time.monotonic() - began


async def _is_ready(bench: Bench, namespace: str, name: str) -> bool:
    return is_ready(await bench.admin.get("XCacheNode", name, namespace))


def _percentiles(what: str, seconds: Sequence[float], budget: float | None = None) -> list[Figure]:
    cuts = statistics.quantiles(seconds, n=100)
    return [Figure(f"{what}, p50", cuts[49], "s"), Figure(f"{what}, p99", cuts[98], "s", budget)]


def _resident(pid: int) -> float:
    """MiB of resident memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def _cpu(operator: Operator) -> float:
    """Seconds of CPU that the process has used."""
    assert operator.process is not None
    fields = Path(f"/proc/{operator.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _first_status(body: Object) -> Object:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "Starting",
        "message": "starts",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    metadata = {key: body["metadata"][key] for key in ("name", "namespace")}
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": metadata,
        "status": {
            "observedGeneration": 1,
            "conditions": [{**condition, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        },
    }
