"""The runner's image as it is built, and its type cache with a real origin, a real cache and its exporter."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from images import build, engines
from tests.images import test_xcache
from tests.images.lab import Lab, lab, missing
from tests.support import probe_runs as runs

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"the image is run without a cluster: {missing()}")

NEVER_KEPT = "pfc.decisionlib libXrdBlacklistDecision.so /etc/xcache/never"
SIZE = 8 * 2**20
CACHE = "root://127.0.0.1:1094//escape"
FROM = "root://127.0.0.1:2094//escape"
EXPORTER = "http://127.0.0.1:9931"
GUESTS = "/origin/escape/.datalake-probe/4f2a91c0.science.mesh"


@pytest.fixture(scope="module")
def engine() -> engines.Engine:
    found = engines.find()
    if found.name != "buildah":
        pytest.skip("the image is run from buildah's storage")
    return found


# --- the image


@pytest.fixture(scope="module")
def image(engine: engines.Engine) -> Iterator[Lab]:
    with lab(build.build("probe"), dict(engine.environment), "10943:10943") as found:
        yield found


def test_it_has_what_it_needs_as_a_user_who_may_write_nothing(image: Lab) -> None:
    for command in (
        ["xrdcp", "--version"],
        ["xrdfs", "--help"],
        ["/opt/probe/rucio/bin/python", "-c", "import gfal2, rucio.client.uploadclient"],
        ["python3", "-c", "import datalake_probe.__main__"],
    ):
        done = image.run(*command)
        assert done.returncode == 0, done.stderr
    assert image.run("touch", "/usr/local/x").returncode != 0
    assert image.do("id", "-un").strip() == "probe"


def test_it_carries_the_authorities_of_system_and_grid_and_no_revocation_list(image: Lab) -> None:
    code = (
        "from pathlib import Path; from datalake_probe import trust; from datalake_probe.plan import Trust\n"
        "for system, igtf in ((True, False), (False, True)):\n"
        "    found = trust.gather(Trust(system, igtf), Path('/tmp/all.pem'))\n"
        "    print(len(found.context.get_ca_certs()))"
    )
    system, grid = map(int, image.do("python3", "-c", code).split())
    assert system > 100
    assert grid > 50
    assert image.run("bash", "-c", "ls /etc/grid-security/certificates/*.r0").returncode != 0


def test_the_schemas_are_in_it_for_who_writes_a_probe_of_his_own(image: Lab) -> None:
    found = json.loads(image.do("cat", "/usr/share/datalake-probe/envelope.schema.json"))
    assert found == runs.ENVELOPE


def test_it_holds_no_secret_and_no_pip_settings(image: Lab) -> None:
    assert image.run("test", "-e", "/etc/pip.conf").returncode != 0
    assert not (image.root / "run/secrets").exists()


# --- the type cache


@pytest.fixture(scope="module")
def caching(engine: engines.Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Origin, cache and exporter in the cache's image, and the runner beside them."""
    with lab(build.build("xcache"), dict(engine.environment)) as found:
        shutil.copytree(runs.IMAGE / "datalake_probe", found.root / "opt/probe/datalake_probe")
        found.environment |= {
            "HOME": "/tmp",  # noqa: S108 - inside the lab
            "XCACHE_LOCALROOT": "/meta/ns", "XCACHE_SPACES": "data=/data/d0/data,meta=/meta/meta",
            "XCACHE_MAX_SIZE": str(2**30), "XCACHE_PORT": "1094", "EXPORTER_test_xcache.ORIGIN": "root://127.0.0.1:2094",
        }  # fmt: skip
        found.write("/etc/xcache/xrootd.cfg", f"{test_xcache.CONFIG}\n{NEVER_KEPT}\n")
        found.write("/etc/xcache/never", "/escape/http\n")
        found.write("/etc/xcache/origin.cfg", test_xcache.ORIGIN)
        found.do("bash", "-c", test_xcache.FILES, user="0:0")
        found.do("xcache-prepare")
        logs = tmp_path_factory.mktemp("logs")
        begin_origin(found, logs / "origin")
        found.start("xcache-exporter", log=logs / "exporter")
        test_xcache.begin(found, logs / "cache")
        yield found


def begin_origin(found: Lab, log: Path | None = None) -> None:
    found.start("xrootd", "-c", "/etc/xcache/origin.cfg", log=log)
    found.await_(
        "the origin answers", lambda: found.run("xrdfs", FROM[:21], "query", "config", "version").returncode == 0
    )


