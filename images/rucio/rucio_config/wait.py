"""python -m rucio_config.wait COMMAND...: become COMMAND once the database of RUCIO_CONFIG answers.

Daemons wait instead of ending again and again: kubelet would start them ever more rarely.
"""

import configparser
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

_PAUSE = 2.0
"""Seconds between two attempts."""


def for_database(configuration: Path, pause: Callable[[float], None] = time.sleep) -> None:
    """Return once the database of rucio.cfg takes a connection.

    Of a failed attempt nothing is printed but its kind: its words may hold what nobody shall read, and the server's own
    health tells the operator why.
    """
    parser = configparser.ConfigParser()
    parser.read(configuration)
    url = make_url(parser.get("database", "default")).set(drivername="postgresql")
    told = False
    while True:
        try:
            psycopg.connect(url.render_as_string(hide_password=False), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if not told:
                sys.stderr.write(f"rucio-run: waits for the database ({type(error).__name__})\n")
            told = True
            pause(_PAUSE)
        else:
            return


if __name__ == "__main__":
    for_database(Path(os.environ["RUCIO_CONFIG"]))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - that is what it is for
