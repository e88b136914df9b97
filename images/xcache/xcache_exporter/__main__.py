"""`python3 -m xcache_exporter`: runs until SIGTERM or SIGINT."""

import logging
import os
import signal
import sys

from xcache_exporter.server import Exporter
from xcache_exporter.settings import SettingsError, from_environment

LOG = logging.getLogger("xcache-exporter")


def main() -> int:
    """Run the exporter; the exit code is 1 when it cannot start."""
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.INFO)
    stopping = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    try:
        settings = from_environment(os.environ)
        with Exporter(settings):
            LOG.info("http://%s:%d/metrics", *settings.listen)
            signal.sigwait(stopping)
    except (SettingsError, OSError) as error:
        LOG.error("%s", error)  # noqa: TRY400 - the message says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
