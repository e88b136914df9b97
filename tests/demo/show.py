"""What the demo says: colours and a moving line on a terminal, plain lines elsewhere."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from tests.cluster.progress import duration
from tests.demo.reads import Read


@dataclass
class Step:
    """A step that goes on; `says` tells how far it is."""

    console: Console
    status: Status
    title: str
    last: str = ""

    def says(self, text: str) -> None:
        """Say something about the step; the same text again is not repeated."""
        if text == self.last:
            return
        self.last = text
        self.status.update(f"{self.title}: {escape(text)}")
        if not self.console.is_terminal:
            self.console.print(f"  {text}", markup=False, highlight=False)


class Show:
    """Prints to standard output."""

    def __init__(self) -> None:
        plain = Console()
        self.console = plain if plain.is_terminal else Console(width=160, no_color=True)
        self.begun = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Announce a step, and say how long it took when it has worked."""
        began = time.monotonic()
        if not self.console.is_terminal:
            self.console.print(f"{title} ...", markup=False, highlight=False)
        with self.console.status(f"{title} ...") as status:
            yield Step(self.console, status, title)
        done = f"[green]✓[/] {title}" if self.console.is_terminal else "  done"
        self.console.print(f"{done} [dim]({duration(time.monotonic() - began)})[/]", highlight=False)

    def reads(self, rows: list[tuple[str, Read]]) -> None:
        """A table of timed reads."""
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
        for heading in ("read", "protocol", "MiB", "seconds", "MB/s"):
            table.add_column(heading, justify="left" if heading in ("read", "protocol") else "right")
        for what, done in rows:
            protocol = done.url.partition(":")[0]
            table.add_row(what, protocol, f"{done.size / 2**20:.0f}", f"{done.seconds:.2f}", f"{done.rate:.0f}")
        self.console.print()
        self.console.print(table)

    def text(self, text: str) -> None:
        """Text as it is, such as the output of a command; lines are never broken."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def heading(self, text: str) -> None:
        """A line that stands out."""
        self.console.print(f"\n[bold]{escape(text)}[/]", highlight=False, soft_wrap=True)

    def commands(self, lines: list[tuple[str, str]]) -> None:
        """Commands to copy, each with what it is for. One command is one line, however long."""
        for command, meaning in lines:
            self.console.print(f"  [dim]# {escape(meaning)}[/]", highlight=False, soft_wrap=True)
            self.console.print(f"  [cyan]{escape(command)}[/]", highlight=False, soft_wrap=True)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.begun


def shown(path: Path) -> str:
    """A path as a shell takes it, from the home folder on where it lies there."""
    home = os.path.expanduser("~")  # noqa: PTH111 - text, not a path
    text = str(path)
    return f"~{text[len(home) :]}" if text.startswith(f"{home}/") and " " not in text else f"'{text}'"
