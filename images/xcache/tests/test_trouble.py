"""Lost, broken, forged and strange packets: counted, never a crash."""

import json
import random

import pytest

from xcache_exporter import dirstats, gstream, summary
from xcache_exporter.gstream import InvalidPacketError
from xcache_exporter.metrics import CacheCollector
from xcache_exporter.record import Record
from xcache_exporter.settings import Settings
from xcache_exporter.state import state
from xcache_recorded import Clock, packets, replay

ACCESS = {
    "event": "file_close", "lfn": "/escape/a", "size": 100, "n_blks": 1, "n_blks_done": 1, "attach_t": 1_795_653_000,
    "b_hit": 0, "b_miss": 0, "b_bypass": 0, "b_todisk": 0, "b_prefetch": 0, "n_cks_errs": 0,
}  # fmt: skip


def packet(sequence: int, *events: object, started: int = 1_795_653_000) -> bytes:
    header = {"code": "g", "pseq": sequence, "stod": started, "sid": 1, "gs": {"type": "C", "tbeg": 1, "tend": 2}}
    return b"\n".join(json.dumps(line).encode() for line in (header, *events)) + b"\0"


def access(**values: object) -> dict[str, object]:
    return {**ACCESS, **values}


def test_missing_packets_are_counted_by_their_numbers(record: Record) -> None:
    for sequence in (1, 2, 5, 6):
        record.hear_gstream(packet(sequence))
    assert record.pfc.lost == 2


def test_numbers_start_again_after_999(record: Record) -> None:
    for sequence in (998, 999, 0, 1):
        record.hear_gstream(packet(sequence))
    assert record.pfc.lost == 0


def test_an_exporter_that_starts_late_has_lost_nothing(record: Record) -> None:
    record.hear_gstream(packet(500))
    assert record.pfc.lost == 0


def test_the_first_packets_of_a_restarted_server_can_be_missing(record: Record) -> None:
    record.hear_gstream(packet(7))
    record.hear_gstream(packet(3, started=1_795_653_100))
    assert record.pfc.lost == 2


def test_prefetching_more_than_was_read_is_no_hit_and_takes_none_away(record: Record) -> None:
    record.hear_gstream(packet(1, access(b_hit=10, b_todisk=100), access(b_hit=50)))
    assert (record.totals.served, record.totals.from_origin, record.totals.hit) == (60, 100, 50)
    assert record.hit_percent() == 0


def test_bypassed_bytes_come_from_the_origin(record: Record) -> None:
    record.hear_gstream(packet(1, access(b_bypass=30, b_hit=70)))
    assert (record.totals.served, record.totals.from_origin, record.totals.hit) == (100, 30, 70)


def test_the_last_hour_forgets(record: Record, clock: Clock) -> None:
    record.hear_gstream(packet(1, access(b_hit=10, b_todisk=10)))
    clock.now += 1800
    record.hear_gstream(packet(2, access(b_hit=30)))
    assert record.hit_percent() == 75
    clock.now += 1860
    assert record.hit_percent() == 100
    clock.now += 3600
    assert record.hit_percent() is None
    assert record.totals.served == 40


@pytest.mark.parametrize(
    "event",
    [
        access(b_hit=-1),
        access(b_hit=1.5),
        access(b_hit=True),
        access(b_hit="12"),
        access(b_hit=None),
        access(b_hit=10**30),
        access(attach_t=10**12),
        {"event": "file_close"},
        ["file_close"],
    ],
)
def test_an_event_with_impossible_values_is_counted_and_the_others_stay(record: Record, event: object) -> None:
    record.hear_gstream(packet(1, access(b_hit=1), event, access(b_hit=2), {"event": "something new"}))
    assert (record.totals.served, record.pfc.invalid) == (3, 1)


def test_an_access_from_the_future_happens_now(record: Record, clock: Clock) -> None:
    record.hear_gstream(packet(1, access(b_todisk=1, attach_t=int(clock.now) + 9999)))
    assert record.last_origin_success == int(clock.now)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\xff" * 100,
        b"[]",
        b"{}",
        b'{"code":"g"}',
        b'{"code":"g","pseq":1,"stod":1e400}',
        b"[" * 60000,
        b'{"code":"g","pseq":' + b"9" * 60000 + b"}",
    ],
)
def test_garbage_instead_of_a_stream_is_counted(record: Record, data: bytes) -> None:
    record.hear_gstream(data)
    assert (record.pfc.packets, record.pfc.invalid) == (1, 1)


BILLION_LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><statistics pgm="xrootd" ver="&b;"/>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<",
        b"<statistics/>",
        b'<statistics pgm="cmsd"/>',
        b'<statistics pgm="xrootd" tos="99999999999999"/>',
        b"<a>" * 20000,
        b"<?xml version='1.0' encoding='nonsense'?><statistics/>",
        BILLION_LAUGHS,
    ],
)
def test_garbage_instead_of_a_report_is_counted(record: Record, data: bytes) -> None:
    record.hear_summary(data)
    assert (record.reports.packets, record.reports.invalid) == (1, 1)


def test_a_malformed_number_of_an_old_server_is_read_as_far_as_it_goes() -> None:
    data = b'<statistics pgm="xrootd" ver="v5.5.3"><stats id="link"><num>3></num><tot></tot></stats></statistics>'
    found = summary.parse(data)
    assert (found.connections, found.connections_total, found.open_files) == (3, 0, 0)


def test_removed_files_are_summed_over_periods_and_not_counted_twice() -> None:
    purged = dirstats.Purged()
    for reset, removed in ((100, 2), (100, 2), (100, 5), (160, 0), (160, 4), (220, 1)):
        purged.add(dirstats.Usage(0, 0, reset, removed * 512, removed))
    assert (purged.files, purged.bytes) == (10, 10 * 512)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"m_dir_states": []}', '{"m_dir_states": [{"a": 1}]}', "[" * 60000])
def test_half_a_snapshot_is_no_snapshot(text: str) -> None:
    with pytest.raises(InvalidPacketError):
        dirstats.parse(text)


def test_ten_thousand_random_packets_never_crash_and_are_all_counted(record: Record, clock: Clock) -> None:
    chance = random.Random(20261126)  # noqa: S311 - not a secret
    real = [data for _, _, data in packets()]

    def spoilt() -> bytes:
        data = bytearray(chance.choice(real))
        kind = chance.randrange(4)
        if kind == 0:
            return chance.randbytes(chance.randrange(200))
        if kind == 1:
            return bytes(data[: chance.randrange(len(data))])
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data)

    for _ in range(5000):
        clock.now += 0.5
        record.hear_gstream(spoilt())
        if record.hear_summary(spoilt()):
            record.judge_origin(answers=chance.random() < 0.5)
        state(record, Settings())
    assert record.pfc.packets == record.reports.packets == 5000
    assert all(metric.samples for metric in CacheCollector(record, Settings()).collect())
    replay(record, clock)  # and it still works
    assert record.summary is not None
    assert record.summary.version == "v5.8.1"


def test_the_parsers_are_fast_enough_for_a_busy_cache() -> None:
    data = packet(1, *[access(b_hit=1)] * 40)
    assert len(gstream.parse(data).accesses) == 40
