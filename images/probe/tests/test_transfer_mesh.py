"""Third-party copies between real servers: who is sound, who is blamed, and what is left behind."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.storage_lab import FOLDER, Envelope, Origin, StorageLab, all_pairs, storage_lab, transfer

LIAR = "/etc/xcache/liar"
SOUND = [Origin("a", 1), Origin("b", 2), Origin("c", 3)]
BROKEN = {
    Origin("full", 4, size="64k", prepare="dd if=/dev/zero of=probe/fill bs=1k count=60"): "NoSpace",
    Origin("read-only", 5, access="r/o"): "ReadOnly",
    Origin("liar", 6, script=LIAR): "ChecksumMismatch",
}
# Sound alone, but not with others.
NEARLY_FULL = Origin("nearly-full", 7, size="256k")
NO_TPC = Origin("no-tpc", 8, tpc=False)
DOWN = Origin("down", 9)
PROTOCOLS = ["root", "http"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageLab]:
    with storage_lab(tmp_path_factory.mktemp("mesh")) as found:
        found.root(f"printf '#!/bin/sh\\necho deadbeef\\n' > {LIAR}; chmod 755 {LIAR}")
        for origin in (*SOUND, *BROKEN, NEARLY_FULL, NO_TPC):
            found.start(origin)
        yield found


def run(opened: StorageLab, origins: list[Origin], pairs: list[list[Any]] | None = None, **values: Any) -> Envelope:
    pairs = pairs or all_pairs([origin.name for origin in origins], PROTOCOLS)
    plan = opened.plan("transfer", [origin.endpoint() for origin in origins], transfer(pairs, **values))
    return opened.run(plan)


def alone(origins: list[Origin]) -> dict[str, str]:
    return {f"{origin.name}/{protocol}": "ok" for origin in origins for protocol in PROTOCOLS}


def linked(pairs: list[list[Any]], outcome: str = "ok") -> dict[str, str]:
    return {f"{pair[0]}/{pair[1]}/{protocol}": outcome for pair in pairs for protocol in pair[2]}


def left_behind(opened: StorageLab) -> list[str]:
    return [path for path in opened.files("/origin -path '*/.datalake-probe/*'") if "/seed-" not in path]


def test_a_sound_mesh_is_all_ok_and_its_seeds_are_written_once(opened: StorageLab) -> None:
    found = run(opened, SOUND)
    pairs = all_pairs(["a", "b", "c"], PROTOCOLS)
    assert found.cells() == alone(SOUND) | linked(pairs), found.log
    assert all(found.measured(name)["throughput_bytes_per_second"] > 0 for name in linked(pairs))
    assert left_behind(opened) == []
    script = f"cd /origin; stat -c '%n %i %y' [abc]/probe/x/{FOLDER}/seed-*"
    seeds = opened.root(script)
    assert len(seeds.splitlines()) == 3  # one for both protocols
    run(opened, SOUND)
    assert opened.root(script) == seeds


def test_http_copies_are_pushed_too(opened: StorageLab) -> None:
    pairs = all_pairs(["a", "b"], ["http"])
    found = run(opened, SOUND[:2], pairs, mode="Push")
    assert found.cells() == {"a/http": "ok", "b/http": "ok"} | linked(pairs), found.log


def test_an_endpoint_that_is_broken_alone_costs_its_pairs_and_no_others(opened: StorageLab) -> None:
    origins = [*SOUND[:2], *BROKEN, DOWN]
    broken = {origin.name: reason for origin, reason in BROKEN.items()} | {"down": "Refused"}
    found = run(opened, origins).cells()
    for origin in origins:
        for protocol in PROTOCOLS:
            outcome = f"bad/{broken[origin.name]}" if origin.name in broken else "ok"
            assert found[f"{origin.name}/{protocol}"] == outcome, (origin.name, protocol)
    for source, destination, _ in all_pairs([origin.name for origin in origins], PROTOCOLS):
        reason = broken.get(source) or broken.get(destination)
        for protocol in PROTOCOLS:
            assert found[f"{source}/{destination}/{protocol}"] == (f"skipped/{reason}" if reason else "ok")
    assert left_behind(opened) == []


def test_what_only_a_copy_shows_is_the_failure_of_the_pair(opened: StorageLab) -> None:
    pairs = [["a", "nearly-full", PROTOCOLS], ["a", "no-tpc", PROTOCOLS], ["a", "b", PROTOCOLS]]
    found = run(opened, [*SOUND[:2], NEARLY_FULL, NO_TPC], pairs)
    assert found.cells() == (
        alone([SOUND[0], NEARLY_FULL, NO_TPC, SOUND[1]])
        | linked(pairs[:1], "bad/NoSpace")
        | linked(pairs[1:2], "bad/NoThirdPartyCopy")
        | linked(pairs[2:])
    ), found.log
    assert left_behind(opened) == []


def test_a_source_without_third_party_copy(opened: StorageLab) -> None:
    pairs = [["no-tpc", "a", ["root"]]]
    found = run(opened, [NO_TPC, SOUND[0]], pairs)
    assert found.cells() == {"no-tpc/root": "ok", "a/root": "ok"} | linked(pairs, "bad/NoThirdPartyCopy"), found.log
