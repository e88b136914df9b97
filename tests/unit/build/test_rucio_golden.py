"""What each RucioServer becomes at a moment. `tests/golden/README.md` tells the format."""

import os
from pathlib import Path

import pytest
import yaml

from datalake_operator.api.parse import not_implemented
from datalake_operator.build.rucio import build
from tests.unit.build.conftest import ROOT
from tests.unit.build.rucio_cases import GOLDEN, RUCIO_CONTEXT, RUNNING, parsed, read
from tests.unit.build.test_golden import Dumper

CASES = sorted(GOLDEN.iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_input_becomes_exactly_these_children(case: Path) -> None:
    server, stage = read(case)
    assert not_implemented(server) == []
    children, golden = list(build(server, RUCIO_CONTEXT, stage)), case / "output.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(yaml.dump_all(children, Dumper=Dumper, sort_keys=False, width=120))
    assert children == list(yaml.safe_load_all(golden.read_text()))


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("rucio-*.yaml")), ids=lambda path: path.name)
def test_every_example_is_valid_and_served(example: Path) -> None:
    for body in yaml.safe_load_all(example.read_text()):
        if body["kind"] == "RucioServer":
            server = parsed(body)
            assert not_implemented(server) == []
            assert any(child["kind"] == "Deployment" for child in build(server, RUCIO_CONTEXT, RUNNING))
