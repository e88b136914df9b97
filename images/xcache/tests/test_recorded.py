"""The numbers of a run that is known, read by read."""

import json
from pathlib import Path

import jsonschema
from prometheus_client import CollectorRegistry, generate_latest

from xcache_exporter import dirstats
from xcache_exporter.metrics import CacheCollector
from xcache_exporter.record import Record
from xcache_exporter.settings import Disk, Settings
from xcache_exporter.state import state
from xcache_recorded import FOLDER, Clock, replay

MIB = 2**20
SCHEMA = json.loads((Path(__file__).parents[1] / "state.schema.json").read_text())


def page(record: Record, settings: Settings) -> str:
    registry = CollectorRegistry()
    registry.register(CacheCollector(record, settings))
    return generate_latest(registry).decode()


def test_cold_and_hot_reads_count_what_the_origin_gave_and_what_clients_got(record: Record, clock: Clock) -> None:
    replay(record, clock, until=1795653195)  # a and b, each cold and hot
    assert record.totals.served == 4 * 64 * MIB
    assert record.totals.from_origin == 2 * 64 * MIB
    assert record.totals.hit == 2 * 64 * MIB
    assert record.totals.reported_miss == 0  # what XRootD says of two wholly cold reads
    assert record.hit_percent() == 50


def test_a_partial_read_counts_what_was_prefetched_and_the_file_as_partial(record: Record, clock: Clock) -> None:
    replay(record, clock, until=1795653205)
    assert record.totals.closes == {"complete": 5, "partial": 1}
    assert record.totals.from_origin == (3 * 64 + 21) * MIB


def test_two_clients_of_one_cold_file_come_as_one_record_and_the_origin_is_read_once(
    record: Record, clock: Clock
) -> None:
    replay(record, clock, until=1795653200)
    before = record.totals.from_origin
    replay(record := Record(clock), clock, until=1795653205)
    assert record.totals.from_origin - before == (64 + 21) * MIB


def test_an_open_file_is_seen_while_it_is_read(record: Record, clock: Clock) -> None:
    replay(record, clock, until=1795653210)
    assert state(record, Settings())["openFiles"] == 1


def test_a_silent_server_has_an_unknown_number_of_open_files(record: Record, clock: Clock) -> None:
    replay(record, clock, until=1795653210)
    clock.now += 36
    assert state(record, Settings())["openFiles"] is None


def test_an_origin_that_is_gone_is_told_by_its_errors(record: Record, clock: Clock) -> None:
    replay(record, clock, until=1795653330)
    origin = state(record, Settings())["origin"]
    assert origin == {
        "opens": 15,
        "openErrors": 2,
        "lastSuccessTime": "2026-11-26T00:33:37Z",
        "lastErrorTime": "2026-11-26T00:35:29Z",
    }


def test_files_that_the_origin_does_not_have_are_no_errors_of_an_origin_that_answers(
    record: Record, clock: Clock
) -> None:
    replay(record, clock, origin_answers=True)
    origin = state(record, Settings())["origin"]
    assert origin["lastErrorTime"] is None
    assert origin["lastSuccessTime"] == "2026-11-26T00:35:29Z"


def test_a_restarted_server_is_counted_and_nothing_is_lost(record: Record, clock: Clock) -> None:
    replay(record, clock)
    assert record.restarts == 1
    assert (record.pfc.packets, record.pfc.lost, record.pfc.invalid) == (8, 0, 0)
    assert record.summary is not None
    assert record.summary.version == "v5.8.1"


def test_directory_statistics_tell_the_files_of_the_cache(record: Record) -> None:
    for name in ("DirStat-1.json", "DirStat-2.json"):
        record.hear_usage(dirstats.parse((FOLDER / name).read_text()))
    assert record.usage == dirstats.Usage(232382464, 13, 1795653339, 0, 0)


def test_the_whole_page_is_as_it_was(record: Record, clock: Clock) -> None:
    replay(record, clock)
    record.hear_usage(dirstats.parse((FOLDER / "DirStat-1.json").read_text()))
    settings = Settings(site="unused", low_percent=90, high_percent=95, max_size=8 * 2**30)
    expected = FOLDER / "expected.prom"
    assert page(record, settings) == expected.read_text()


def test_the_state_fits_its_schema_at_every_moment(record: Record, clock: Clock, tmp_path: Path) -> None:
    settings = Settings(disks=(Disk("data", "d0", tmp_path), Disk("meta", "gone", tmp_path / "gone")))
    jsonschema.validate(state(record, settings), SCHEMA)
    replay(record, clock)
    record.hear_usage(dirstats.parse((FOLDER / "DirStat-2.json").read_text()))
    found = state(record, settings)
    jsonschema.validate(found, SCHEMA)
    assert [disk["name"] for disk in found["disks"]] == ["d0"]
    assert found["cache"] == {"usedBytes": 232382464, "files": 13}
