"""Guests on production storage: what is not ours is untouched after many runs and a killed one; what is ours goes."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from datalake_probe.guests import Guest
from tests.support.storage_lab import FOLDER, Origin, StorageLab, all_pairs, storage, storage_lab, transfer

ORIGINS = [Origin("a", 1), Origin("b", 2)]
OURS = f"/origin/{{}}/probe/x/{FOLDER}"
RUNS = 100


class NoFiles:
    """Names alone."""


def guest(folder: str = FOLDER, age: timedelta = timedelta()) -> Guest:
    then = (datetime.now(UTC) - age).timestamp()
    return Guest(NoFiles(), folder, 120, lambda: then)  # type: ignore[arg-type]


def name(path: str) -> str:
    return path.rpartition("/")[2]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageLab]:
    with storage_lab(tmp_path_factory.mktemp("guests")) as found:
        for origin in ORIGINS:
            found.start(origin)
        yield found


def strangers() -> list[str]:
    """Files that must stay, from an endpoint's folder: beside ours, others' and such that only look like ours."""
    old = timedelta(days=30)
    other = FOLDER.replace("4f2a91c0", "00000000")
    ours = name(guest(age=old).new_path())
    return [
        "data/file",
        ours,  # not in our folder
        f".datalake-probe/{ours}",
        f"{FOLDER}.old/{ours}",
        f"{FOLDER}/inner/{ours}",
        f"{other}/{name(guest(other, old).new_path())}",
        f"{FOLDER}/{name(guest(other, old).new_path())}",  # another cluster's seal
        f"{FOLDER}/{ours}.bak",
        f"{FOLDER}/x{ours}",
        f"{FOLDER}/{ours.upper()}",
        f"{FOLDER}/{ours[:-5]}0.tmp" if ours[-5] != "0" else f"{FOLDER}/{ours[:-5]}1.tmp",
        f"{FOLDER}/probe-20260101T000000Z-000000000000-0000000000.tmp",
        f"{FOLDER}/seed-1000-00000001-0000000000.dat",
        f"{FOLDER}/notes.txt",
    ]


def put(opened: StorageLab, paths: list[str], *, old: bool = True) -> None:
    for origin in ORIGINS:
        for path in paths:
            full = f"/origin/{origin.name}/probe/x/{path}"
            when = "30 days ago" if old else "now"
            opened.root(f"mkdir -p $(dirname {full}); echo {path} > {full}; touch -d '{when}' {full}")
    opened.root("chown -R 10940:10940 /origin")


def state(opened: StorageLab, paths: list[str]) -> str:
    full = [f"/origin/{origin.name}/probe/x/{path}" for origin in ORIGINS for path in paths]
    return opened.root(f"stat -c '%n %i %s %Y %Z' {' '.join(full)}")


def passing(opened: StorageLab) -> list[str]:
    return opened.files("/origin -path '*/.datalake-probe/*' -name 'probe-*'")


def test_nobody_elses_file_is_touched_and_leftovers_of_ours_go(opened: StorageLab) -> None:
    kept = strangers()
    fresh = name(guest(age=timedelta(seconds=30)).new_path())
    put(opened, [*kept, f"{FOLDER}/{fresh}"])
    left = [name(guest(age=timedelta(seconds=121 + number)).new_path()) for number in range(3)]
    put(opened, [f"{FOLDER}/{leftover}" for leftover in left])
    opened.root(f"mkdir {OURS.format('a')}/{name(guest(age=timedelta(days=1)).new_path())}")  # a folder is no file
    before = state(opened, kept)
    endpoints = [origin.endpoint() for origin in ORIGINS]
    plan = opened.plan("transfer", endpoints, transfer(all_pairs(["a", "b"], ["root", "http"]), size=4096))
    assert set(opened.run(plan).cells().values()) == {"ok"}
    for leftover in left:
        assert not [path for path in passing(opened) if path.endswith(leftover)]
    assert [path for path in passing(opened) if path.endswith(fresh)]
    assert state(opened, kept) == before


def test_after_many_runs_and_a_killed_one_only_seeds_of_ours_are_there(opened: StorageLab) -> None:
    kept = strangers()
    put(opened, kept)
    before = state(opened, kept)
    endpoints = [origin.endpoint() for origin in ORIGINS]
    http = opened.plan("transfer", endpoints, transfer(all_pairs(["a", "b"], ["http"]), size=4096))
    both = opened.plan("storage", endpoints, storage(["a", "b"], size=4096))
    for number in range(RUNS):
        found = opened.run(http if number % 10 else both)
        assert set(found.cells().values()) == {"ok"}, found.log
    big = opened.plan("storage", endpoints, storage(["a", "b"], size=2**28))
    known = set(passing(opened))
    killed_at = kill_while_writing(opened, big, known)
    left = set(passing(opened)) - known
    assert left, killed_at
    assert set(opened.run(both, leftoversAfterSeconds="").cells().values()) == {"ok"}
    assert left <= set(passing(opened))  # not old enough: it might be a run that is still on
    young = dict(both, leftoversAfterSeconds=0.5)
    time.sleep(1.5)
    assert set(opened.run(young).cells().values()) == {"ok"}
    assert not left & set(passing(opened))
    assert state(opened, kept) == before


@pytest.mark.parametrize("protocol", ["root", "http"])
def test_our_own_leftovers_do_not_fill_a_quota_for_ever(opened: StorageLab, protocol: str) -> None:
    small = Origin(f"small-{protocol}", 3 if protocol == "root" else 4, size="128k")
    opened.start(small)
    left = f"{OURS.format(small.name)}/{name(guest(age=timedelta(days=1)).new_path())}"
    opened.root(
        f"mkdir -p $(dirname {left}); dd if=/dev/zero of={left} bs=4k || true; chown -R 10940 /origin/{small.name}"
    )
    endpoint = small.endpoint() | {"urls": {protocol: small.endpoint()["urls"][protocol]}}
    plan = opened.plan("storage", [endpoint], storage([small.name], size=4096))
    assert [opened.run(plan).cells()[f"{small.name}/{protocol}"] for _ in range(2)] == ["bad/NoSpace", "ok"]
    assert not [path for path in passing(opened) if small.name in path]


def test_two_doors_of_one_storage_keep_each_other_s_seeds(opened: StorageLab) -> None:
    doors = [ORIGINS[0].endpoint() | {"name": door} for door in ("door-1", "door-2")]
    pairs = [["door-1", "b", ["http"]], ["door-2", "b", ["http"]]]
    endpoints = [*doors, ORIGINS[1].endpoint()]
    plan = opened.plan("transfer", endpoints, transfer(pairs, size=5000), leftoversAfterSeconds=0.5)
    seeds = set[str]()
    for _ in range(3):
        assert set(opened.run(plan).cells().values()) == {"ok"}
        found = set(opened.files(f"{OURS.format('a')} -name 'seed-5000-*'"))
        assert len(found) == 2
        seeds |= {opened.root(f"stat -c %i {path}") for path in found}
    assert len(seeds) == 2  # written once


def kill_while_writing(opened: StorageLab, plan: dict[str, object], known: set[str]) -> str:
    """Start a run and kill it, with all that it started, as soon as it has begun a file."""
    command, message = opened.runner(plan)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        opened.lab.await_("the run writes", lambda: set(passing(opened)) - known, 30)
        with contextlib.suppress(AssertionError):
            opened.lab.signal("datalake_probe", "KILL")
        process.wait()
    return opened.lab.do("cat", message)
