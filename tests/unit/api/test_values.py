from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.api.values import parse_duration, parse_quantity, parse_time


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (5, 5),
        ("10Gi", 10 * 1024**3),
        ("1.5Gi", 1536 * 1024**2),
        ("500M", 500_000_000),
        ("1e3", 1000),
        ("1E", 10**18),
        ("1E3", 1000),
        ("1500m", 2),
        ("0.1", 1),
        ("-1.5", -1),
        ("+2k", 2000),
        (".5Ki", 512),
        ("5.", 5),
        ("100Ei", 2**63 - 1),
        ("9e999", 2**63 - 1),
        ("0e999", 0),
    ],
)
def test_a_quantity_is_its_number_rounded_up_and_capped_as_kubernetes_does(text: str | int, number: int) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "10GB", "1 Gi", "Gi", "1e", "1e1.5", "1Gi\n", "\u0661", "0x10", "1e9999", "NaN"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1500ms", timedelta(seconds=1.5)),
        ("1m1m", timedelta(minutes=2)),
        ("0s", timedelta()),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "1", "1d", "-1s", "1.5h", "1s ", "1s\n", "s", "9999999999h", "9" * 5000 + "h"])
def test_what_is_no_duration_or_longer_than_cel_can_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|digits"):
        parse_duration(text)


def test_a_time_has_a_zone() -> None:
    assert parse_time("2027-01-31T08:00:00Z") == datetime(2027, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2027-01-31", "2027-01-31 08:00:00Z", "2027-01-31T08:00:00", "2027-02-31T08:00:00Z", "2027-01-31T08:00Z"],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|day|month"):
        parse_time(text)


@given(st.text())
def test_any_text_is_a_value_or_refused(text: str) -> None:
    for parse in (parse_quantity, parse_duration, parse_time):
        try:
            parse(text)
        except ValueError:
            continue
