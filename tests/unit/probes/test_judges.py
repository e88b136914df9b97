"""One cell: streak, window, limits, age."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from datalake_operator.probes import limits
from datalake_operator.probes.model import CellKey, Limit, Run, Sample, Turns
from datalake_operator.probes.verdict import verdict
from tests.unit.probes import lake

SPEED = "throughput_bytes_per_second"


@pytest.mark.parametrize(
    ("runs", "state"),
    [
        ("", "notrun"),
        ("o", "ok"),
        ("x", "warning"),  # too few samples: the last run is shown, but not as critical
        ("ox", "warning"),
        ("xo", "ok"),
        ("xx", "critical"),
        ("oooooxx", "critical"),
        ("xxo", "critical"),  # one good run does not mend
        ("xxoo", "ok"),  # two do, and the window starts empty
        ("xxoox", "warning"),
        ("xxooox", "warning"),
        ("x?x", "critical"),  # what is not known is no good run
        ("x-x", "critical"),
        ("ooox?", "unknown"),
        ("ooo-", "skipped"),
        ("xx?oo", "ok"),
        ("o" * 20 + "x", "ok"),  # (20 - 1) / 21 > 0.9
        ("o" * 18 + "x", "warning"),  # a single one, but the last
        ("x" + "o" * 18, "ok"),
        ("oooxo", "ok"),
        ("xooxooo", "warning"),  # a second one is no chance any more
        ("x" + "o" * 20, "ok"),
        ("oxoxoxox", "critical"),  # never two in a row, but half of them
        ("ooooxooox", "warning"),  # (7 + 1) / 9 >= 0.8
        ("oooxooox", "warning"),
        ("ooxoox", "warning"),
        ("ooxooxoox", "critical"),  # (6 + 1) / 9 < 0.8
    ],
)
def test_runs_give_a_state(runs: str, state: str) -> None:
    assert lake.state(runs) == state


def test_confirmations_and_recoveries_are_what_the_policy_says() -> None:
    generous = (Limit(limits.SUCCESS, at_least=True, warning=0.0, critical=0.0),)
    told = [lake.state("ooo" + "x" * count, confirmations=4, limits=generous) for count in (3, 4)]
    assert told == ["warning", "critical"]  # the last good run is no longer fresh
    mended = [lake.state("xx" + "o" * count, recoveries=3) for count in (2, 3)]
    assert mended == ["critical", "ok"]
    assert lake.state("ox", confirmations=1) == "critical"


def test_only_runs_of_the_window_count() -> None:
    short = (Limit(limits.SUCCESS, at_least=True, warning=0.9, critical=0.8, window=timedelta(hours=1)),)
    assert lake.state("oxox" + "oooo", limits=short) == "ok"
    assert lake.state("oxox" + "oooo") == "warning"


def test_a_window_of_more_runs_than_are_kept_is_still_whole() -> None:
    """Every minute for 6 hours: 360 runs, of which 64 are kept one by one."""
    minute = timedelta(minutes=1)
    found = []
    for number in range(360):
        sample = lake.bad() if number % 4 == 0 and number < 200 else lake.GOOD
        start = lake.START + number * minute
        found.append(replace(lake.run(0, {lake.ONE: sample}), id=f"m-{number}", start=start, end=start))
    result = lake.judged(lake.watch(), found)
    assert len(lake.cell(result)["runs"]) == 64
    assert lake.cell(result)["state"] == "warning"  # 310 of 360
    later = [replace(found[-1], id=f"l-{n}", start=found[-1].start + n * minute, end=None) for n in range(1, 240)]
    assert lake.cell(lake.judged(lake.watch(), later, result.fields))["state"] == "ok"


def test_a_recovery_empties_the_window_for_good() -> None:
    """Every minute: three hours of failures, then mended. Neither they nor the recovery stay among the runs kept."""
    minute = timedelta(minutes=1)
    signs = "x" * 180 + "o" * 150
    found = [replace(one, start=lake.START + n * minute, end=None) for n, one in enumerate(lake.runs(signs))]
    before = lake.judged(lake.watch(), found[:182])
    assert lake.cell(before)["state"] == "ok"
    for one in found[182:]:
        before = lake.judged(lake.watch(), [one], before.fields)
        assert lake.cell(before)["state"] == "ok"


@pytest.mark.parametrize(("hours", "state"), [(12, "ok"), (47, "critical"), (400, "critical")])
def test_windows_of_hours_and_of_days(hours: int, state: str) -> None:
    """Four days of coming and going, then a day and a quarter that is good."""
    rules = lake.watch(limits=(Limit(limits.SUCCESS, True, 0.9, 0.8, timedelta(hours=hours)),))
    found = lake.runs("oox" * 128 + "o" * 60)
    assert lake.cell(lake.judged(rules, found))["state"] == state


def speeds(*figures: float) -> list[Run]:
    return [lake.run(n, {lake.ONE: Sample("ok", None, {SPEED: value})}) for n, value in enumerate(figures)]


FAST, DULL, SLOW = 100.0, 40.0, 5.0
SPEEDS = lake.watch(limits=(*limits.of("transfer"), Limit(SPEED, at_least=True, warning=50, critical=10)))


@pytest.mark.parametrize(
    ("figures", "state", "reason"),
    [
        ([FAST, FAST], "ok", None),
        ([FAST, FAST, FAST, DULL], "ok", None),
        ([FAST, FAST, FAST, SLOW], "ok", None),
        ([DULL], "warning", "Slow"),
        ([FAST, DULL, DULL], "warning", "Slow"),
        ([FAST, SLOW, SLOW], "critical", "Slow"),
        ([SLOW, SLOW, FAST, FAST], "ok", None),
        ([SLOW, SLOW, DULL, DULL], "warning", "Slow"),
        ([DULL, DULL, FAST], "warning", "Slow"),
        ([DULL, DULL, FAST, FAST], "ok", None),
        ([SLOW, FAST, SLOW], "ok", None),  # two of three, one spared
        ([SLOW, FAST, SLOW, FAST, SLOW, SLOW, FAST, SLOW], "critical", "Slow"),
    ],
)
def test_figures_are_judged_run_by_run(figures: list[float], state: str, reason: str | None) -> None:
    cell = lake.cell(lake.judged(SPEEDS, speeds(*figures)))
    assert (cell["state"], cell.get("reason")) == (state, reason)


def test_most_runs_beyond_a_limit_make_a_state_though_never_two_in_a_row() -> None:
    generous = replace(SPEEDS, confirmations=10)
    slow = speeds(*(FAST, SLOW, SLOW) * 4)
    assert lake.cell(lake.judged(generous, slow))["state"] == "critical"
    dull = speeds(*(FAST, DULL, DULL) * 4)
    assert lake.cell(lake.judged(generous, dull))["state"] == "warning"


def test_a_slow_run_is_a_success_all_the_same() -> None:
    generous = replace(SPEEDS, confirmations=10)
    assert lake.cell(lake.judged(generous, speeds(*[FAST] * 8, SLOW, SLOW)))["totals"] == "o10"


def test_a_certificate_that_ends_soon_is_a_warning() -> None:
    ends = [lake.run(n, {lake.ONE: Sample("ok", None, {"tls_days_left": 9.5})}) for n in range(2)]
    cell = lake.cell(lake.judged(lake.watch(kind="http"), ends))
    assert (cell["state"], cell["reason"]) == ("warning", "CertificateExpiring")


def test_since_is_when_the_first_of_the_failed_runs_began() -> None:
    cell = lake.cell(lake.judged(lake.watch(), lake.runs("ooxxx")))
    assert cell["since"] == "2026-01-01T00:30:00Z"


def test_since_stays_as_long_as_the_state() -> None:
    assert lake.cell(lake.judged(lake.watch(), lake.runs("oooooo")))["since"] == "2026-01-01T00:00:00Z"
    assert lake.cell(lake.judged(lake.watch(), lake.runs("ooxooxooo")))["since"] == "2026-01-01T01:15:00Z"


def test_since_comes_back_after_a_central_fault() -> None:
    broken = lake.run(5, {lake.ONE: lake.bad()}, control={"cluster-dns": False})
    result = lake.judged(lake.watch(), [*lake.runs("ooxxx"), broken])
    assert lake.cell(result)["reason"] == "CentralFault"
    again = lake.judged(lake.watch(), lake.runs("x", first=6), result.fields)
    assert (lake.cell(again)["state"], lake.cell(again)["since"]) == ("critical", "2026-01-01T00:30:00Z")


def test_pairs_that_take_turns_have_an_age_of_their_own() -> None:
    pair, own = CellKey("CERN", "PIC", "root"), CellKey("CERN", None, "root")
    rules = lake.watch((own, pair), pair_stale_after=timedelta(hours=60))
    found = [lake.run(0, {own: lake.GOOD, pair: lake.GOOD})]
    found += [lake.run(n, {own: lake.GOOD}) for n in range(1, 200)]
    result = lake.judged(rules, found)
    assert lake.states(result) == {own: "ok", pair: "ok"}
    assert lake.cell(result, pair)["runs"] == "." * 24
    stale = verdict(rules, result.fields, (), lake.START + timedelta(hours=60))
    assert lake.states(stale)[pair] == "unknown"


def test_a_central_fault_leaves_pairs_alone_whose_turn_it_was_not() -> None:
    there, back = CellKey("CERN", "PIC", "root"), CellKey("PIC", "CERN", "root")
    rules = lake.watch((there, back), pair_stale_after=timedelta(hours=60))
    broken = lake.run(1, {there: lake.bad()}, control={"cluster-dns": False})
    found = [lake.run(0, {there: lake.GOOD, back: lake.GOOD}), broken]
    assert lake.states(lake.judged(rules, found)) == {there: "unknown", back: "ok"}


def test_a_broken_run_leaves_pairs_alone_whose_turn_it_may_not_have_been() -> None:
    pair, own = CellKey("CERN", "PIC", "root"), CellKey("CERN", None, "root")
    rules = lake.watch((own, pair), pair_stale_after=timedelta(hours=60))
    found = [lake.run(0, {own: lake.GOOD, pair: lake.GOOD}), lake.run(1, {}, problem="OutOfMemory")]
    assert lake.states(lake.judged(rules, found)) == {own: "unknown", pair: "ok"}


@pytest.mark.parametrize("part", [{"problem": "OutOfMemory"}, {"missing": {"CERN": "OutOfMemory"}}])
def test_a_broken_run_leaves_the_pairs_unknown_whose_turn_it_was(part: dict[str, Any]) -> None:
    there, back = CellKey("CERN", "PIC", "root"), CellKey("PIC", "CERN", "root")
    turns = Turns(2, 900, {there[:2]: 0, back[:2]: 1})
    rules = lake.watch((there, back), pair_stale_after=timedelta(hours=60), turns=turns)
    good, minute = lake.run(0, {there: lake.GOOD, back: lake.GOOD}), int(lake.START.timestamp()) // 60
    found = {}
    for number in range(1, 3):  # the group is that of the time at which a run was due
        broken = replace(lake.run(number, {}, **part), id=f"mesh-{minute + number * 15}")
        found[number] = lake.states(lake.judged(rules, [good, broken]))
    assert found[1] == {there: "ok", back: "unknown" if "problem" in part else "ok"}
    assert found[2] == {there: "unknown", back: "ok"}
    asked = replace(lake.run(2, {}, **part), id="mesh-0123456789")
    assert lake.states(lake.judged(rules, [good, asked])) == {there: "ok", back: "ok"}


def test_a_cell_that_a_run_does_not_speak_of_was_not_measured() -> None:
    result = lake.judged(lake.watch(), [lake.run(0, {})])
    assert lake.cell(result)["reason"] == "NotMeasured"


def test_new_cells_are_not_run_and_old_ones_keep_what_they_have() -> None:
    result = lake.judged(lake.watch(), lake.runs("xx"))
    other = CellKey("PIC")
    more = verdict(lake.watch((other, lake.ONE)), result.fields, (), lake.after(lake.runs("xx")))
    assert lake.states(more) == {other: "notrun", lake.ONE: "critical"}
    assert [cell["source"] for cell in more.fields["cells"]] == ["PIC", "CERN"]


def test_runs_that_are_older_than_all_that_is_kept_are_passed_over() -> None:
    """History limits of CronJobs keep Jobs for long: they must not count twice."""
    rules = lake.watch(history_runs=1, limits=())
    found = lake.runs("o" * 30)
    result = lake.judged(rules, found)
    assert len(result.fields["runs"]) == 10
    assert verdict(rules, result.fields, found, lake.after(found)) == verdict(
        rules, result.fields, (), lake.after(found)
    )
