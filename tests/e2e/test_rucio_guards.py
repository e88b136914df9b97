"""Files that a copy of a catalogue would delete: not one of them goes before somebody has said so.

A catalogue `guarded`, with real files on a disk, is copied to a second database, for a second server `cloned`. One of
the files is kept by a rule, the rule of the other has expired.
"""

import json
from collections.abc import Iterator

import pytest

from tests.cluster import waiting
from tests.demo.kubectl import Kubectl, Object
from tests.e2e import catalogues, databases, disks
from tests.e2e.names import RUCIO
from tests.support.objects import condition, is_ready

GUARDED, CLONED = "guarded", "cloned"
ROOT = "root-of-guarded"
"""Secret with the login of root: in a copy it is that of the original."""
KEPT, EXPIRED = "kept", "expired"
DELETE = ("judge-cleaner", "reaper")
"""Daemons that make a file go whose rule has expired, one after the other."""
ALSO = "abacus-rse"
"""One that deletes nothing."""
QUICK: list[Object] = [
    {"name": ALSO, "sleepTime": "2s"},
    {"name": "judge-cleaner", "sleepTime": "2s"},
    {"name": "reaper", "sleepTime": "2s", "options": [{"flag": "greedy"}]},
]
PAUSED = 120
"""Seconds that a reaper leaves a storage alone where it has found nothing to delete (Rucio's reaper.py)."""

FILL = """
import subprocess, time, zlib
client.add_scope("root", "guards")
client.add_rse("DISK", deterministic=True)
may = {"read": 1, "write": 1, "delete": 1}
client.add_protocol("DISK", {
    "scheme": "root", "hostname": HOST, "port": PORT, "prefix": PREFIX, "domains": {"lan": may, "wan": may},
    "impl": "rucio.rse.protocols.xrootd.Default",
})
client.set_local_account_limit("root", "DISK", -1)
for name, lifetime in (("kept", None), ("expired", 1)):
    content = name.encode() * 1000
    with open(f"/tmp/{name}", "wb") as file:
        file.write(content)
    (url,) = client.lfns2pfns("DISK", [f"guards:{name}"], operation="write").values()
    subprocess.run(["xrdcp", "--silent", f"/tmp/{name}", url], check=True, timeout=60)
    client.add_replica("DISK", "guards", name, len(content), f"{zlib.adler32(content):08x}")
    client.add_replication_rule(
        [{"scope": "guards", "name": name}], copies=1, rse_expression="DISK", lifetime=lifetime
    )
answer = "filled"
"""
LOOK = """
found = client.list_replicas([{"scope": "guards", "name": name} for name in ("kept", "expired")])
answer = sorted(one["name"] for one in found if one["states"])
"""


def spec(name: str, adopt: str = "") -> Object:
    """A server at the external database whose URL is in `NAME-url`; the copy has daemons, that make haste."""
    url = {"name": f"{name}-url", "key": databases.KEY}
    return {
        **catalogues.SMALL,
        "database": {"external": {"urlSecretRef": url, "adopt": adopt}},
        "rootAccount": {"secretRef": {"name": ROOT}},
        "daemons": {"preset": "None", "instances": QUICK if name == CLONED else []},
        "migrations": {"backup": {"disabled": True}},
    }


@pytest.fixture(scope="module", autouse=True)
def guarded(lake: Kubectl, client: None, database: None) -> Iterator[None]:  # noqa: ARG001 - they are asked
    """A server whose catalogue knows two real files, and nothing that deletes."""
    metadata = {"name": ROOT, "namespace": RUCIO}
    login = {"username": "root", "password": "a password of guards"}
    lake.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": login}))
    databases.create(lake, GUARDED)
    databases.external(lake, GUARDED)
    catalogues.apply(lake, GUARDED, **spec(GUARDED))
    disks.start(lake)
    catalogues.ready(lake, GUARDED)
    disk = f"HOST, PORT, PREFIX = {disks.HOST!r}, {disks.PORT}, {disks.PREFIX!r}"
    catalogues.ask(lake, GUARDED, disk + FILL, ROOT)
    assert disks.files(lake) == {KEPT, EXPIRED}
    yield
    catalogues.delete(lake, GUARDED, CLONED)


def test_a_copy_of_a_catalogue_starts_nothing_and_says_whose_it_is(lake: Kubectl) -> None:
    databases.copy(lake, GUARDED, CLONED)
    databases.external(lake, CLONED)
    catalogues.apply(lake, CLONED, **spec(CLONED))
    message = catalogues.says(lake, CLONED, "DatabaseNotOurs")
    assert f"{RUCIO}/{GUARDED}" in message
    assert f"spec.database.external.adopt to {CLONED}" in message
    assert condition(catalogues.get(lake, CLONED), "Stalled")["reason"] == "DatabaseNotOurs"
    assert catalogues.working(lake, CLONED) == []
    assert disks.files(lake) == {KEPT, EXPIRED}


def test_after_its_adoption_all_runs_but_what_deletes(lake: Kubectl) -> None:
    catalogues.apply(lake, CLONED, {"approve-destructive": "yes"}, **spec(CLONED, adopt=CLONED))  # it must be the id
    server = catalogues.ready(lake, CLONED)
    held = condition(server, "DestructiveDaemonsHeld")
    assert (held["status"], held["reason"]) == ("True", "ApprovalAwaited")
    assert [daemon for daemon in DELETE if daemon not in held["message"]] == []
    beats = [beat(lake)]
    for _ in range(3):
        waiting.until(lambda: beat(lake) not in beats, f"a round of {ALSO}", seconds=30, every=0.5)
        beats.append(beat(lake))
    assert catalogues.working(lake, CLONED) == [f"{CLONED}-{ALSO}", f"{CLONED}-server"]
    assert databases.sql(lake, CLONED, "SELECT DISTINCT readable FROM heartbeats") == ALSO, "no other ever ran"
    assert disks.files(lake) == {KEPT, EXPIRED}


def test_the_file_whose_rule_has_expired_goes_once_that_is_approved_and_no_other_does(lake: Kubectl) -> None:
    catalogues.obey(lake, condition(catalogues.get(lake, CLONED), "DestructiveDaemonsHeld")["message"])
    waiting.until(lambda: EXPIRED not in disks.files(lake), "the file to go", seconds=60 + PAUSED, every=0.5)
    server = catalogues.ready(lake, CLONED)
    assert condition(server, "DestructiveDaemonsHeld") == {}
    assert server["status"]["daemonCount"]["summary"] == "3/3"
    waiting.until(lambda: catalogues.ask(lake, CLONED, LOOK, ROOT) == [KEPT], "the catalogue to know", seconds=30)
    assert disks.files(lake) == {KEPT}
    assert is_ready(catalogues.get(lake, GUARDED))
    assert catalogues.ask(lake, GUARDED, LOOK, ROOT) == [EXPIRED, KEPT], "the original does not know: hence the guard"


def beat(lake: Kubectl) -> str:
    """When the daemon that deletes nothing has last told the copy that it lives."""
    return databases.sql(lake, CLONED, f"SELECT max(updated_at) FROM heartbeats WHERE readable = '{ALSO}'")  # noqa: S608
