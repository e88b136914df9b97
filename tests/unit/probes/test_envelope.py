"""Messages of pods: whatever is in one, it becomes a message or a reason, and what is kept of it is bounded."""

import base64
import json
import re
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.probes import envelope
from datalake_operator.probes.envelope import Message, Problem
from datalake_operator.probes.model import CellKey, Sample
from datalake_operator.probes.reasons import REASONS, REPORTED
from datalake_operator.probes.verdict import verdict
from tests.unit.probes import lake

SCHEMA = json.loads((Path(__file__).parents[3] / "images/probe/envelope.schema.json").read_text("utf-8"))
HTML = "<script>alert(1)</script>"
CELL = {"source": "CERN", "destination": "PIC", "protocol": "root", "result": "bad", "reason": "NoSpace"}


def body(**more: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "run": "mesh-1",
        "index": None,
        "type": "transfer",
        "start": "2026-01-01T00:00:00.5Z",
        "end": "2026-01-01T00:02:00Z",
        "state": "done",
        "problem": None,
        "control": {"cluster-dns": "ok", "api-server": "Refused"},
        "cells": [CELL | {"m": {"seconds": 1.5, "connect_seconds": 1}}],
    } | more


def packed(text: str) -> str:
    return "z1:" + base64.b64encode(zlib.compress(text.encode())).decode()


def read(text: str | None) -> Message | Problem:
    return envelope.read(text, "mesh-1", lake.START)


def message(**more: Any) -> Message | Problem:
    return read(json.dumps(body(**more)))


def test_a_message_is_read() -> None:
    assert message() == Message(
        {CellKey("CERN", "PIC", "root"): Sample("bad", "NoSpace", {"seconds": 1.5, "connect_seconds": 1.0})},
        {"cluster-dns": True, "api-server": False},
    )
    jsonschema.validate(body(), SCHEMA)


def test_a_compressed_message_is_read() -> None:
    cells = [CELL | {"source": f"SITE-{number}"} for number in range(200)]
    text = packed(json.dumps(body(cells=cells)))
    assert len(text) < 4096
    found = read(text)
    assert isinstance(found, Message)
    assert len(found.samples) == 200


def test_the_schema_of_the_runner_has_the_same_reasons() -> None:
    assert set(SCHEMA["$defs"]["reason"]["enum"]) == REPORTED


BOMB = packed("[" + "0," * 5_000_000 + "0]")
DEEP = '{"v":1,"cells":' + "[" * 4000

