"""The command line `datalake`: everything here works offline."""

import click

from datalake_operator import __version__
from datalake_operator.cli.crds import crds
from datalake_operator.cli.monitoring import monitoring
from datalake_operator.cli.render import render
from datalake_operator.cli.validate import validate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="datalake")
def main() -> None:
    """Work with the resources of the datalake operator, offline.

    Exit codes: 0 all is well, 1 something is invalid or out of date, 2 wrong usage or unreadable input.
    """


main.add_command(crds)
main.add_command(monitoring)
main.add_command(render)
main.add_command(validate)
