"""The operator as a process of its own, started and observed as a user would."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Operator:
    """One operator process; `start` may be called again after it has ended.

    Args:
        kubeconfig: how it reaches the API server.
        folder: where its log files go.
        environment: settings (`DATALAKE_*`).
        module: what to run with `python -m`.
    """

    kubeconfig: Path
    folder: Path
    environment: Mapping[str, str]
    module: str = "datalake_operator"
    port: int = 0
    starts: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process, without waiting for anything."""
        assert not self.running, "already running"
        self.port = self.port or _free_port()
        self.starts += 1
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}",
            "PYTHONSAFEPATH": "1",
            "KUBECONFIG": str(self.kubeconfig),
            "DATALAKE_LISTEN": f"127.0.0.1:{self.port}",
            "DATALAKE_LOG_FORMAT": "json",
            **self.environment,
        }
        with self._log_file().open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module], cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    async def started(self, within: float = 20.0) -> None:
        """Start the process and wait until it is ready."""
        self.start()
        await self.ready(within)

    async def ready(self, within: float = 20.0) -> None:
        """Wait until `/readyz` answers 200. Raises AssertionError with the log when the process ends instead."""

        async def is_ready() -> bool:
            if not self.running:
                raise RuntimeError(f"the operator ended with {self.exit_code}:\n{self.log()[-4000:]}")
            return await self.status("/readyz") == 200

        await eventually(is_ready, within, "the operator is ready")

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code (negative: the signal), None while it runs."""
        return None if self.process is None else self.process.poll()

    async def stop(self, within: float = 15.0) -> int:
        """Ask the process to end by SIGTERM, wait for it, and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(within)

    async def ended(self, within: float = 15.0) -> int:
        """Wait until the process has ended by itself and return its exit code."""
        await eventually(lambda: not self.running, within, "the operator ended")
        assert self.exit_code is not None
        return self.exit_code

    def kill(self) -> None:
        """SIGKILL the process and wait until it is gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    async def status(self, path: str) -> int:
        """Return the HTTP status that `path` answers with; 0 where nothing answers."""
        status, _ = await self._fetch(path)
        return status

    async def page(self, path: str) -> str:
        """Return what `path` answers."""
        return (await self._fetch(path))[1]

    async def metrics(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """Return the metrics page: values by sample name and sorted labels."""
        samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for family in text_string_to_metric_families(await self.page("/metrics")):
            for sample in family.samples:
                samples.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
        return samples

    async def metric(self, name: str, /, **labels: str) -> float:
        """Return the sum of the samples of that name whose labels contain `labels`."""
        samples = (await self.metrics()).get(name, {})
        return sum(value for key, value in samples.items() if labels.items() <= dict(key).items())

    def log(self) -> str:
        """Return what all processes of this operator have written so far, one start after the other."""
        return "".join(file.read_text(errors="replace") for file in self.logs())

    def logs(self) -> list[Path]:
        """Return the log file of each start."""
        return sorted(self.folder.glob(f"operator-{self.port}-*.log"))

    def records(self, level: str = "") -> list[dict[str, Any]]:
        """Return the structured log records, of one level or all."""
        records = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [record for record in records if level in ("", str(record.get("level", "")).upper())]

    def resident(self) -> float:
        """Return the resident memory in MiB."""
        assert self.process is not None
        match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert match is not None
        return int(match[1]) / 1024

    async def _fetch(self, path: str) -> tuple[int, str]:
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self.port}{path}") as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    def _log_file(self) -> Path:
        return self.folder / f"operator-{self.port}-{self.starts:03}.log"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