BAD = {
    "none": (None, "NoMessage"),
    "empty": ("", "NoMessage"),
    "blank": (" \n", "NoMessage"),
    "cut": (json.dumps(body())[:100], "Truncated"),
    "cut in a text": (json.dumps(body())[:12], "Truncated"),
    "cut at the kubelet's limit": ("x" * 4096, "Truncated"),
    "the end of a long one": (json.dumps(body(cells=[CELL] * 60))[-4096:], "Truncated"),
    "cut and compressed": (
        packed(json.dumps(body(cells=[CELL | {"source": str(n)} for n in range(99)])))[:100],
        "Truncated",
    ),
    "cut in base64": (packed(json.dumps(body()))[:101], "Truncated"),
    "100 KB": (json.dumps(body(run="x" * 100_000)), "Malformed"),
    "binary": ("\x00\xff\udcfe\x07" * 9, "Malformed"),
    "no JSON": ("probe: done", "Malformed"),
    "no object": ("[1]", "Malformed"),
    "null": ("null", "Malformed"),
    "deep": (DEEP, "Malformed"),
    "deep and compressed": (packed("[" * 100_000), "Malformed"),
    "a bomb": (BOMB, "Malformed"),
    "no base64": ("z1:?!", "Malformed"),
    "no zlib": ("z1:" + base64.b64encode(b"abcd" * 9).decode(), "Malformed"),
    "no text": ("z1:" + base64.b64encode(zlib.compress(b"\xff\xfe")).decode(), "Malformed"),
    "not a number": (json.dumps(body()).replace("1.5", "NaN"), "Malformed"),
    "a huge number": (json.dumps(body()).replace("1.5", "1" * 5000), "Malformed"),
    "another version": (json.dumps(body(v=2)), "OtherVersion"),
    "no version": (json.dumps(body(v="1")), "Malformed"),
    "true as version": (json.dumps(body(v=True)), "Malformed"),
    "another run's": (json.dumps(body(run="mesh-2")), "ForeignMessage"),
    "no run": (json.dumps(body(run=None)), "Malformed"),
    "the future": (json.dumps(body(start="2026-01-01T00:06:00Z")), "InTheFuture"),
    "the end in the future": (json.dumps(body(end="2099-01-01T00:06:00Z")), "InTheFuture"),
    "no start": (json.dumps(body(start=None)), "Malformed"),
    "no time": (json.dumps(body(start="now")), "Malformed"),
    "no such time": (json.dumps(body(start="2026-02-31T00:00:00Z")), "Malformed"),
    "the last year there is": (json.dumps(body(end="9999-12-31T23:59:59-23:59")), "InTheFuture"),
    "no cells": (json.dumps(body(cells=None)), "Malformed"),
    "too many cells": (packed(json.dumps(body(cells=[{"source": "a", "result": "ok"}] * 4097))), "Malformed"),
    "a cell that is none": (json.dumps(body(cells=[1])), "Malformed"),
    "HTML as source": (json.dumps(body(cells=[CELL | {"source": HTML}])), "Malformed"),
    "HTML as destination": (json.dumps(body(cells=[CELL | {"destination": HTML}])), "Malformed"),
    "HTML as protocol": (json.dumps(body(cells=[CELL | {"protocol": HTML}])), "Malformed"),
    "HTML as result": (json.dumps(body(cells=[CELL | {"result": HTML}])), "Malformed"),
    "HTML as control": (json.dumps(body(control={HTML: "ok"})), "Malformed"),
    "HTML as state": (json.dumps(body(state=HTML)), "Malformed"),
    "HTML as run": (json.dumps(body(run=HTML)), "ForeignMessage"),
    "HTML as time": (json.dumps(body(start=HTML)), "Malformed"),
    "a list as result": (json.dumps(body(cells=[CELL | {"result": ["ok"]}])), "Malformed"),
    "a control that is none": (json.dumps(body(control=[1])), "Malformed"),
}


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
def test_a_bad_message_is_unknown_with_a_reason(text: str | None, reason: str) -> None:
    found = read(text)
    assert found == Problem(reason)
    run = envelope.merge("mesh-1", lake.START, lake.START, {None: found})
    result = verdict(lake.watch(), {}, [run], lake.START)
    assert (lake.cell(result)["state"], lake.cell(result)["reason"]) == ("unknown", reason)
    assert result.healthy[0] == "Unknown"
    assert "<" not in json.dumps(result.fields)


def test_html_as_a_reason_or_a_measurement_is_dropped() -> None:
    bad = CELL | {"reason": HTML, "m": {HTML: 1, "ok_seconds": HTML, "seconds": 2}}
    found = message(cells=[bad], problem={"reason": HTML, "message": HTML}, control={"a": HTML})
    assert isinstance(found, Message)
    assert found == Message(
        {CellKey("CERN", "PIC", "root"): Sample("bad", "Failed", {"seconds": 2.0})}, {"a": False}, "RunnerFailed"
    )


@pytest.mark.parametrize(
    ("result", "reason", "kept"),
    [
        ("ok", "NoSpace", None),
        ("bad", "Nonsense", "Failed"),
        ("bad", "CentralFault", "Failed"),
        ("bad", None, "Failed"),
        ("bad", ["NoSpace"], "Failed"),
        ("skipped", "NoSpace", "NoSpace"),
        ("skipped", 1, "EarlierStepFailed"),
        ("unknown", "Nonsense", "NotMeasured"),
        ("unknown", "ConfigError", "ConfigError"),
    ],
)
def test_reasons_are_of_the_bounded_set(result: str, reason: Any, kept: str | None) -> None:
    found = message(cells=[CELL | {"result": result, "reason": reason}])
    assert isinstance(found, Message)
    assert [sample.reason for sample in found.samples.values()] == [kept]


