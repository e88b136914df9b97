"""Which pairs are tried, in which order, and how many at once: nothing here touches a network."""

import threading
import time
import zlib
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalake_probe.mesh import Link, Slots, due, due_at, reported
from datalake_probe.outcome import Cell
from datalake_probe.payload import BLOCK, Meter, Payload, combine
from datalake_probe.plan import Plan, Trust, Turn
from tests.support.storage_lab import FOLDER, all_pairs, transfer

FIRST = Turn()


def plan(pairs: list[list[Any]], turn: Turn = FIRST, **values: Any) -> Plan:
    section = transfer(pairs, **values)
    return Plan("science", "mesh", "transfer", 300, 0, FOLDER, 600, Trust(), (), {}, section, turn)


def mesh(size: int, protocols: tuple[str, ...] = ("root",)) -> list[list[Any]]:
    return all_pairs([f"e{number}" for number in range(size)], list(protocols))


def test_at_each_step_every_source_writes_to_another_destination() -> None:
    links = due(plan(mesh(5)))
    assert len(links) == 20
    for step in range(4):
        now = links[step * 5 : step * 5 + 5]
        assert {link.source for link in now} == {link.destination for link in now} == {f"e{n}" for n in range(5)}


@given(st.integers(2, 12), st.integers(1, 30), st.sampled_from([900, 3600]))
def test_in_one_round_of_turns_each_pair_is_tried_once(size: int, groups: int, period: int) -> None:
    pairs = mesh(size, ("root", "http"))
    groups = min(groups, len(pairs))
    rotation = {"groups": groups, "periodSeconds": period}
    rounds = [
        due(plan(pairs, Turn("x", None, 7 * period + turn * period), rotation=rotation)) for turn in range(groups)
    ]
    seen = Counter(link for links in rounds for link in links)
    assert set(seen.values()) == {1}
    assert len(seen) == 2 * len(pairs)
    assert max(map(len, rounds)) - min(map(len, rounds)) <= 2
    for links in rounds:
        sources = Counter(link.source for link in links)
        assert max(sources.values()) <= 2 * (len(links) // 2 // size + 2)  # two protocols


def test_pods_of_a_job_agree_on_the_turn_however_late_they_begin() -> None:
    scheduled = [Turn("mesh-29662980", index, 1779778800 + 700 * index) for index in range(3)]
    assert {due_at(turn) for turn in scheduled} == {29662980 * 60}
    assert due_at(Turn("mesh-0a1b2c3d4e", None, 12.5)) == 12.5


@given(st.integers(1, 8), st.integers(0, 5))
def test_pods_of_an_indexed_job_share_all_links_and_endpoints(sources: int, others: int) -> None:
    names = [f"e{number}" for number in range(sources + others)]
    pairs = [[source, name, ["root"]] for source in names[:sources] for name in names if name != source]
    if not pairs:
        return
    whole = plan(pairs)
    parts = [plan(pairs, Turn("x", index), indexed=True) for index in range(len(whole.section["sources"]))]
    links = [link for part in parts for link in due(part)]
    alone = [cell for part in parts for cell in reported(part)]
    assert sorted(links) == sorted(due(whole))
    assert sorted(alone, key=str) == sorted(reported(whole), key=str)
    for index, part in enumerate(parts):
        assert {link.source for link in due(part)} == {names[index]}
        assert Cell(names[index], None, "root") in reported(part)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(1, 8), st.integers(1, 4))
def test_no_more_than_allowed_run_at_once_and_all_run(size: int, at_once: int, of_one: int) -> None:
    links = due(plan(mesh(size)))
    slots = Slots(links, at_once, of_one)
    lock = threading.Lock()
    busy: Counter[str] = Counter()
    done: list[Link] = []
    most = [0, 0]

    def work(link: Link) -> None:
        with lock:
            busy.update({link.source, link.destination, "all"})
            most[0] = max(most[0], busy["all"])
            most[1] = max(most[1], *(busy[name] for name in link[:2]))
        time.sleep(0.001)
        with lock:
            busy.subtract({link.source, link.destination, "all"})
            done.append(link)

    slots.do(work)
    assert sorted(done) == sorted(links)
    assert most[0] <= at_once
    assert most[1] <= of_one


def test_what_fails_in_a_slot_does_not_block_the_others() -> None:
    slots = Slots(due(plan(mesh(3))), 2, 1)
    done: list[Link] = []

    def work(link: Link) -> None:
        done.append(link)
        if len(done) < 4:
            raise RuntimeError("the runner's own fault")

    slots.do(work)
    assert len(done) == 6


def test_a_link_that_hangs_takes_no_more_than_its_share_of_the_time() -> None:
    slots = Slots(due(plan(mesh(4))), 2, 2)  # 12 links, two at once
    assert slots.share(70) == 10
    left = 60.0
    for _ in range(6):
        left -= slots.share(left)
    assert left > 0


def test_who_has_far_less_than_its_share_is_not_judged() -> None:
    slots = Slots(due(plan(mesh(4))), 2, 2)
    least = slots.least(70)  # of the 10 seconds that are its share
    assert least == 5
    slots.do(lambda _: None)
    assert slots.least(70) == least


@given(st.binary(max_size=5000), st.binary(max_size=5000))
def test_checksums_of_parts_make_the_whole(first: bytes, second: bytes) -> None:
    assert combine(zlib.adler32(first), zlib.adler32(second), len(second)) == zlib.adler32(first + second)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_a_payload_is_what_it_says(size: int) -> None:
    payload = Payload("key", size)
    meter = Meter()
    for chunk in payload.chunks():
        meter.add(chunk)
    assert (meter.size, meter.adler32) == (size, payload.adler32)
    assert b"".join(payload.chunks()) == b"".join(Payload("key", size).chunks())
    if size >= 1000:
        whole = b"".join(payload.chunks())
        assert len(zlib.compress(whole)) > 0.99 * len(whole)
        assert whole != b"".join(Payload("other", size).chunks())


def test_the_checksum_of_a_very_large_payload_takes_no_reading() -> None:
    begun = time.monotonic()
    assert len(Payload("key", 100 * 2**30).adler32) == 8
    assert time.monotonic() - begun < 3
