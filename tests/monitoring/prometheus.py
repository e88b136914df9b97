"""A real Prometheus for tests: scrapes what it is told to, and answers queries."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.monitoring import promtool
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Job:
    """What is scraped: one address, the labels that a monitor adds, and whether it honours ours."""

    name: str
    target: str
    """Host and port."""
    labels: Mapping[str, str] = field(default_factory=dict)
    honor_labels: bool = True
    path: str = "/metrics"
    tls: Mapping[str, str] = field(default_factory=dict)
    """Files for HTTPS, as Prometheus names them: ca_file, cert_file, key_file; none: HTTP."""


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str, session: aiohttp.ClientSession, targets: int) -> None:
        self.url = url
        self._targets = targets
        self._session = session

    async def api(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its HTTP API."""
        async with self._session.get(f"{self.url}/api/v1/{path}", params=parameters) as response:
            answer = json.loads(await response.text())
        assert answer["status"] == "success", answer
        return answer["data"]

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """The newest values of an expression: `metric` (labels) and `value` of each."""
        return list((await self.api("query", query=expr))["result"])

    async def answers(self, expressions: Iterable[str], within: float) -> None:
        """Wait until each of these expressions has returned data."""
        empty = set(expressions)

        async def none_is_empty() -> bool:
            for expr in tuple(empty):
                if await self.query(expr):
                    empty.discard(expr)
            assert not empty
            return True

        await eventually(none_is_empty, within=within, message="every query returns data")

    async def all_up(self) -> bool:
        """Whether every target was scraped, and what it said understood."""
        targets = (await self.api("targets"))["activeTargets"]
        assert [target["lastError"] for target in targets] == [""] * self._targets
        return all(target["health"] == "up" for target in targets)


def impatient(rules: str) -> str:
    """The rules without the time that an alert must hold, and goes on, evaluated every second."""
    document = yaml.safe_load(rules)
    for group in document["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule.pop("for", None)
            rule.pop("keep_firing_for", None)
    return yaml.safe_dump(document, sort_keys=False)


@asynccontextmanager
async def prometheus(folder: Path, port: int, jobs: Sequence[Job], rules: str) -> AsyncIterator[Prometheus]:
    """Run one on a port of loopback, which scrapes every second, while the context is open.

    Args:
        folder: for its configuration and its data.
        port: to listen on.
        jobs: what to scrape.
        rules: text of its rules.

    Raises:
        AssertionError: its configuration is wrong, or it does not start; with its own words.
    """
    (folder / "rules.yaml").write_text(rules)
    config = folder / "prometheus.yaml"
    config.write_text(yaml.safe_dump(_config(jobs)))
    checked = promtool.run("check", "config", config)
    assert checked.returncode == 0, checked.stdout
    url = f"http://127.0.0.1:{port}"
    log = folder / "log"
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(
            "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}", stdout=output, stderr=output,
        )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session:
            await eventually(lambda: _ready(session, url, process, log), within=60, message="Prometheus is ready")
            yield Prometheus(url, session, len(jobs))
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _ready(session: aiohttp.ClientSession, url: str, process: asyncio.subprocess.Process, log: Path) -> bool:
    if process.returncode is not None:
        raise RuntimeError(await asyncio.to_thread(log.read_text))
    try:
        async with session.get(f"{url}/-/ready") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def _config(jobs: Sequence[Job]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [
            {
                "job_name": job.name,
                "honor_labels": job.honor_labels,
                "metrics_path": job.path,
                **({"scheme": "https", "tls_config": dict(job.tls)} if job.tls else {}),
                "static_configs": [{"targets": [job.target], "labels": dict(job.labels)}],
            }
            for job in jobs
        ],
    }
