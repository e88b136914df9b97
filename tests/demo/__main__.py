"""Command line of the demo: `python -m tests.demo up|down`."""

import argparse
import sys

from tests.cluster import choose
from tests.cluster.errors import ClusterError
from tests.cluster.progress import say
from tests.demo.names import CLUSTER


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.demo", description="A real cluster, the operator, and a first cache."
    )
    parser.add_argument("command", choices=["up", "down"])
    parsed = parser.parse_args(arguments)
    try:
        cluster = choose("node", CLUSTER)
        # imported here: `down` has to work without the virtual environment that `up` needs
        if parsed.command == "down":
            from tests.demo.down import down  # noqa: PLC0415

            down(cluster)
        else:
            from tests.demo.up import up  # noqa: PLC0415

            up(cluster)
    except ClusterError as problem:
        say(f"error: {problem}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; `make demo` goes on from here, `make demo-down` removes what is there")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
