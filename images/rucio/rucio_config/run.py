"""rucio-run COMMAND...: write rucio.cfg, then become COMMAND, which finds it by RUCIO_CONFIG.

With RUCIO_WAIT_FOR_DATABASE set it becomes COMMAND only when the database takes connections.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rucio_config.compose import RESULT, compose, write
from rucio_config.errors import ConfigError

CONFIGURATION_ERROR = 78
"""Exit code, EX_CONFIG of sysexits.h: it helps nobody to try again before something else changes."""


def main(arguments: Sequence[str], root: Path = Path("/")) -> int:
    """Does not return but with an error."""
    if not arguments:
        sys.stderr.write("usage: rucio-run COMMAND...\n")
        return 2
    configuration = root / RESULT
    try:
        write(compose(os.environ, root), configuration)
    except ConfigError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{configuration} cannot be written: {error.strerror}")
    os.environ["RUCIO_CONFIG"] = str(configuration)
    # Sessions in pg_stat_activity say who they are.
    os.environ.setdefault("PGAPPNAME", Path(arguments[0]).name)
    if os.environ.get("RUCIO_WAIT_FOR_DATABASE"):
        # With a Python of its own: this one runs without site-packages, so that it starts fast.
        arguments = [sys.executable, "-m", "rucio_config.wait", *arguments]
    try:
        os.execvp(arguments[0], list(arguments))  # noqa: S606 - that is what it is for
    except OSError as error:
        return _fail(f"{arguments[0]}: {error.strerror}")


def _fail(message: str) -> int:
    line = f"rucio-run: {message}\n"
    sys.stderr.write(line)
    # Only kubelet makes this file, so that it is there or nobody reads it.
    termination = Path(os.environ.get("TERMINATION_LOG") or "/dev/termination-log")
    with suppress(OSError):
        if termination.exists():
            termination.write_text(line)
    return CONFIGURATION_ERROR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
