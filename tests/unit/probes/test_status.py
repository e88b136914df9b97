"""What stands in status: small, readable, and nothing that breaks when it is read again."""

import json
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.api.parse import validated
from datalake_operator.api.probe_status import QoSProbeStatus
from datalake_operator.probes import buckets, limits, marks
from datalake_operator.probes.figures import write
from datalake_operator.probes.model import CellKey, Run, Sample
from datalake_operator.probes.reasons import BY_LETTER, FAILURES
from datalake_operator.probes.streak import Streak
from datalake_operator.probes.verdict import verdict
from tests.unit.probes import lake

LIMIT = 400 * 1024
NAMES = [f"SITE-{number:02d}-DISK" for number in range(40)]
KEYS = lake.mesh(NAMES)
CONDITIONS = 4096
"""Bytes for conditions, managedFields and what else the operator puts beside the verdict."""


def judged(sample: Any, count: int = 60) -> Mapping[str, Any]:
    moments = [lake.START + number * lake.STEP for number in range(count)]
    found = [
        Run(f"mesh-{29000000 + number}", moment, moment, {key: sample(number) for key in KEYS}, lake.CONTROL)
        for number, moment in enumerate(moments)
    ]
    return verdict(lake.watch(KEYS), {}, found, moments[-1]).fields


def flaky(share: float) -> Any:
    chance = random.Random(1)  # noqa: S311 - the same each time
    figures = {"seconds": 12.5, "throughput_bytes_per_second": 123456789.0}

    def sample(_: int) -> Sample:
        failed = chance.random() < share
        return lake.bad(chance.choice(("ConnectTimeout", "TransferFailed"))) if failed else Sample("ok", None, figures)

    return sample


@pytest.mark.parametrize(
    "sample",
    [
        lambda _: lake.GOOD,
        lambda _: lake.bad("ChecksumMismatch"),
        lambda number: lake.bad("TransferFailed") if number % 2 else lake.GOOD,
        lambda _: lake.unknown("NotMeasured"),
        flaky(0.0),
        flaky(0.05),
        flaky(0.5),
        flaky(0.9),
    ],
    ids=["good", "bad", "every other", "unknown", "figures", "few bad", "half bad", "most bad"],
)
def test_status_of_a_large_mesh_stays_small(sample: Any) -> None:
    fields = judged(sample)
    assert len(json.dumps(fields, separators=(",", ":"))) + CONDITIONS < LIMIT


def test_status_fits_its_schema() -> None:
    fields = judged(flaky(0.5), 3)
    status = validated(QoSProbeStatus, json.loads(json.dumps(fields)))
    assert json.loads(status.model_dump_json(by_alias=True, exclude_none=True)) == json.loads(json.dumps(fields))


def test_a_small_probe_shows_four_figures_and_a_large_one_fewer() -> None:
    figures = {"a": 1.0, "tls_days_left": 80.25, "seconds": 0.123456, "throughput_bytes_per_second": 1e9, "b": 2.0}
    result = lake.judged(lake.watch(), [lake.run(0, {lake.ONE: Sample("ok", None, figures)})])
    assert lake.cell(result)["measurements"] == [
        {"name": "tls_days_left", "value": "80.25"},
        {"name": "throughput_bytes_per_second", "value": "1000000000"},
        {"name": "seconds", "value": "0.1235"},
        {"name": "a", "value": "1"},
    ]
    assert all(
        len(cell.get("measurements", ())) < 4 for cell in judged(lambda _: Sample("ok", None, figures), 3)["cells"]
    )


def test_no_figure_is_longer_than_status_takes() -> None:
    """A program may measure what it likes; one long text in status, and the API server refuses all of it."""
    assert [write(value) for value in (1.7e308, -1.7e308, 1e18, 123456789012345678.0)] == [
        "1.7e+308",
        "-1.7e+308",
        "1e+18",
        "123456789012345680",
    ]


def test_figures_are_short() -> None:
    assert [write(value) for value in (0, 0.00012345, 12.5, 999.94, 1e10, -2.5)] == [
        "0",
        "0.0001234",
        "12.5",
        "999.9",
        "10000000000",
        "-2.5",
    ]


def test_the_runs_of_a_cell_are_read_again() -> None:
    cell = lake.cell(lake.judged(lake.watch(), lake.runs("oxx-?")))
    assert (cell["runs"], cell["reasons"]) == ("oxx-?", "BBgh")
    assert marks.runs(cell) == [
        ("ok", None),
        ("bad", "Refused"),
        ("bad", "Refused"),
        ("skipped", "EarlierStepFailed"),
        ("unknown", "NotMeasured"),
    ]
    assert marks.runs({}) == []


