"""A year of a mesh of 40 x 40 endpoints that runs every hour, with faults now and then: taken in a week at a time."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from datalake_operator.probes import limits, marks
from datalake_operator.probes.model import CellKey, Run, Sample
from datalake_operator.probes.verdict import verdict
from tests.unit.probes import lake

NAMES = [f"SITE-{number:02d}" for number in range(40)]
KEYS = lake.mesh(NAMES)
HOUR = timedelta(hours=1)
WEEKS = 52
SECONDS = 30
"""Of processor time that a year may take: some 5 on a quiet machine."""


@dataclass(frozen=True)
class Fault:
    """An endpoint is down from one hour to another."""

    name: str
    begin: int
    end: int


# One endpoint a week is down for five hours, and twice two at once.
FAULTS = [Fault(NAMES[week * 7 % 40], week * 168 + 50, week * 168 + 55) for week in range(52)]
FAULTS += [Fault(NAMES[(week * 7 + 3) % 40], week * 168 + 51, week * 168 + 54) for week in (10, 30)]


def samples(down: set[str], fine: Mapping[CellKey, Sample]) -> Mapping[CellKey, Sample]:
    if not down:
        return fine
    found = dict(fine)
    for key in KEYS:
        if key.source in down:
            found[key] = lake.bad("NameNotFound") if key.destination is None else lake.skipped("NameNotFound")
        elif key.destination in down:
            found[key] = lake.skipped("NameNotFound")
    return found


def hour(number: int, fine: Mapping[CellKey, Sample]) -> Run:
    down = {fault.name for fault in FAULTS if fault.begin <= number < fault.end}
    one = lake.run(0, samples(down, fine))
    start = lake.START + number * HOUR
    return replace(one, id=f"run-{number}", start=start, end=start + timedelta(minutes=5))


def test_a_year_of_a_large_mesh_takes_seconds_and_is_judged_rightly() -> None:
    rules = replace(lake.watch(KEYS), stale_after=2.5 * HOUR, limits=limits.of("tcp"))
    fine = dict.fromkeys(KEYS, lake.GOOD)
    fields: Mapping[str, Any] = {}
    begin = time.process_time()
    for week in range(WEEKS):
        runs = [hour(week * 168 + number, fine) for number in range(168)]
        result = verdict(rules, fields, runs, lake.after(runs))
        fields = result.fields
        assert fields["state"] == "ok", week
        assert result.healthy[0] == "True", week
    assert time.process_time() - begin < SECONDS
    totals = {entry["name"]: entry["count"] for entry in fields["totals"]}
    hours = sum(fault.end - fault.begin for fault in FAULTS)
    assert totals["bad"] == totals["NameNotFound"] == hours
    assert sum(marks.totals(cell["totals"])["ok"] for cell in fields["cells"]) == totals["ok"]
    assert totals["ok"] + totals["skipped"] + totals["bad"] == WEEKS * 168 * len(KEYS)


def test_each_fault_of_the_year_is_blamed_while_it_lasts_and_no_innocent_endpoint_is() -> None:
    rules = replace(lake.watch(KEYS), stale_after=2.5 * HOUR)
    fine = dict.fromkeys(KEYS, lake.GOOD)
    for week in (0, 10, 30):
        faults = [fault for fault in FAULTS if fault.begin // 168 == week]
        fields: Mapping[str, Any] = {}
        for number in range(week * 168 + 46, week * 168 + 58):
            one = hour(number, fine)
            result = verdict(rules, fields, [one], lake.after([one]))
            fields = result.fields
            confirmed = {fault.name for fault in faults if fault.begin < number < fault.end}
            mending = {fault.name for fault in faults if fault.begin < number <= fault.end}
            assert confirmed <= lake.blamed(result).keys() <= mending
            red = {key for key, state in lake.states(result).items() if state == "critical"}
            assert red == {CellKey(name, None, "root") for name in lake.blamed(result)}
        assert fields["state"] == "ok"


def test_one_run_of_a_large_mesh_is_judged_in_well_below_a_tenth_of_a_second() -> None:
    rules = replace(lake.watch(KEYS), stale_after=2.5 * HOUR)
    fine = dict.fromkeys(KEYS, lake.GOOD)
    fields: Mapping[str, Any] = {}
    runs = [hour(number, fine) for number in range(40)]
    fields = verdict(rules, fields, runs, lake.after(runs)).fields
    took = []
    for number in range(40, 60):
        one = hour(number, fine)
        begin = time.process_time()
        fields = verdict(rules, fields, [one], lake.after([one])).fields
        took.append(time.process_time() - begin)
    assert min(took) < 0.1
