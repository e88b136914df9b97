"""How a program of this image ends: with words that outlive its container."""

import contextlib
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn


def tell(text: str, environment: Mapping[str, str]) -> None:
    """Leave a text as the container's termination message."""
    with contextlib.suppress(OSError):
        Path(environment.get("TERMINATION_LOG") or "/dev/termination-log").write_text(text)


def leave_when_told() -> None:
    """On SIGTERM: end, and let what was begun clean up."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)
