"""Words of the page."""

from typing import get_args

import pytest

from datalake_operator.api.probe_status import State
from datalake_operator.probes.reasons import REASONS
from datalake_operator.web import words


def test_every_state_of_status_has_a_word_and_a_symbol_of_its_own() -> None:
    assert set(words.STATES) == set(get_args(State))
    assert len({state.symbol for state in words.STATES.values()}) == len(words.STATES)
    assert len({state.word for state in words.STATES.values()}) == len(words.STATES)


def test_every_reason_of_a_verdict_has_a_phrase() -> None:
    assert set(words.PHRASES) == set(REASONS)


def test_a_reason_that_nobody_knows_is_still_readable() -> None:
    assert words.phrase("DiskOnFire") == "disk on fire"
    assert words.meaning("critical", "DiskOnFire") == "Disk on fire."
    assert words.advice("DiskOnFire") is None


def test_a_skipped_cell_tells_what_it_waits_for() -> None:
    assert words.meaning("skipped", "Refused") == "Not tried, because what it needs refuses connections."
    assert words.meaning("skipped", "InUse") == "The file was in use."


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("throughput_bytes_per_second", "118000000", "118 MB/s"),
        ("origin_bytes", "512", "512 B"),
        ("used_bytes", "1210000000000", "1.21 TB"),
        ("seconds", "0.0213", "21 ms"),
        ("cold_seconds", "1.914", "1.91 s"),
        ("upload_seconds", "312.4", "312 s"),
        ("success_ratio", "0.9", "90%"),
        ("warm_speedup_ratio", "6.4", "6.4\u00d7"),
        ("tls_days_left", "1", "1 day"),
        ("http_status", "200", "200"),
        ("seconds", "<b>fast</b>", "<b>fast</b>"),
        ("seconds", "nan", "nan"),
    ],
)
def test_figures_have_units_that_are_easy_to_read(name: str, value: str, shown: str) -> None:
    assert words.figure(name, value) == shown
