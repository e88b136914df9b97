"""Third-party copies between real servers: who is sound, who is blamed, and what is left behind."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datalake_probe.payload import Payload
from tests.support.certificates import Authority
from tests.support.storage_lab import (
    FOLDER,
    HOST,
    TOOLS,
    Envelope,
    Origin,
    StorageLab,
    all_pairs,
    storage,
    storage_lab,
    transfer,
)

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
SLOW = Origin("slow", 10, extra="xrootd.fslib throttle default\nthrottle.throttle data 600k\n")
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
    deadline = values.pop("deadlineSeconds", 60)
    endpoints = [origin.endpoint() for origin in origins]
    return opened.run(opened.plan("transfer", endpoints, transfer(pairs, **values), deadlineSeconds=deadline))


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


def test_a_server_that_hangs_costs_its_own_pairs_and_the_run_ends_in_time(opened: StorageLab) -> None:
    opened.lab.signal("/etc/xcache/c.cfg", "STOP")
    try:
        begun = time.monotonic()
        found = run(opened, SOUND, None, deadlineSeconds=30)
        assert time.monotonic() - begun < 40
    finally:
        opened.lab.signal("/etc/xcache/c.cfg", "CONT")
    expected = {
        name: "ok" if "c" not in name.split("/")[:-1] else "skipped/Timeout"
        for name in linked(all_pairs(["a", "b", "c"], PROTOCOLS))
    }
    assert found.cells() == alone(SOUND[:2]) | expected | {"c/root": "bad/Timeout", "c/http": "bad/Timeout"}, found.log
    assert set(run(opened, SOUND).cells().values()) == {"ok"}  # mended ends green


def test_pairs_that_are_too_slow_do_not_cost_the_others(opened: StorageLab) -> None:
    opened.start(SLOW)
    size = 3 * 2**20
    pairs = [["slow", "a", PROTOCOLS], ["slow", "b", PROTOCOLS], ["a", "b", ["http"]], ["b", "a", ["http"]]]
    # In two minutes there is time, though the server may let one client wait for the other; and the seed stays.
    found = run(opened, [*SOUND[:2], SLOW], pairs, size=size, deadlineSeconds=120)
    assert set(found.cells().values()) == {"ok"}, found.log
    assert found.measured("slow/a/http")["throughput_bytes_per_second"] < 10**6
    found = run(opened, [*SOUND[:2], SLOW], pairs, size=size, deadlineSeconds=20, maxConcurrent=1)
    outcomes = {name: value for name, value in found.cells().items() if name.count("/") == 2}
    # Slow where bytes were seen to come; servers of the same speed that write late look as if they stood still.
    slow = {name: outcomes.pop(name) for name in linked(pairs[:2])}
    assert set(slow.values()) <= {"bad/Slow", "bad/Timeout"}, found.log
    assert outcomes == linked(pairs[2:]), found.log
    assert left_behind(opened) == []


def test_copies_with_tls_over_roots_and_over_davs(opened: StorageLab, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    opened.root("mkdir -p /etc/probe/trust")
    opened.lab.write("/etc/probe/trust/lab.pem", authority.certificate.read_text())
    origins = []
    for number, name in enumerate(("tls-a", "tls-b"), 11):
        at = f"/etc/xcache/{name}"
        for kind, path in zip(("pem", "key"), authority.issue(name, f"DNS:{HOST}"), strict=True):
            opened.lab.write(f"{at}.{kind}", path.read_text())
        opened.root(f"chmod 400 {at}.pem {at}.key; chown 10940 {at}.pem {at}.key")
        tls = f"xrd.tls {at}.pem {at}.key\nxrd.tlsca certfile /etc/probe/trust/lab.pem\nxrootd.tls capable all\n"
        origins.append(Origin(name, number, extra=tls, protocols={"roots": "roots", "davs": "davs"}))
        opened.start(origins[-1])
    pairs = all_pairs(["tls-a", "tls-b"], ["roots", "davs"])
    trust = {"system": False, "igtf": False, "bundles": ["lab"]}
    endpoints = [origin.endpoint() for origin in origins]
    found = opened.run(opened.plan("transfer", endpoints, transfer(pairs), trust=trust))
    expected = {f"{origin.name}/{protocol}": "ok" for origin in origins for protocol in ("roots", "davs")}
    assert found.cells() == expected | linked(pairs), found.log


def test_pods_of_an_indexed_job_make_one_mesh(opened: StorageLab) -> None:
    pairs = all_pairs(["a", "b", "c"], ["http"])
    section = transfer(pairs, indexed=True)
    plan = opened.plan("transfer", [origin.endpoint() for origin in SOUND], section)
    parts = [opened.run(plan, "mesh-29662980", JOB_COMPLETION_INDEX=str(index)) for index in range(3)]
    assert [part.body["index"] for part in parts] == [0, 1, 2]
    found = [cell for part in parts for cell in part.cells().items()]
    assert len(found) == len(dict(found))
    assert dict(found) == {f"{name}/http": "ok" for name in "abc"} | linked(pairs)


def test_an_endpoint_that_is_read_only_by_intent_is_read_and_copied_from(opened: StorageLab) -> None:
    content = Payload("known", 300_000)
    path = "/origin/read-only/probe/x/data/known"
    code = f"import sys; sys.path.insert(0, '{TOOLS}')\nfrom datalake_probe.payload import Payload\n"
    code += f"open('{path}', 'wb').writelines(Payload('known', 300000).chunks())"
    opened.root(f'mkdir -p {path.rpartition("/")[0]}; python3 -c "{code}"; chown -R 10940:10940 /origin/read-only')
    known = {"path": "data/known", "size": content.size, "adler32": content.adler32}
    only = next(origin for origin in BROKEN if origin.name == "read-only")
    endpoints = [only.endpoint(access="ReadOnly", readFile=known), SOUND[0].endpoint()]
    pairs = [["read-only", "a", PROTOCOLS]]
    found = opened.run(opened.plan("transfer", endpoints, transfer(pairs)))
    assert found.cells() == alone([only, SOUND[0]]) | linked(pairs), found.log
    found = opened.run(opened.plan("storage", endpoints[:1], storage(["read-only"])))
    assert found.cells() == {"read-only/root": "ok", "read-only/http": "ok"}, found.log
    endpoints[0]["readFile"] = known | {"adler32": "00000001"}
    found = opened.run(opened.plan("storage", endpoints[:1], storage(["read-only"])))
    assert set(found.cells().values()) == {"bad/ChecksumMismatch"}
