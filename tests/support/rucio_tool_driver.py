"""Runs in Rucio's environment: loads it once, then runs each job in a fork, as loading takes longer than most jobs.

Reads one JSON document a line. `{"run": {...}}` is answered with the process id, `{"wait": pid}` with the exit code,
negative for a signal, as subprocess has it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from rucio.common import config

import rucio_database.ensure
import rucio_database.migrate  # noqa: F401 - loaded here, for all forks
from rucio_database.__main__ import main


def run(job: dict[str, Any]) -> int:
    """In a fork: a verb of the tool (`arguments`) or a piece of Python (`script`); the exit code."""
    os.environ.update(job["environment"])
    config.clean_cached_config()
    script = job.get("script")
    if script is None:
        return main(job["arguments"])
    exec(str(script), {"__name__": "__main__"})  # noqa: S102 - it is the tests' own
    return 0


def fork(job: dict[str, Any]) -> int:
    """Start a job; its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(str(job[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = run(job)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Do as told until standard input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        answer = fork(asked["run"]) if "run" in asked else os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # Whatever a job reads from standard input, it must not be the next job.
    commands = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = os.fdopen(commands)
    assert Path(os.environ["RUCIO_CONFIG"]).exists()
    serve()
