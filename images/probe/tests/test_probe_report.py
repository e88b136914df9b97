"""The envelope: valid at every moment, and never longer than Kubernetes keeps."""

import base64
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_probe import report
from datalake_probe.outcome import NOT_MEASURED, Cell, Outcome, Reason
from datalake_probe.report import Report, pack
from tests.support.probe_runs import ENVELOPE as SCHEMA

NOW = datetime(2026, 11, 26, 7, 0, 0, 123456, tzinfo=UTC)
HEAD = {"v": 1, "run": "mesh-1", "index": None, "type": "transfer", "start": "2026-11-26T07:00:00.123Z", "end": None,
        "state": "running", "problem": None, "control": {}}  # fmt: skip
BAD = Outcome("bad", Reason.REFUSED, {"seconds": 1.25})


def read(text: bytes) -> dict[str, Any]:
    """An envelope as the operator takes it, checked against the schema."""
    assert len(text) <= report.LIMIT_BYTES
    plain = zlib.decompress(base64.b64decode(text[3:], validate=True)) if text.startswith(b"z1:") else text
    found: dict[str, Any] = json.loads(plain)
    jsonschema.validate(found, SCHEMA)
    return found


def mesh(sources: int, outcome: Outcome = BAD) -> Mapping[Cell, Outcome]:
    """Names that cannot be packed well."""
    names = [f"{zlib.crc32(str(number).encode()):08x}-{number}" for number in range(sources)]
    return {Cell(one, other, "root"): outcome for one in names for other in names}


def opened(path: Path, index: int | None = None) -> Report:
    return Report(path, "mesh-1", index, "transfer", lambda: NOW)


def test_every_reason_is_in_the_schema_and_no_other() -> None:
    assert [reason.value for reason in Reason] == SCHEMA["$defs"]["reason"]["enum"]


def test_it_is_valid_early_and_after_each_step(tmp_path: Path) -> None:
    path = tmp_path / "message"
    found = opened(path, 3)
    assert read(path.read_bytes())["state"] == "running"
    found.control({"dns": None, "api": Reason.REFUSED})
    assert read(path.read_bytes())["control"] == {"dns": "ok", "api": "Refused"}
    found.put(
        Cell("A", "B", "root"), Outcome("ok", None, {"seconds": 1.23456, "throughput_bytes_per_second": 12345678})
    )
    running = read(path.read_bytes())
    assert (running["state"], running["end"], running["index"]) == ("running", None, 3)
    assert running["cells"] == [
        {"source": "A", "destination": "B", "protocol": "root", "result": "ok",
         "m": {"seconds": 1.235, "throughput_bytes_per_second": 12350000}}
    ]  # fmt: skip
    found.end([Cell("A", "B", "root"), Cell("A")])
    done = read(path.read_bytes())
    assert (done["state"], done["end"]) == ("done", "2026-11-26T07:00:00.123Z")
    assert done["cells"][1] == {"source": "A", "result": "unknown", "reason": "NotMeasured"}


def test_after_the_end_nothing_is_taken_any_more(tmp_path: Path) -> None:
    found = opened(tmp_path / "message")
    found.end([Cell("A")])
    found.put(Cell("A"), BAD)
    assert read((tmp_path / "message").read_bytes())["cells"][0]["reason"] == "NotMeasured"


def test_a_control_that_failed_once_has_failed_for_this_run(tmp_path: Path) -> None:
    found = opened(tmp_path / "message")
    for reason in (None, Reason.NAME_NOT_FOUND, None):
        found.control({"dns": reason})
    assert read((tmp_path / "message").read_bytes())["control"] == {"dns": "NameNotFound"}


def test_a_shorter_text_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_text("x" * 4096)
    opened(path).end([])
    read(path.read_bytes())


def test_a_problem_ends_it_and_is_one_bounded_line(tmp_path: Path) -> None:
    opened(tmp_path / "message").problem(Reason.CONFIG_ERROR, "no\nsuch " + "x" * 500)
    found = read((tmp_path / "message").read_bytes())
    assert found["state"] == "done"
    assert found["problem"]["reason"] == "ConfigError"
    assert found["problem"]["message"].startswith("no such xxx")


def test_a_long_one_is_packed_and_a_short_one_can_be_read_by_anybody() -> None:
    assert pack(HEAD, mesh(2)).startswith(b"{")
    packed = pack(HEAD, mesh(8))
    assert packed.startswith(b"z1:")
    assert [cell["m"] for cell in read(packed)["cells"]] == [{"seconds": 1.25}] * 64


def test_where_there_is_no_room_measurements_go_first_and_then_the_good_cells() -> None:
    many = {cell: Outcome("ok", None, {"seconds": float(zlib.crc32(repr(cell).encode()))}) for cell in mesh(22)}
    found = read(pack(HEAD, many))
    assert len(found["cells"]) == 484
    assert not any("m" in cell for cell in found["cells"])
    cells = {**mesh(60, Outcome("ok")), Cell("last"): BAD}
    found = read(pack(HEAD, cells))
    assert 0 < len(found["cells"]) < len(cells)
    assert found["cells"][0]["source"] == "last"


def test_what_is_no_number_is_left_out() -> None:
    found = read(pack(HEAD, {Cell("A"): Outcome("ok", None, {"seconds": float("nan"), "cold_seconds": float("inf")})}))
    assert found["cells"][0]["m"] == {}


@given(
    st.dictionaries(
        st.builds(
            Cell,
            st.text(min_size=1, max_size=253),
            st.none() | st.text(min_size=1, max_size=63),
            st.sampled_from([None, "root", "davs"]),
        ),
        st.just(NOT_MEASURED)
        | st.builds(
            Outcome,
            st.just("ok"),
            st.none(),
            st.dictionaries(st.sampled_from(["seconds", "warm_seconds"]), st.floats()),
        ),
        max_size=60,
    )
)
def test_whatever_is_reported_is_valid_and_short_enough(cells: dict[Cell, Outcome]) -> None:
    read(pack(HEAD, cells))


@pytest.mark.parametrize(("value", "shown"), [(0.0, 0), (1234.5, 1234), (0.00012345, 0.0001234), (2.0, 2)])
def test_four_digits_are_enough(value: float, shown: float) -> None:
    found = read(pack(HEAD, {Cell("A"): Outcome("ok", None, {"seconds": value})}))
    assert found["cells"][0]["m"]["seconds"] == pytest.approx(shown, rel=1e-3)
