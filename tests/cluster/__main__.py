"""Command line of the test cluster; `python -m tests.cluster --help`. Needs nothing but Python's standard library."""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.cluster import FLAVOURS, Cluster, binaries, builder, choose, packages, progress
from tests.cluster.errors import ClusterError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        return _run(parsed)
    except ClusterError as problem:
        progress.say(f"error: {problem}")
    except subprocess.CalledProcessError as problem:
        said = problem.stderr or ""
        progress.say(f"error: {problem}\n{said if isinstance(said, str) else said.decode(errors='replace')}")
    except KeyboardInterrupt:
        progress.say("interrupted; what was built is kept, the next up or down removes the rest")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster", description="A real Kubernetes for tests and demo."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command, says in (
        ("up", "start a cluster (does nothing when it is up) and print the path of its kubeconfig"),
        ("down", "remove a cluster; its logs stay until the next up"),
        ("status", "say whether a cluster is up, and where its things are"),
        ("kubeconfig", "print the path of a cluster's kubeconfig"),
        ("load", "make an image of a docker-archive known to a cluster"),
    ):
        added = commands.add_parser(command, help=says, description=says)
        added.add_argument("--flavour", choices=FLAVOURS, default="node", help="default: node")
        added.add_argument("--name", default="demo", help="at most 12 characters; default: demo")
        if command == "load":
            added.add_argument("image", help="name of the image, with tag")
            added.add_argument("archive", type=Path, help="file as `docker save` writes it")
    build = commands.add_parser("build", help="build the components of a flavour, or those named")
    build.add_argument("--flavour", choices=FLAVOURS, default="node")
    build.add_argument("component", nargs="*", choices=[[], *builder.COMPONENTS], help="default: all of the flavour")
    install = commands.add_parser("packages", help="install the Debian packages that are missing (root), or name them")
    install.add_argument("--for", dest="purpose", choices=tuple(packages.PURPOSES), default="all")
    where = commands.add_parser("path", help="print the path of a program, such as helm or kubectl")
    where.add_argument("program")
    return parser


def _run(parsed: argparse.Namespace) -> int:
    if parsed.command == "packages":
        packages.ensure(packages.PURPOSES[parsed.purpose])
    elif parsed.command == "path":
        print(binaries.path(parsed.program))  # noqa: T201 - the answer
    elif parsed.command == "build":
        builder.build(parsed.component or builder.OF_FLAVOUR[parsed.flavour])
    else:
        return _on_cluster(parsed.command, choose(parsed.flavour, parsed.name), parsed)
    return 0


def _on_cluster(command: str, cluster: Cluster, parsed: argparse.Namespace) -> int:
    up = command == "status" and cluster.is_up()
    if command == "up":
        cluster.up()
    elif command == "down":
        cluster.down()
    elif command == "load":
        cluster.load_image(parsed.image, parsed.archive)
    elif command == "status":
        progress.say(f"cluster {cluster.name}: {'up' if up else 'not up'}; files: {cluster.run_dir}")
    if command in ("up", "kubeconfig") or up:
        print(cluster.kubeconfig)  # noqa: T201 - the answer
    return int(command == "status" and not up)


if __name__ == "__main__":
    sys.exit(main())
