"""What an operator on shift reads leaves no reason out, and leads nowhere that is not there."""

import re
from pathlib import Path

import pytest

from datalake_operator.build.probe.refusals import ProbeRefusal
from datalake_operator.probes.reasons import REASONS
from datalake_operator.web import words

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()


def anchors(text: str) -> set[str]:
    """Anchors of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_is_something_to_do_for_each_reason() -> None:
    table = OPERATIONS.partition("## What to do for each reason")[2].partition("\n## ")[0]
    first = {name for row in re.findall(r"^\| ([^|]+)\|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert first == set(REASONS)


def test_a_spec_that_cannot_be_is_explained() -> None:
    refusals = {value for name, value in vars(ProbeRefusal).items() if name.isupper()}
    assert {name for name in refusals if f"`{name}`" not in OPERATIONS} == set()


def test_every_symbol_of_the_page_is_explained() -> None:
    table = OPERATIONS.partition("| you see |")[2].partition("\n\n")[0]
    assert [state for state, shown in words.STATES.items() if f"| {shown.symbol} " not in table] == []


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    dead = []
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        other = page if not target else page.parent / target
        if not other.exists() or (anchor and anchor not in anchors(other.read_text())):
            dead.append(f"{target}#{anchor}")
    assert dead == []
