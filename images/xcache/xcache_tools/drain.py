"""`xcache-drain`: lets clients finish before xrootd is stopped (`preStop`).

It makes the drain file, which makes the readiness check fail so that no new client comes, then waits until two
successive reports of the server say that no file is open. Idle connections do not count: XRootD's clients keep them for
minutes.
Environment: `XCACHE_DRAIN_FILE`, `XCACHE_DRAIN_TIMEOUT` (seconds), `XCACHE_STATE_URL`.
"""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUIET_REPORTS = 2
"""Reports without open files that must follow each other: one may have been made between two reads of a client."""

POLL = 0.5
"""Seconds between questions to the exporter; a report comes every few seconds."""


@dataclass
class Quiet:
    """Counts successive reports without open files, from the first one that is newer than the start."""

    reports: int = 0
    _last: int | None = None

    def done(self, state: Mapping[str, Any]) -> bool:
        """Look at the exporter's state; the same report twice counts once."""
        number = state["summary"]["packets"]
        if self._last is None:
            self._last = number
        if number != self._last:
            self._last = number
            self.reports = self.reports + 1 if state["openFiles"] == 0 else 0
        return self.reports >= QUIET_REPORTS


def drain(file: Path, timeout: float, ask: Callable[[], Mapping[str, Any] | None], poll: float = POLL) -> bool:
    """Make the drain file and wait.

    Args:
        file: the drain file.
        timeout: seconds to wait at most.
        ask: gives the exporter's state, None when it does not answer.
        poll: seconds between two questions.

    Returns:
        Whether no file is open any more; False after the time is over.
    """
    file.touch()
    quiet = Quiet()
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        state = ask()
        if state is not None and quiet.done(state):
            return True
        time.sleep(min(poll, max(0.0, end - time.monotonic())))
    return False


def ask_exporter(url: str) -> Mapping[str, Any] | None:
    """The exporter's state, or None when it does not answer well."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - the address is the pod's own
            state = json.load(answer)
            return state if isinstance(state, dict) else None
    except (OSError, ValueError):
        return None


def main() -> int:
    """Drain; the exit code is 1 when files were still open at the end."""
    file = Path(os.environ.get("XCACHE_DRAIN_FILE", "/run/xcache/drain"))
    timeout = float(os.environ.get("XCACHE_DRAIN_TIMEOUT", "600"))
    url = os.environ.get("XCACHE_STATE_URL", "http://127.0.0.1:9931/state")
    if drain(file, timeout, lambda: ask_exporter(url)):
        return 0
    sys.stderr.write(f"xcache-drain: files were still open, or the exporter silent, after {timeout:g} s\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
