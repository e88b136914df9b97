"""`make bench`: figures of the operator beside its peers, on one API server, in one run; then the speed of a cache.

Counts and ratios are what to trust; seconds depend on the machine. Takes about nine minutes on two cores.
`python -m tests.bench cache` measures the cache only.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.bench import budgets, measure, speed
from tests.bench.bench import Bench
from tests.cluster.fixtures import cluster


async def _figures(bench: Bench, out: Console) -> list[budgets.Figure]:
    steps = (
        ("idle", measure.idle),
        ("one resource from create to Ready, 50 times", measure.latency),
        ("a child deleted by hand, 50 times", measure.repair),
        (f"{measure.MANY:,} resources at once: a bare client, the operator, controller-runtime", measure.at_once),
        (f"restart at {measure.MANY:,} resources", measure.restart_many),
        (f"restart at {measure.MOST:,} resources", measure.restart_most),
    )
    figures: list[budgets.Figure] = []
    for title, step in steps:
        out.print(f"== {title}")
        for figure in await step(bench):
            figures.append(figure)
            out.print(f"   {figure}")
    return figures


async def _operator(out: Console) -> list[budgets.Figure]:
    with cluster("control-plane") as control_plane, tempfile.TemporaryDirectory() as folder:
        async with Bench(control_plane, Path(folder)) as bench:
            return await _figures(bench, out)


def _cache(out: Console) -> list[budgets.Figure]:
    out.print("== speed of a cache")
    if reason := speed.missing():
        out.print(f"   skipped: {reason}")
        return []
    figures = []
    for figure in speed.speed():
        figures.append(figure)
        out.print(f"   {figure}")
    return figures


async def _run(out: Console, *, cache_only: bool) -> int:
    """Measure, and give the exit code. The cache comes last, when no cluster is running any more."""
    figures = [] if cache_only else await _operator(out)
    figures += _cache(out)
    out.print(budgets.table(figures))
    missed = [figure for figure in figures if figure.missed]
    for figure in missed:
        out.print(f"[red]over budget:[/red] {figure}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(Console(highlight=False, width=120), cache_only=sys.argv[1:] == ["cache"])))
