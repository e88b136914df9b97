"""Runs the REST server of the image, with a version of Rucio, against a database."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import rucio_environments as environments
from tests.support.postgres import free_port

CONFIGURATION = """
[common]
mailtemplatedir = /tmp
multi_vo = False
[database]
pool_size = 5
max_overflow = 5
default = {url}
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = hash
[monitor]
enable_metrics = False
"""


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Rest:
    """A REST server that runs. Ports: of REST, health and metrics."""

    process: "subprocess.Popen[bytes]"
    rest: int
    health: int
    metrics: int
    log: Path

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, port: int | None = None) -> Answer:
        """Ask once, over a connection of its own."""
        return ask(port or self.rest, path, headers)

    def ready(self) -> Answer:
        """What the readiness check says."""
        return ask(self.health, "/_health/ready")

    def token(self, password: str) -> str:
        """Log root in."""
        login = {"X-Rucio-Account": "root", "X-Rucio-Username": "root", "X-Rucio-Password": password}
        answer = self.get("/auth/userpass", login)
        assert answer.status == 200, answer
        return answer.headers["X-Rucio-Auth-Token"]

    def workers(self) -> list[int]:
        """Processes of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]


def ask(port: int, path: str, headers: Mapping[str, str] | None = None, host: str = "127.0.0.1") -> Answer:
    """GET over a connection of its own."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())
    finally:
        connection.close()


def until(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Wait until it holds; how long that was, in seconds."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)
    return time.monotonic() - begun


@contextlib.contextmanager
def running(version: str, folder: Path, url: str, processes: int = 2) -> Iterator[Rest]:
    """A server that answers pings; ended as kubelet ends it."""
    folder.mkdir()
    (folder / "rucio.cfg").write_text(CONFIGURATION.format(url=url.replace("%", "%%")))
    ports = (free_port(), free_port(), free_port())
    python = environments.python(version)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(environments.IMAGE), "PYTHONSAFEPATH": "1",
        "RUCIO_CONFIG": str(folder / "rucio.cfg"), "RUCIO_PROCESSES": str(processes), "RUCIO_THREADS": "4",
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        **dict(zip(("RUCIO_PORT", "RUCIO_HEALTH_PORT", "RUCIO_METRICS_PORT"), map(str, ports), strict=True)),
    }  # fmt: skip
    command = [
        str(python), "-m", "gunicorn", "--config", "python:rucio_server.gunicorn_conf",
        "datalake_rucio_wsgi:application",
    ]  # fmt: skip
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=folder)
    rest = Rest(process, *ports, log)
    try:
        until(lambda: _pings(rest), 90)
        yield rest
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)


def _pings(rest: Rest) -> bool:
    assert rest.process.poll() is None, rest.log.read_text()
    try:
        return rest.get("/ping").status == 200
    except OSError:
        return False
