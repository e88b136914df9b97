"""One measured figure and what the design allows."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """A figure; `budget` is the most that it may be, None where it is for information only."""

    name: str
    value: float
    unit: str = ""
    budget: float | None = None

    @property
    def missed(self) -> bool:
        """Whether it is over its budget."""
        return self.budget is not None and self.value > self.budget

    def __str__(self) -> str:
        allowed = "" if self.budget is None else f" (at most {self.budget:g})"
        return f"{self.name}: {self.value:.4g} {self.unit}{allowed}"


def table(figures: Iterable[Figure]) -> Table:
    """All figures, for reading."""
    rows = Table("figure", "measured", "at most", "", title="datalake-operator", title_justify="left")
    for figure in figures:
        allowed = "" if figure.budget is None else f"{figure.budget:g}"
        verdict = "" if figure.budget is None else "[red]over[/red]" if figure.missed else "[green]ok[/green]"
        rows.add_row(figure.name, f"{figure.value:.4g} {figure.unit}", allowed, verdict)
    return rows
