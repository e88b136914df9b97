"""`datalake validate`: what the server, and the operator, would say about a manifest."""

import click
from rich.console import Console
from rich.text import Text

from datalake_operator.api.meta import GROUP
from datalake_operator.api.problems import Problem
from datalake_operator.cli.manifests import Manifest, Unreadable, read
from datalake_operator.cli.problems import INVALID, find


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def validate(files: tuple[str, ...]) -> None:
    """Check manifests (YAML, `-` is standard input) without a cluster.

    Prints FILE:LINE, the field, what is wrong and what to do; also fields that do not exist, and fields that this
    version does not honour yet. Objects of other kinds are skipped.
    """
    console = Console(soft_wrap=True, highlight=False)
    valid = invalid = skipped = 0
    unreadable: Unreadable | None = None
    for file in files:
        try:
            for manifest in read([file]):
                if not manifest.is_ours:
                    skipped += 1
                    continue
                problems = find(manifest.body)
                for problem in problems:
                    console.print(_line(manifest, problem))
                valid, invalid = (valid, invalid + 1) if problems else (valid + 1, invalid)
        except Unreadable as error:
            unreadable = error
            error.show()
    if unreadable is None or valid or invalid or skipped:
        console.print(_summary(valid, invalid, skipped))
    if unreadable or invalid:
        raise SystemExit(unreadable.exit_code if unreadable else INVALID)


def _line(manifest: Manifest, problem: Problem) -> Text:
    line = Text(f"{manifest.source}:{manifest.line(problem.field)}: ", style="dim")
    line.append(f"{problem.field}: " if problem.field else "", style="bold")
    line.append(problem.message, style="red")
    return line.append(f"; {problem.mend}" if problem.mend else "")


def _summary(valid: int, invalid: int, skipped: int) -> Text:
    text = Text(f"{invalid} invalid, " if invalid else "", style="red")
    text.append(f"{valid} valid", style="green" if valid else "")
    if not valid and not invalid:
        text.append(f": there is no object of {GROUP}", style="yellow")
    return text.append(f", {skipped} of other kinds skipped" if skipped else "")
