"""Files that are generated: written, or compared with what is there."""

from collections.abc import Mapping
from pathlib import Path

import click

from datalake_operator.cli.problems import INVALID


def keep(folder: Path, files: Mapping[str, str], *, check: bool, command: str) -> None:
    """Write the files that differ, or only name them.

    Args:
        folder: where they stand.
        files: content by name.
        check: write nothing; exit with INVALID where one differs or is missing.
        command: what mends that.
    """
    wanted = [(folder / name, content) for name, content in files.items()]
    try:
        stale = [path for path, content in wanted if not path.is_file() or path.read_text("utf-8") != content]
        if not check:
            folder.mkdir(parents=True, exist_ok=True)
            for path, content in wanted:
                path.write_text(content, "utf-8")
    except OSError as error:
        raise click.FileError(str(error.filename), error.strerror) from error
    for path in stale:
        click.echo(f"{path}: {f'out of date; run {command}' if check else 'written'}")
    if check and stale:
        raise SystemExit(INVALID)
