"""How gunicorn runs Rucio: its settings and hooks, by the names that gunicorn gives them.

Hooks import what they use themselves: nothing of it may be loaded before the environment says where figures go, nor
before the application says what it may ask the database.

From the environment: RUCIO_PROCESSES, RUCIO_THREADS, and for tests the ports RUCIO_PORT, RUCIO_HEALTH_PORT and
RUCIO_METRICS_PORT.
"""

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

from rucio_server import side
from rucio_server.logs import FORMAT, QuietLogger

workers = int(os.environ.get("RUCIO_PROCESSES", "2"))
threads = int(os.environ.get("RUCIO_THREADS", "4"))
worker_class = "gthread"
bind = f"{side.ANY}:{os.environ.get('RUCIO_PORT', '8080')}"

preload_app = True
"""Workers share the memory of what is loaded; see `post_fork` for what they must not share."""

limit_request_line = 8190
limit_request_field_size = 16384
keepalive = 75
"""Longer than proxies keep their idle connections (nginx: 60 s), so that it is they who close."""

graceful_timeout = 30
worker_tmp_dir = "/dev/shm"  # noqa: S108 - heartbeats of workers, which must not wait for a disk
control_socket_disable = True

accesslog = "-"
access_log_format = FORMAT
logger_class = QuietLogger

_METRICS = os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", "/run/rucio/metrics")
# Figures of processes that are no more, where a container was started again; before anything opens its own.
shutil.rmtree(_METRICS, ignore_errors=True)
Path(_METRICS).mkdir(parents=True)

_sides: dict[str, socket.socket] = {}


def on_starting(_: Any) -> None:
    """In the master, before the first worker."""
    _sides["health"] = side.listener(int(os.environ.get("RUCIO_HEALTH_PORT", "8083")))
    _sides["metrics"] = side.listener(int(os.environ.get("RUCIO_METRICS_PORT", "8081")))


def post_fork(_: Any, __: Any) -> None:
    """In each worker, before its first request."""
    from rucio.db.sqla import session  # noqa: PLC0415

    from rucio_server.readiness import Readiness, looking  # noqa: PLC0415

    # A connection that two workers share gives each the answers to the other's questions. It is not closed, for it is
    # the master's.
    if (shared := session._ENGINE) is not None:  # noqa: SLF001 - Rucio has no other way to it
        shared.dispose(close=False)
    readiness = Readiness(looking())

    def ready() -> side.Answer:
        health = readiness.answer()
        status = 200 if health.state == "current" else 503
        return status, "application/json", json.dumps(health.document()).encode()

    side.serve(_sides["health"], {"/_health/ready": ready, "/ping": lambda: (200, "text/plain", b"pong\n")})
    side.serve(_sides["metrics"], {"/metrics": _metrics, "/metrics/": _metrics})


def child_exit(_: Any, worker: Any) -> None:
    """In the master, after a worker has ended: what it was doing just then is no more. Its totals remain."""
    from prometheus_client import multiprocess  # noqa: PLC0415

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _metrics() -> side.Answer:
    """The figures of all workers."""
    import prometheus_client  # noqa: PLC0415
    from prometheus_client import multiprocess  # noqa: PLC0415

    registry = prometheus_client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return 200, prometheus_client.CONTENT_TYPE_LATEST, prometheus_client.generate_latest(registry)
