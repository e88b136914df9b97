from datetime import timedelta
from typing import Any

import pytest

from datalake_operator.status.usage import usage
from tests.unit.status.conftest import NOW, MakeNode

GIB = 2**30


def data(used: int | None = 10, hits: int | None = 50) -> dict[str, Any]:
    """An exporter's answer: percent of 100 GiB used, percent of hits."""
    return {
        "cache": None if used is None else {"usedBytes": used * GIB, "files": 7},
        "disks": [
            {"space": "data", "name": "d0", "capacityBytes": 60 * GIB, "usedBytes": 0},
            {"space": "data", "name": "d1", "capacityBytes": 40 * GIB, "usedBytes": 0},
            {"space": "meta", "name": "meta", "capacityBytes": 500 * GIB, "usedBytes": 0},
        ],
        "hour": {"hitPercent": hits},
    }


@pytest.fixture
def whole(node: MakeNode) -> Any:
    """A node whose limit is 99 of 100 GiB."""
    return node(
        storage={"data": [{"name": "d0", "claim": {"size": "1Gi"}}], "watermarks": {"lowPercent": 1, "highPercent": 99}}
    )


def test_the_first_figures_are_written_at_once(whole: Any) -> None:
    fields, wake = usage(whole, data(), {}, NOW)
    assert fields == {
        "cache": {
            "usedBytes": 10 * GIB,
            "limitBytes": 99 * GIB,
            "usedPercent": 10,
            "files": 7,
            "time": "2026-11-25T12:00:00Z",
        },
        "byteHitPercent1h": 50,
    }
    assert wake is None


@pytest.mark.parametrize("fewer", [data(used=None), data(hits=None)], ids=["not counted yet", "nobody has read yet"])
def test_a_figure_that_was_not_there_yet_is_written_at_once(whole: Any, fewer: dict[str, Any]) -> None:
    before, _ = usage(whole, fewer, {}, NOW)
    after, wake = usage(whole, data(), before, NOW + timedelta(seconds=30))
    assert (after["cache"]["usedPercent"], after["byteHitPercent1h"], wake) == (10, 50, None)


def test_the_limit_is_the_largest_cache_size_where_it_is_given(node: MakeNode) -> None:
    limited = node(storage={"data": [{"name": "d0", "claim": {"size": "100Gi"}}], "maxCacheSize": "20Gi"})
    fields, _ = usage(limited, data(), {}, NOW)
    assert (fields["cache"]["limitBytes"], fields["cache"]["usedPercent"]) == (20 * GIB, 50)


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(days=1)])
def test_a_move_of_less_than_five_points_is_not_written_however_late(whole: Any, later: timedelta) -> None:
    before, _ = usage(whole, data(), {}, NOW)
    assert usage(whole, data(used=14, hits=54), before, NOW + later) == (before, None)


@pytest.mark.parametrize("moved", [data(used=16), data(hits=45), data(hits=None)], ids=["used", "hits", "no hits"])
def test_a_move_of_five_points_waits_until_ten_minutes_have_passed(whole: Any, moved: dict[str, Any]) -> None:
    before, _ = usage(whole, data(), {}, NOW)
    assert usage(whole, moved, before, NOW + timedelta(minutes=3)) == (before, NOW + timedelta(minutes=10))
    after, wake = usage(whole, moved, before, NOW + timedelta(minutes=10))
    assert after["cache"]["time"] == "2026-11-25T12:10:00Z"
    assert wake is None


def test_a_new_limit_is_written_at_once(whole: Any, node: MakeNode) -> None:
    before, _ = usage(whole, data(), {}, NOW)
    grown = node(storage={"data": [{"name": "d0", "claim": {"size": "1Gi"}}]})
    after, _ = usage(grown, data(), before, NOW + timedelta(seconds=1))
    assert after["cache"]["limitBytes"] == 95 * GIB


def test_what_stands_is_kept_while_the_exporter_is_silent(whole: Any) -> None:
    before, _ = usage(whole, data(), {}, NOW)
    assert usage(whole, None, {**before, "version": "v5.8.1"}, NOW + timedelta(days=1)) == (before, None)
    assert usage(whole, None, {}, NOW) == ({}, None)


def test_figures_that_are_not_known_yet_are_left_out(whole: Any) -> None:
    fields, _ = usage(whole, data(used=None, hits=None), {}, NOW)
    assert fields == {"cache": {"limitBytes": 99 * GIB, "time": "2026-11-25T12:00:00Z"}}
    nothing, _ = usage(whole, {}, {}, NOW)
    assert nothing == {"cache": {"time": "2026-11-25T12:00:00Z"}}


def test_a_status_without_a_time_is_written_anew(whole: Any) -> None:
    fields, _ = usage(whole, data(), {"cache": {"usedPercent": 10}}, NOW)
    assert fields["cache"]["time"] == "2026-11-25T12:00:00Z"
