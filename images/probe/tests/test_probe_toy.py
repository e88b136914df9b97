"""A new type in the runner is one plug-in and one row."""

from pathlib import Path

from datalake_probe.__main__ import main
from datalake_probe.table import TYPES
from tests.support import probe_runs as runs
from tests.support import toy_probe


def test_a_type_is_one_plug_in_and_one_row(tmp_path: Path) -> None:
    targets = [{"name": "two", "number": 2}, {"name": "three", "number": 3}, {"name": "minus", "number": -1}]
    targets.append({"name": "text", "number": "the runner's own fault blames nobody"})
    environment = runs.write(tmp_path, runs.document("toy", {"targets": targets}))
    assert main(environment, {**TYPES, "toy": toy_probe}) == 0
    found = runs.read(tmp_path / "message")
    assert runs.cells(found) == {
        "two": ("ok", None), "three": ("bad", "UnexpectedBody"), "minus": ("skipped", "NotPermitted"),
        "text": ("unknown", "NotMeasured"),
    }  # fmt: skip
    assert [cell.get("m") for cell in found["cells"]] == [{"half": 1}, {"half": 1.5}, None, None]