def look(found: Lab, **section: Any) -> dict[str, Any]:
    """One run; its only cell."""
    check = {"name": "edge", "url": CACHE, "originUrl": FROM, "exporterUrl": EXPORTER, "file": None,
             "generated": {"size": SIZE}} | section  # fmt: skip
    found.write("/tmp/plan.json", json.dumps(runs.document("cache", check, deadlineSeconds=90)))  # noqa: S108
    done = found.run(
        "python3", "-m", "datalake_probe", timeout=120, PYTHONPATH="/opt/probe", PROBE_PLAN="/tmp/plan.json",  # noqa: S108
        PROBE_WORK="/tmp/work", TERMINATION_LOG="/tmp/message", PROBE_RUN=runs.RUN,  # noqa: S108
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    envelope = json.loads(found.do("cat", "/tmp/message"))  # noqa: S108
    assert envelope["state"] == "done", done.stderr
    cell: dict[str, Any] = envelope["cells"][0]
    assert (cell["source"], cell["protocol"]) == ("edge", "root")
    return cell | {"log": done.stderr}


def adler32(found: Lab, name: str) -> str:
    return found.do("xrdfs", FROM[:21], "query", "checksum", f"/escape/{name}").split()[1]


def test_a_file_of_our_own_comes_from_the_origin_once_and_nothing_of_it_stays(caching: Lab) -> None:
    cell = look(caching)
    assert cell["result"] == "ok", cell["log"]
    assert set(cell["m"]) == {"connect_seconds", "cold_seconds", "warm_seconds", "warm_speedup_ratio", "origin_bytes"}
    assert cell["m"]["origin_bytes"] == pytest.approx(SIZE, rel=1e-3)
    assert caching.do("ls", GUESTS, user="0:0") == ""
    left = caching.do("bash", "-c", "find /meta/ns -name 'probe-*' | wc -l", user="0:0")
    assert left.strip() == "0"


def test_a_file_that_is_there_is_evicted_first_and_stays_at_the_origin(caching: Lab) -> None:
    known = {"generated": None, "file": {"path": "/root", "adler32": adler32(caching, "root")}}
    for _ in range(2):
        cell = look(caching, **known)
        assert cell["result"] == "ok", cell["log"]
        assert cell["m"]["origin_bytes"] == pytest.approx(test_xcache.SIZE, rel=1e-3)
    assert caching.run("test", "-e", "/origin/escape/root").returncode == 0


def test_without_an_exporter_time_and_adler32_are_the_proof(caching: Lab) -> None:
    cell = look(caching, exporterUrl=None)
    assert cell["result"] == "ok", cell["log"]
    assert "origin_bytes" not in cell["m"]


def test_other_bytes_than_expected_are_a_checksum_mismatch(caching: Lab) -> None:
    cell = look(caching, generated=None, file={"path": "root", "adler32": "00000001"})
    assert (cell["result"], cell["reason"]) == ("bad", "ChecksumMismatch")


def test_a_file_that_somebody_reads_is_left_alone(caching: Lab) -> None:
    reader = caching.start("python3", "-c", test_xcache.READ, "http://127.0.0.1:8080/escape/slow", "1")
    caching.await_("the reader is seen", lambda: caching.state()["openFiles"] == 1, 30)
    cell = look(caching, generated=None, file={"path": "slow", "adler32": adler32(caching, "slow")})
    reader.kill()
    assert (cell["result"], cell["reason"]) == ("skipped", "InUse"), cell["log"]


def test_a_cache_that_keeps_nothing_of_a_file_serves_right_bytes_and_is_found_out(caching: Lab) -> None:
    cell = look(caching, generated=None, file={"path": "http", "adler32": adler32(caching, "http")})
    assert (cell["result"], cell["reason"]) == ("bad", "NotFromCache"), cell["log"]


def test_without_the_origin_the_cache_is_not_blamed(caching: Lab) -> None:
    caching.signal("origin.cfg", "KILL")
    try:
        cell = look(caching)
        assert (cell["result"], cell["reason"]) == ("skipped", "Refused")
        cell = look(caching, url="root://127.0.0.1:1095//escape")
        assert (cell["result"], cell["reason"]) == ("bad", "Refused")
    finally:
        begin_origin(caching)


def test_the_images_are_as_small_as_they_can_be(engine: engines.Engine) -> None:
    reference = build.build("probe")
    shown = subprocess.run(
        ["buildah", "images", "--format", "{{.Size}}", reference],
        env={"PATH": "/usr/bin:/bin", **engine.environment}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    size, unit = re.match(r"([\d.]+) (\w+)", shown).groups()  # type: ignore[union-attr]
    assert unit == "MB"
    assert float(size) < 300
