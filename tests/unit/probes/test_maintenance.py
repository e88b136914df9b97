"""Times in which failures are expected."""

from datetime import timedelta

import pytest

from datalake_operator.probes import marks
from datalake_operator.probes.model import CellKey, Hold, Window
from datalake_operator.probes.verdict import verdict
from tests.unit.probes import lake

PAIR = CellKey("CERN", "PIC", "root")


@pytest.mark.parametrize(
    ("window", "covered"),
    [
        (lake.window(), True),  # neither endpoints nor sites: all
        (lake.window("CERN"), True),
        (lake.window("PIC"), True),
        (lake.window("DESY"), False),
        (lake.window(sites=["SPAIN"]), True),
        (lake.window(sites=["FRANCE"]), False),
        (lake.window("DESY", sites=["SPAIN"]), True),
        (lake.window("CERN", begin=4), False),
        (lake.window("CERN", begin=3), True),
        (lake.window("CERN", end=3), False),
    ],
)
def test_it_covers_endpoints_sites_or_all(window: Window, covered: bool) -> None:
    rules = lake.watch((PAIR,), maintenance=(window,), sites={"PIC": "SPAIN", "CERN": "SWITZERLAND"})
    result = verdict(rules, {}, (), lake.START + 3 * lake.STEP)
    assert lake.cell(result, PAIR)["state"] == ("maintenance" if covered else "notrun")


def test_it_begins_and_ends_by_the_clock() -> None:
    rules = lake.watch(maintenance=(lake.window("CERN", begin=3, end=5),))
    result = lake.judged(rules, lake.runs("ooo"))
    assert result.wake_at == lake.START + 3 * lake.STEP
    during = verdict(rules, result.fields, (), result.wake_at)
    assert lake.cell(during)["state"] == "maintenance"
    assert lake.cell(during)["since"] == "2026-01-01T00:45:00Z"
    assert during.healthy[:2] == ("Unknown", "Maintenance")
    still = lake.judged(rules, lake.runs("xx", first=3), during.fields)
    assert still.wake_at == lake.START + 5 * lake.STEP
    assert [past.word for past in marks.runs(lake.cell(still))] == ["ok", "ok", "ok", "maintenance", "maintenance"]
    over = verdict(rules, still.fields, (), still.wake_at)
    assert (lake.cell(over)["state"], lake.cell(over)["reason"]) == ("unknown", "Stale")
    assert lake.cell(lake.judged(rules, lake.runs("o", first=5), over.fields))["state"] == "ok"


def test_a_run_that_reaches_into_it_is_excused() -> None:
    rules = lake.watch(maintenance=(Window("m", lake.START + timedelta(seconds=90), lake.START + lake.STEP),))
    result = lake.judged(rules, lake.runs("xx"))
    assert [past.word for past in marks.runs(lake.cell(result))] == ["maintenance", "bad"]
    assert lake.cell(result)["state"] == "warning"


def test_what_is_good_in_maintenance_counts() -> None:
    rules = lake.watch(maintenance=(lake.window("CERN", begin=2, end=4),))
    assert lake.cell(lake.judged(rules, lake.runs("xxoo")[:4]))["state"] == "maintenance"
    assert lake.cell(lake.judged(rules, lake.runs("xxooo")))["state"] == "ok"


def test_planned_work_of_a_cache_counts_for_an_hour_at_most() -> None:
    hold = Hold("the cache drains", lake.START + lake.STEP)
    rules = lake.watch(on_hold={"CERN": hold})
    result = lake.judged(rules, lake.runs("ox"))
    assert (lake.cell(result)["state"], lake.cell(result)["reason"]) == ("maintenance", "PlannedWork")
    assert result.wake_at == hold.since + timedelta(hours=1)
    assert result.fields["maintenance"] == [
        {"name": "CERN", "to": "2026-01-01T01:15:00Z", "reason": "the cache drains"}
    ]
    assert lake.cell(lake.judged(rules, lake.runs("xxxxxx", first=2), result.fields))["state"] == "critical"


def test_status_takes_no_more_endpoints_than_its_schema_does_and_the_red_ones_first() -> None:
    """A custom program may name two in each of its cells."""
    links = {CellKey(f"s{number}", f"t{number}"): lake.GOOD for number in range(200)}
    red = {CellKey(f"x{number}"): lake.bad() for number in range(3)}
    planned = lake.window(*(str(name) for key in links for name in key[:2]))
    rules = lake.watch((), "custom", open=True, maintenance=(planned,))
    found = lake.judged(rules, [lake.run(number, links | red) for number in range(2)]).fields["endpoints"]
    assert len(found) == 256
    assert [entry["name"] for entry in found if entry["state"] == "critical"] == ["x0", "x1", "x2"]
    assert [entry["name"] for entry in found] == sorted(entry["name"] for entry in found)


def test_the_summary_counts_it_and_the_rest_decides_the_state() -> None:
    keys = lake.mesh(("CERN", "DESY", "PIC"))
    rules = lake.watch(keys, maintenance=(lake.window("PIC"),))
    result = lake.judged(rules, [lake.run(0, dict.fromkeys(keys, lake.GOOD))])
    assert result.fields["summary"] == {
        "critical": 0,
        "warning": 0,
        "unknown": 0,
        "notrun": 0,
        "ok": 4,
        "maintenance": 5,
        "skipped": 0,
    }
    assert result.fields["state"] == "ok"