MARKS = st.lists(
    st.sampled_from((marks.FINE, marks.NOTHING))
    | st.tuples(st.sampled_from("wsx-?m"), st.sampled_from(sorted(BY_LETTER))).map("".join),
    max_size=64,
).map("".join)


@given(MARKS)
@settings(deadline=None)
def test_marks_are_read_as_they_were_written(text: str) -> None:
    assert marks.pairs(marks.codes(text), marks.letters(text)) == text


@given(st.text(max_size=64), st.text(max_size=64), st.text(max_size=64), st.text(max_size=64), st.text(max_size=64))
@settings(deadline=None)
def test_what_a_user_wrote_into_status_breaks_nothing(
    runs: str, reasons: str, past: str, counts: str, totals: str
) -> None:
    before = dict(lake.judged(lake.watch(), lake.runs("oxo")).fields)
    odd = {"source": "CERN", "state": "ok", "runs": runs, "reasons": reasons, "past": past, "buckets": counts}
    before["cells"] = [odd | {"totals": totals}]
    result = verdict(lake.watch(), before, lake.runs("xx", first=3), lake.START + 4 * lake.STEP)
    assert len(lake.cell(result)["runs"]) == 5
    assert lake.cell(result)["state"] == "critical"


@given(st.dictionaries(st.integers(1000, 1040), st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=20))
@settings(deadline=None)
def test_buckets_are_read_as_they_were_written(found: dict[int, tuple[int, int]]) -> None:
    real = {number: counts for number, counts in found.items() if any(counts)}
    text = buckets.write(real, 900, 0)
    assert buckets.read(text, 900) == real
    assert len(text) <= 1024
    hours = buckets.read(text, 3600)
    assert sum(ok for ok, _ in hours.values()) == sum(ok for ok, _ in real.values())
    assert buckets.read(buckets.write(real, 3600, 0), 900) == {}


def test_buckets_are_short() -> None:
    text = buckets.write({1000 + number: (15, 0) for number in range(24)}, 900, 0)
    assert text == "900 1023:15*24"
    assert [buckets.size(timedelta(hours=hours)) for hours in (1, 6, 7, 48, 49, 720)] == [
        900,
        900,
        3600,
        3600,
        86400,
        86400,
    ]


@given(st.text(alphabet="owsx-?m.", max_size=30), st.integers(1, 10), st.integers(1, 10))
@settings(deadline=None)
def test_a_streak_goes_on_from_its_text(runs: str, confirmations: int, recoveries: int) -> None:
    whole = Streak()
    parts = Streak()
    for code in runs:
        turn = whole.step(code, confirmations, recoveries)
        parts = Streak.read(parts.write())
        assert parts.step(code, confirmations, recoveries) == turn
        assert (parts.red, parts.yellow) == (whole.red, whole.yellow)


def test_custom_programs_may_report_what_they_like_but_not_too_much() -> None:
    rules = lake.watch((), open=True)
    many = {CellKey(f"disk-{number:04d}"): lake.GOOD for number in range(500)}
    result = lake.judged(rules, [lake.run(0, many)])
    assert len(result.fields["cells"]) == 256
    assert result.healthy[0] == "True"


def test_every_failure_counts_by_its_reason() -> None:
    found = [lake.run(number, {lake.ONE: lake.bad(reason)}) for number, reason in enumerate(sorted(FAILURES))]
    totals = {entry["name"]: entry["count"] for entry in lake.judged(lake.watch(), found).fields["totals"]}
    assert totals == dict.fromkeys(FAILURES, 1) | {"bad": len(FAILURES)}


def test_defaults_hold_for_what_thresholds_do_not_name() -> None:
    from datalake_operator.api.probe_verdict import Threshold  # noqa: PLC0415

    given_ = validated(
        Threshold, {"measurement": "seconds", "atMost": {"warning": "5", "critical": "60"}, "window": "1h"}
    )
    found = {limit.measurement: limit for limit in limits.of("http", [given_])}
    assert set(found) == {"success_ratio", "tls_days_left", "seconds"}
    assert (found["seconds"].at_least, found["seconds"].critical) == (False, 60.0)
    assert limits.beyond({"seconds": 61.0}, tuple(found.values())) == ("critical", "Slow")
    assert limits.beyond({"seconds": 6.0, "tls_days_left": 9.0}, tuple(found.values())) == (
        "warning",
        "CertificateExpiring",
    )
    assert limits.beyond({"seconds": 5.0, "tls_days_left": 14.0}, tuple(found.values())) is None
