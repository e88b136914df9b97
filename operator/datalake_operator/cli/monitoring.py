"""`datalake monitoring`: write Prometheus's rules and Grafana's dashboard, or say which are out of date."""

import json
from functools import cache
from pathlib import Path

import click

from datalake_operator.cli.dump import dump
from datalake_operator.cli.generated import keep
from datalake_operator.monitoring.dashboard import dashboard
from datalake_operator.monitoring.rules import groups

_HEADER = """\
# Generated from operator/datalake_operator/monitoring/ by `datalake monitoring` (`make monitoring`). Do not edit.
"""


@cache
def files() -> dict[str, str]:
    """Return name and content of each file."""
    return {
        "rules.yaml": _HEADER + dump([{"groups": groups()}]),
        "dashboard.json": json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n",
    }


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("charts/datalake-operator/files/monitoring"),
    show_default=True,
    help="Folder of the files.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is missing or out of date.")
def monitoring(output: Path, *, check: bool) -> None:
    """Write alert and recording rules for Prometheus, and a dashboard for Grafana."""
    keep(output, files(), check=check, command="datalake monitoring")
