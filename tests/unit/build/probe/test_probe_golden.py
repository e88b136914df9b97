"""What each QoSProbe becomes. `tests/golden/README.md` tells the format."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from datalake_operator.api.parse import not_implemented
from datalake_operator.api.probe_verdict import MEASUREMENTS
from datalake_operator.build.probe import build, cells
from tests.unit.build.conftest import ROOT
from tests.unit.build.probe_cases import GOLDEN, PROBE_CONTEXT, read
from tests.unit.build.test_golden import Dumper

CASES = sorted(GOLDEN.iterdir())
EXAMPLES = sorted((ROOT / "examples").glob("probe-*.yaml"))
FILES = [*(case / "input.yaml" for case in CASES), *EXAMPLES]
SCHEMA = json.loads((ROOT / "images" / "probe" / "plan.schema.json").read_text())
each_file = pytest.mark.parametrize("file", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_input_becomes_exactly_these_children(case: Path) -> None:
    found, targets = read(case / "input.yaml")
    children, golden = list(build(found, PROBE_CONTEXT, targets)), case / "output.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(yaml.dump_all(children, Dumper=Dumper, sort_keys=False, width=120))
    assert children == list(yaml.safe_load_all(golden.read_text()))


@each_file
def test_every_plan_is_what_the_runner_reads(file: Path) -> None:
    jsonschema.validate(plan(file), SCHEMA)


@each_file
def test_the_runner_is_told_of_exactly_the_cells_that_are_expected(file: Path) -> None:
    found, targets = read(file)
    said = plan(file)
    alone = {(one["name"], None, protocol) for one in said["endpoints"] for protocol in one["urls"]}
    moved = {
        (s, d, protocol) for s, d, protocols in said.get("transfer", {}).get("pairs", ()) for protocol in protocols
    }
    expected = cells(found, targets)
    assert len(set(expected)) == len(expected)
    if said["type"] in {"storage", "transfer"}:
        assert set(expected) == alone | moved


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid_and_served(example: Path) -> None:
    found, targets = read(example)
    assert not_implemented(found) == []
    assert build(found, PROBE_CONTEXT, targets)[-1]["kind"] == "CronJob"


def test_there_is_an_example_of_each_type_and_one_of_a_mesh() -> None:
    types = set(SCHEMA["properties"]["type"]["enum"])
    assert {path.name for path in EXAMPLES} == {f"probe-{name}.yaml" for name in (*types, "mesh", "minimal")}
    assert {plan(path)["type"] for path in EXAMPLES} == types


def test_the_program_of_the_custom_example_writes_an_envelope(tmp_path: Path) -> None:
    body = yaml.safe_load((ROOT / "examples" / "probe-custom.yaml").read_text())
    *_, program = body["spec"]["custom"]["command"]
    written = tmp_path / "termination-log"
    environment = {"PROBE_RUN": "custom-1"}
    exec(  # noqa: S102 - our own example
        program.replace("/dev/termination-log", str(written)).replace("os.environ", repr(environment)), {}
    )
    schema = json.loads((ROOT / "images" / "probe" / "envelope.schema.json").read_text())
    jsonschema.validate(json.loads(written.read_text()), schema)


def plan(file: Path) -> dict[str, Any]:
    """The plan of a file's probe."""
    found, targets = read(file)
    config_map, _ = build(found, PROBE_CONTEXT, targets)
    said: dict[str, Any] = json.loads(config_map["data"]["plan.json"])
    return said


def test_what_thresholds_may_name_is_what_the_runner_measures() -> None:
    modules = (ROOT / "images" / "probe" / "datalake_probe").glob("*.py")
    written = set(re.findall(r'"([a-z][a-z0-9_]+)"', "".join(module.read_text() for module in modules)))
    named = {name for names in MEASUREMENTS.values() for name in names} - {"success_ratio"}
    assert named <= written
