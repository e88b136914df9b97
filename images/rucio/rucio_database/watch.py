"""Never leaves without news: how a Job tells each state once, and notices within seconds that one is mended."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rucio_database.result import Result, encode

DONE = 0
FAILED = 1
NEWS = 3
"""Exit codes: all is as wanted; a migration failed; there is something to tell, start me again."""

GRACE = 15.0
"""Seconds that a database may take to come up before it is told as unreachable."""


def tell(result: Result, termination: Path | None) -> int:
    """Write the result to standard output and, if possible, where kubelet looks for it; the exit code that fits."""
    text = encode(result)
    sys.stdout.write(text + "\n")
    if text.startswith("z1:"):
        # For those who read the log of the Job.
        sys.stdout.write(result.message + "\n" + ((result.plan and result.plan.sql) or ""))
    sys.stdout.flush()
    _write(termination, text)
    if result.settled:
        return DONE
    return FAILED if result.has_failed else NEWS


def watch(
    look: Callable[[], Result], termination: Path | None, told: Path, interval: float = 2.0, grace: float = GRACE
) -> int:
    """Look until there is something that the file `told` does not say yet, and tell it.

    A migration that failed is not tried again by whoever restarts us: what was told of it is told once more.

    Args:
        look: One run of the verb.
        termination: File of the termination message.
        told: What was told last; survives a restart of the container.
        interval: Seconds between looks.
        grace: Seconds before an unreachable database is told.
    """
    last: dict[str, Any] = json.loads(told.read_text("utf-8")) if told.exists() else {"news": "", "failed": False}
    if last["failed"]:
        _write(termination, last["text"])
        return FAILED
    started = time.monotonic()
    while True:
        result = look()
        starting = result.state == "unreachable" and time.monotonic() - started < grace
        if result.settled or (result.news != last["news"] and not starting):
            saying = {"news": result.news, "text": encode(result), "failed": result.has_failed}
            _keep(told, json.dumps(saying))
            return tell(result, termination)
        time.sleep(interval)


def _keep(told: Path, text: str) -> None:
    # Whole or not at all, whenever we are killed.
    new = told.with_name(f"{told.name}.new")
    new.write_text(text, "utf-8")
    new.replace(told)


def _write(termination: Path | None, text: str) -> None:
    if termination is None:
        return
    try:
        termination.write_text(text, "utf-8")
    except OSError as error:
        sys.stderr.write(f"{termination}: {error}\n")
