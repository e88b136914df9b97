"""What holds for whatever happens."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_operator.probes import limits
from datalake_operator.probes.model import CellKey, Limit, Run, Sample, Watch, Window
from datalake_operator.probes.verdict import verdict
from tests.unit.probes import lake

PAIR = CellKey("CERN", "PIC", "root")
KEYS = (CellKey("CERN", None, "root"), CellKey("PIC", None, "root"), PAIR, CellKey("PIC", "CERN", "root"))

SAMPLES = st.sampled_from(
    (
        lake.GOOD,
        lake.GOOD,
        lake.bad("Refused"),
        lake.bad("NoSpace"),
        lake.skipped(),
        lake.unknown(),
        Sample("ok", None, {"throughput_bytes_per_second": 5e6}),
        Sample("ok", None, {"throughput_bytes_per_second": 50.0}),
        Sample("ok", None, {"throughput_bytes_per_second": 1.0}),
    )
)
LIMITS = (*limits.of("transfer"), Limit("throughput_bytes_per_second", at_least=True, warning=100, critical=10))


@st.composite
def histories(draw: st.DrawFn, most: int = 30) -> list[Run]:
    count = draw(st.integers(1, most))
    found = []
    for number in range(count):
        samples = {key: draw(SAMPLES) for key in KEYS if draw(st.integers(0, 9))}
        control = {"cluster-dns": draw(st.integers(0, 9)) > 0, "api-server": True}
        problem = draw(st.sampled_from((None,) * 9 + ("NoMessage",)))
        one = lake.run(number, {} if problem else samples, control=control, problem=problem)
        found.append(one)
    return found


@st.composite
def watches(draw: st.DrawFn) -> Watch:
    start = lake.START + draw(st.integers(0, 30)) * lake.STEP
    window = Window("w", start, start + lake.STEP * draw(st.integers(1, 5)), frozenset({"PIC"}))
    return lake.watch(
        KEYS,
        limits=LIMITS,
        confirmations=draw(st.integers(2, 4)),
        recoveries=draw(st.integers(1, 4)),
        maintenance=(window,) if draw(st.booleans()) else (),
        pair_stale_after=draw(st.sampled_from((None, timedelta(hours=3)))),
    )


def without_since(fields: dict[str, Any]) -> dict[str, Any]:
    """When a state began is when it was seen to begin: that depends on when results arrive."""
    cells = [{name: value for name, value in cell.items() if name != "since"} for cell in fields["cells"]]
    endpoints = [{name: value for name, value in one.items() if name != "since"} for one in fields.get("endpoints", ())]
    return {**fields, "cells": cells, "endpoints": endpoints}


@given(watches(), histories(), st.floats(0, 10))
@settings(deadline=None)
def test_it_is_never_green_without_a_fresh_success(rules: Watch, found: list[Run], hours: float) -> None:
    now = lake.after(found) + timedelta(hours=hours)
    result = verdict(rules, lake.judged(rules, found).fields, (), now)
    for key, state in lake.states(result).items():
        if state != "ok":
            continue
        stale = rules.pair_stale_after if rules.pair_stale_after and key.destination else rules.stale_after
        good = [run.start for run in found if key in run.samples and run.samples[key].result == "ok"]
        assert good
        assert max(good) > now - stale
    if result.healthy[0] == "True":
        assert "ok" in lake.states(result).values()
        assert not {"critical", "warning", "unknown", "notrun"} & set(lake.states(result).values())


@given(st.integers(0, 70), st.integers(0, 70), st.integers(2, 10), st.integers(1, 10), st.sampled_from("xs"))
@settings(max_examples=40, deadline=None)
def test_one_bad_sample_never_turns_red_and_is_forgiven_by_the_next_good_one(
    before: int, later: int, confirmations: int, recoveries: int, sign: str
) -> None:
    slow = Sample("ok", None, {"throughput_bytes_per_second": 1.0})
    rules = lake.watch(limits=LIMITS, confirmations=confirmations, recoveries=recoveries)
    found = [lake.run(number, {lake.ONE: lake.GOOD}) for number in range(before + 1 + later)]
    found[before] = lake.run(before, {lake.ONE: lake.bad() if sign == "x" else slow})
    fields: dict[str, Any] = {}
    for one in found:
        result = verdict(rules, fields, (one,), lake.after([one]))
        fields = dict(result.fields)
        assert lake.cell(result)["state"] in (("ok", "warning") if one is found[before] else ("ok",))


@given(watches(), histories(9), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_arrival_does_not_matter(rules: Watch, found: list[Run], chance: Any) -> None:
    expected = lake.judged(rules, found)
    shuffled = list(found)
    chance.shuffle(shuffled)
    fields: dict[str, Any] = {}
    now = lake.after(found)
    for one in shuffled:
        fields = dict(verdict(rules, fields, (one,), now).fields)
    assert without_since(fields) == without_since(dict(expected.fields))


@given(
    watches(), histories(60), st.lists(st.integers(1, 9), min_size=1, max_size=60), st.randoms(use_true_random=False)
)
@settings(max_examples=25, deadline=None)
def test_late_results_find_their_place_in_a_long_history(
    rules: Watch, found: list[Run], blocks: list[int], chance: Any
) -> None:
    expected = lake.judged(rules, found)
    fields: dict[str, Any] = {}
    left = list(found)
    for size in (*blocks, len(found)):
        block, left = left[:size], left[size:]
        for part in _shuffled(block, chance) if size < 10 else block:
            fields = dict(verdict(rules, fields, (part,), lake.after(found)).fields)
    assert without_since(fields) == without_since(dict(expected.fields))


def _shuffled(block: Sequence[Run], chance: Any) -> list[Run]:
    mixed = list(block)
    chance.shuffle(mixed)
    return mixed


@given(watches(), histories(60), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_many_at_once_are_the_same_as_one_by_one(rules: Watch, found: list[Run], at_once: int) -> None:
    fields: dict[str, Any] = {}
    for number in range(0, len(found), at_once):
        part = found[number : number + at_once]
        fields = dict(verdict(rules, fields, part, lake.after(part)).fields)
    assert without_since(fields) == without_since(dict(lake.judged(rules, found).fields))


@given(watches(), histories(40))
@settings(max_examples=25, deadline=None)
def test_a_restart_from_status_changes_nothing(rules: Watch, found: list[Run]) -> None:
    now = lake.after(found)
    result = lake.judged(rules, found)
    stored = json.loads(json.dumps(result.fields))
    again = verdict(rules, stored, (), now)
    assert json.loads(json.dumps(again.fields)) == stored
    assert again.healthy == result.healthy
    assert again.wake_at == result.wake_at


@given(watches(), histories(40))
@settings(max_examples=25, deadline=None)
def test_a_run_counts_once(rules: Watch, found: list[Run]) -> None:
    result = lake.judged(rules, found)
    again = verdict(rules, result.fields, found, lake.after(found))
    assert again == result


@given(watches(), histories(40))
@settings(max_examples=25, deadline=None)
def test_what_is_mended_ends_green(rules: Watch, found: list[Run]) -> None:
    mended = [lake.run(len(found) + number, dict.fromkeys(KEYS, lake.GOOD)) for number in range(40)]
    result = lake.judged(rules, mended, lake.judged(rules, found).fields)
    assert set(lake.states(result).values()) == {"ok"}
    assert "endpoints" not in result.fields
    assert result.healthy[0] == "True"


@given(watches(), histories(40))
@settings(max_examples=25, deadline=None)
def test_a_cell_that_was_red_is_green_after_the_recoveries(rules: Watch, found: list[Run]) -> None:
    broken = [lake.run(len(found) + number, dict.fromkeys(KEYS, lake.bad())) for number in range(rules.confirmations)]
    first = len(found) + len(broken)
    mended = [lake.run(first + number, dict.fromkeys(KEYS, lake.GOOD)) for number in range(rules.recoveries)]
    rules = Watch(**{**vars(rules), "maintenance": ()})
    red = lake.judged(rules, [*found, *broken])
    assert set(lake.states(red).values()) == {"critical"}
    assert set(lake.states(lake.judged(rules, mended, red.fields)).values()) == {"ok"}


@given(watches(), histories(30))
@settings(max_examples=25, deadline=None)
def test_the_verdict_is_woken_when_time_alone_changes_it(rules: Watch, found: list[Run]) -> None:
    result = lake.judged(rules, found)
    now = lake.after(found)
    for _ in range(20):
        if result.wake_at is None:
            later = verdict(rules, result.fields, (), now + timedelta(days=30))
            assert lake.states(later) == lake.states(result)
            return
        assert result.wake_at > now
        before = verdict(rules, result.fields, (), result.wake_at - timedelta(seconds=1))
        assert lake.states(before) == lake.states(result)
        now = result.wake_at
        result = verdict(rules, result.fields, (), now)
    raise AssertionError("it is woken again and again")
