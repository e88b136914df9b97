"""What a cache's exporter may answer: whatever an image says, a pass over its resource ends well."""

import contextlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.reconcile.xcache import XCacheKind

ROOT = Path(__file__).parents[3]
KIND = XCacheKind()
STREAM: dict[str, Any] = {"packets": 7, "lost": 0, "lastReceivedTime": "2026-11-25T12:00:00Z"}
WHOLE: dict[str, Any] = {
    "version": 1,
    "xrootd": {"version": "v5.8.1", "startTime": "2026-11-25T12:00:00Z"},
    "draining": False,
    "openFiles": 3,
    "cache": {"usedBytes": 10**15, "files": 10**9},
    "disks": [{"space": "data", "name": "d0", "capacityBytes": 10**16, "usedBytes": 1}],
    "hour": {"servedBytes": 5, "originBytes": 5, "hitPercent": 0},
    "origin": {"opens": 1, "openErrors": 0, "lastSuccessTime": "2026-11-25T12:00:00Z", "lastErrorTime": None},
    "stream": STREAM,
    "summary": STREAM,
}
EARLY = WHOLE | {"xrootd": {"version": None, "startTime": None}, "openFiles": None, "cache": None, "disks": []}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("answer", [WHOLE, EARLY, WHOLE | {"added": "later"}], ids=["whole", "early", "newer"])
def test_what_the_schema_of_both_sides_allows_is_taken(answer: dict[str, Any]) -> None:
    jsonschema.validate(answer, json.loads((ROOT / "images" / "xcache" / "state.schema.json").read_text()))
    assert KIND.notable(answer)


@pytest.mark.parametrize(
    "part",
    [
        {"xrootd": "v5.8.1"},
        {"xrootd": {"version": "v" * 200}},
        {"cache": {"usedBytes": "many"}},
        {"cache": {"usedBytes": 10**400}},
        {"cache": {"files": -1}},
        {"hour": {"hitPercent": 101}},
        {"hour": {"hitPercent": 1.5}},
        {"disks": [7]},
        {"disks": [{"space": "data", "capacityBytes": None}]},
        {"origin": []},
        {"origin": {"lastErrorTime": 7}},
        {"openFiles": "x" * 1000},
    ],
    ids=str,
)
def test_what_status_could_not_hold_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(part))):
        KIND.notable(WHOLE | part)


@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), anything))
def test_any_answer_is_either_judged_or_refused(part: dict[str, Any]) -> None:
    with contextlib.suppress(ValueError):
        KIND.notable(WHOLE | part)