def test_figures_are_finite_and_few() -> None:
    many = {f"m{number}": number for number in range(30)}
    found = message(cells=[CELL | {"m": {"a": True, "b": "1", "c": None, "d": 10**400} | many}])
    assert isinstance(found, Message)
    (sample,) = found.samples.values()
    assert list(sample.measurements) == [f"m{number}" for number in range(16)]


def test_clocks_may_differ_by_minutes() -> None:
    assert isinstance(message(end="2026-01-01T00:04:00Z"), Message)


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
@settings(deadline=None)
def test_no_text_is_too_strange(text: str) -> None:
    found = envelope.read(text, "mesh-1", lake.START)
    assert isinstance(found, Problem)
    assert found.reason in REASONS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from((*body(), "more")), JSON, max_size=4),
    st.dictionaries(st.sampled_from((*CELL, "m")), JSON),
)
@settings(deadline=None)
def test_no_json_is_too_strange(fields: dict[str, Any], cell: dict[str, Any]) -> None:
    found = envelope.read(json.dumps(body(cells=[CELL | cell]) | fields), "mesh-1", lake.START)
    if isinstance(found, Problem):
        assert found.reason in REASONS
        return
    name = re.compile(r"[][A-Za-z0-9_.:-]*")
    for key, sample in found.samples.items():
        assert all(name.fullmatch(part or "") for part in key)
        assert sample.reason is None or sample.reason in REASONS
    envelope.merge("mesh-1", lake.START, None, {None: found})


@given(st.integers(1, 4000))
@settings(deadline=None)
def test_a_message_cut_anywhere_is_truncated(length: int) -> None:
    whole = json.dumps(body(cells=[CELL | {"source": f"SITE-{number}"} for number in range(60)]))
    assert len(whole) > 4096
    assert read(whole[:length]) == Problem("Truncated")
    assert read(packed(whole)[: max(length % 500, 4)]) == Problem("Truncated")


def test_the_messages_of_many_pods_make_one_run() -> None:
    first, second = message(cells=[CELL]), message(cells=[CELL | {"source": "PIC", "destination": "CERN"}])
    run = envelope.merge(
        "mesh-1", lake.START, lake.START + timedelta(minutes=2), {0: first, 1: second}, sources=("CERN", "PIC", "DESY")
    )
    assert [key.source for key in run.samples] == ["CERN", "PIC"]
    assert run.missing == {"DESY": "NoMessage"}
    assert run.problem is None
    assert run.control == {"cluster-dns": True, "api-server": False}


def test_a_pod_of_many_that_sees_nothing_accuses_nobody() -> None:
    """One node is broken: what its pod found is not known, what the others found counts."""
    keys = lake.mesh(("CERN", "PIC"))
    lost = Message({keys[0]: lake.bad("Unreachable"), keys[2]: lake.skipped("Unreachable")}, {"gateway": False})
    fine = Message({keys[1]: lake.GOOD, keys[3]: lake.GOOD}, {"gateway": True})
    run = envelope.merge("mesh-1", lake.START, lake.START, {0: lost, 1: fine}, sources=("CERN", "PIC"))
    result = verdict(lake.watch(keys), {}, [run], lake.START)
    assert list(lake.states(result).values()) == ["unknown", "ok", "unknown", "ok"]


def test_a_program_that_could_not_measure_says_why() -> None:
    found = message(cells=[], problem={"reason": "ConfigError", "message": "no user name"})
    run = envelope.merge("mesh-1", lake.START, lake.START, {None: found})
    assert run.problem == "ConfigError"


def test_a_killed_program_leaves_what_it_had() -> None:
    found = message(state="running", end=None, control={})
    assert isinstance(found, Message)
    assert not found.done
    keys = (CellKey("CERN", "PIC", "root"), CellKey("PIC", "CERN", "root"))
    run = envelope.merge("mesh-1", lake.START, lake.START, {None: found})
    result = verdict(lake.watch(keys), {}, [run], lake.START)
    assert [cell["reason"] for cell in result.fields["cells"]] == ["NoSpace", "NotMeasured"]
