"""What each input becomes. `tests/golden/README.md` tells the format."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from datalake_operator.api.parse import not_implemented, parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build.xcache import build
from tests.unit.build.conftest import CONTEXT, ROOT

CASES = sorted((ROOT / "tests" / "golden" / "xcachenode").iterdir())


class Dumper(yaml.SafeDumper):
    """Writes files inside ConfigMaps as the lines they are, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def built(case: Path) -> list[dict[str, Any]]:
    node = parse(yaml.safe_load((case / "input.yaml").read_text()))
    assert isinstance(node, XCacheNode)
    assert not_implemented(node) == []
    return list(build(node, CONTEXT))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_input_becomes_exactly_these_children(case: Path) -> None:
    children, golden = built(case), case / "output.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(yaml.dump_all(children, Dumper=Dumper, sort_keys=False, width=120))
    assert children == list(yaml.safe_load_all(golden.read_text()))


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("xcache-*.yaml")), ids=lambda path: path.name)
def test_every_example_is_valid_and_served(example: Path) -> None:
    node = parse(yaml.safe_load(example.read_text()))
    assert isinstance(node, XCacheNode)
    assert not_implemented(node) == []
    assert build(node, CONTEXT)[-1]["kind"] == "StatefulSet"


def test_the_minimal_example_has_fifteen_lines() -> None:
    assert len((ROOT / "examples" / "xcache-minimal.yaml").read_text().splitlines()) == 15
