"""Two hundred probes and a mesh of forty by forty: what runs cost, how large and how quick everything is."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datalake_operator.probes.envelope import Message, Problem, merge, read
from datalake_operator.probes.limits import of as limits_of
from datalake_operator.probes.model import CellKey, Watch
from datalake_operator.probes.verdict import verdict
from tests.support.client import Client, Object
from tests.support.lab import Lab
from tests.support.objects import is_ready
from tests.support.operator import Operator
from tests.support.probe_jobs import ProbeJobs, cell, envelope
from tests.support.waiting import eventually

PROBES = [f"p{number:03}" for number in range(200)]
SITES = [f"site-{number:02}-storage" for number in range(40)]
MESH: dict[str, Any] = {
    "tcp": None,
    "interval": "1h",
    "timeout": "30m",
    "endpoints": [
        {
            "name": name,
            "site": name[:7],
            "urls": [{"protocol": "root", "url": f"root://{name}.example.org:1094//probe"}],
        }
        for name in SITES
    ],
    "transfer": {
        "sources": SITES,
        "destinations": SITES,
        "payload": {"size": "1Mi"},
        "maxBytesPerDay": "1Ti",
        "maxConcurrent": 8,
        "maxConcurrentPerEndpoint": 8,
    },
}
RUNS_BEFORE = 30
"""Runs of the mesh that status remembers already: with them it is as large as it gets."""

LARGEST_STATUS = 400 * 1024
PAGES = ("/", "/api/v1/overview", "/metrics")
SLOWEST_PAGE = 0.3
MOST_MEMORY = 115.0
"""MiB resident: the budget of 1,000 resources (design, section 4)."""


@pytest.fixture
def jobs(admin: Client, namespace: str, lab: Lab) -> ProbeJobs:
    """Whoever makes and ends Jobs; the lab works with probes from now on."""
    lab.kind = "QoSProbe"
    return ProbeJobs(admin, namespace)


def row(source: str, number: int) -> list[Object]:
    """What the pod of one source writes in one run: mostly good, some bad, some left out."""
    found = [cell(name, protocol="root", m={"connect_seconds": 0.0123}) for name in SITES]
    for at, destination in enumerate(SITES):
        if destination == source:
            continue
        kind = (7 * at + 3 * number + len(source)) % 11
        fields: dict[str, Any] = {"destination": destination, "protocol": "root"}
        if kind == 0:
            found.append(cell(source, "bad", reason="ChecksumMismatch", **fields))
        elif kind == 1:
            found.append(cell(source, "skipped", reason="ConnectTimeout", **fields))
        else:
            figures = {"seconds": 1.234 + at, "throughput_bytes_per_second": 1234567.8 + number}
            found.append(cell(source, m=figures, **fields))
    return found


def history(now: datetime) -> Object:
    """Status of the mesh after many runs, as the operator would have written it."""
    keys = [CellKey(name, None, "root") for name in SITES]
    keys += [CellKey(a, b, "root") for a in SITES for b in SITES if a != b]
    watch = Watch(keys=keys, stale_after=timedelta(hours=2.5), limits=limits_of("transfer"))
    status: Any = {}
    for number in range(RUNS_BEFORE):
        start, name = now - timedelta(hours=RUNS_BEFORE - number), f"mesh-{number}"
        texts = {at: envelope(name, row(source, number), index=at) for at, source in enumerate(SITES)}
        parts: Mapping[int | None, Message | Problem] = {
            at: read(text, name, datetime.now(UTC)) for at, text in texts.items()
        }
        run = merge(name, start, start + timedelta(minutes=9), parts, sources=SITES)
        status = verdict(watch, status, [run], start + timedelta(minutes=10)).fields
    return dict(status)


async def in_turns(count: int, work: Iterable[Awaitable[Any]]) -> list[Any]:
    """Do everything, so much at a time."""
    slots = asyncio.Semaphore(count)

    async def one(job: Awaitable[Any]) -> Any:
        async with slots:
            return await job

    return await asyncio.gather(*map(one, work))


async def run_of_mesh(jobs: ProbeJobs, number: int) -> str:
    job = await jobs.begin("mesh")
    name: str = job["metadata"]["name"]
    await jobs.end(job, *(envelope(name, row(source, number), index=at) for at, source in enumerate(SITES)))
    return name


async def counted(lab: Lab, ids: dict[str, str]) -> dict[str, Object]:
    """Wait until these runs count; return the probes."""

    async def all_count() -> dict[str, Object]:
        found = {one["metadata"]["name"]: one for one in await lab.admin.list("QoSProbe", lab.namespace)}
        last = {name: found[name]["status"].get("lastRun", {}).get("id") for name in ids}
        assert last == ids, [name for name in ids if last[name] != ids[name]]
        return found

    found: dict[str, Object] = await eventually(all_count, 120)
    return found


async def told(operator: Operator) -> dict[str, tuple[float, float]]:
    """Seconds for each page, asked for once after something changed: what is kept for the next time does not help.

    Of the clock, and of the operator's processor: others use the machine too.
    """
    times = {}
    for path in PAGES:
        begun, used = time.monotonic(), processor_time(operator)
        text = await operator.page(path)
        times[path] = (time.monotonic() - begun, processor_time(operator) - used)
        assert SITES[39] in text, path
    return times


def processor_time(operator: Operator) -> float:
    """Seconds that the operator has worked so far (proc(5), utime and stime)."""
    assert operator.process is not None
    fields = Path(f"/proc/{operator.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def series(metrics: dict[str, dict[Any, float]]) -> dict[tuple[str, Any], float]:
    """Everything that is told of probes."""
    kept = ("datalake_probe", "datalake_endpoint", "datalake_control")
    return {
        (name, labels): value
        for name, found in metrics.items()
        if name.startswith(kept)
        for labels, value in found.items()
    }


async def many(lab: Lab) -> None:
    """Make two hundred probes, and a mesh that has run for a day."""
    targets = [{"name": name, "host": f"{name}.example.org", "port": 1094} for name in "abcd"]
    await in_turns(16, (lab.create(name, tcp={"targets": targets}) for name in PROBES))
    mesh = await lab.create("mesh", **MESH)
    manifest: Object = {part: mesh[part] for part in ("apiVersion", "kind")}
    manifest |= {"metadata": {"name": "mesh", "namespace": lab.namespace}, "status": history(datetime.now(UTC))}
    await lab.admin.apply(manifest, "status", "datalake-operator")


async def one_run_each(jobs: ProbeJobs, number: int) -> dict[str, str]:
    """Let each of them run once, all together; return the id of each run."""
    cells = [cell("a"), cell("b", "bad"), cell("c", m={"connect_seconds": 0.1}), cell("d", "unknown")]
    ids = await in_turns(16, (jobs.run(name, cells) for name in PROBES))
    return dict(zip(PROBES, ids, strict=True)) | {"mesh": await run_of_mesh(jobs, number)}


def size_of(body: Object) -> int:
    """Bytes of its status and of the managed fields that tell who wrote it."""
    fields = body["metadata"]["managedFields"]
    return sum(len(json.dumps(part, separators=(",", ":"))) for part in (body["status"], fields))


async def test_two_hundred_probes_and_a_mesh_keep_to_every_budget(lab: Lab, jobs: ProbeJobs) -> None:
    await many(lab)
    operator = await lab.operator()

    async def all_ready() -> bool:
        return all(map(is_ready, await lab.admin.list("QoSProbe", lab.namespace)))

    await eventually(all_ready, 120)
    await lab.quiet()
    times = []
    for number in range(2):
        start = await lab.audit.mark()
        runs = await one_run_each(jobs, number)
        found = await counted(lab, runs)
        await lab.quiet()
        times.append(await told(operator))
        writes = await lab.writes(start)
        assert len(writes) <= 2 * len(runs), str(writes.counts())
        assert all(len(writes.of(name=name)) <= 2 for name in runs)
    summary = found["p000"]["status"]["summary"]
    assert (summary["ok"], summary["critical"], summary["unknown"]) == (2, 1, 1)
    mesh = await lab.admin.get("QoSProbe", "mesh", lab.namespace)
    assert len(mesh["status"]["cells"]) == 1600
    assert size_of(mesh) <= LARGEST_STATUS
    before = series(await operator.metrics())
    assert sum(name == "datalake_probe_state" for name, _ in before) == 1600 + 4 * len(PROBES)

    await operator.stop()
    start = await lab.audit.mark()
    await operator.started()
    await lab.quiet(2)
    times.append(await told(operator))
    requests = await lab.audit.since(start)
    assert not requests.writes(lab.user), str(requests.writes(lab.user).counts())
    assert not requests.gets(lab.user), str(requests.gets(lab.user).counts())
    assert series(await operator.metrics()) == before
    slowest = max(used for found in times for _, used in found.values())
    memory = operator.resident()
    figures = f"{size_of(mesh)} bytes of status, {memory:.0f} MiB, seconds {times}"
    print(figures)  # noqa: T201 - the figures are what this is about
    assert memory <= MOST_MEMORY, figures
    assert slowest <= SLOWEST_PAGE, figures
