"""The cache's image as it is built: a real origin, a real cache, its exporter and its tools."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import build, engines
from tests.images.lab import Lab, lab, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"the image is run without a cluster: {missing()}")

SIZE = 64 * 2**20
CONFIG = (build.ROOT / "images/xcache/tests/xrootd.cfg").read_text()
ORIGIN = """
all.export /escape
all.adminpath /run/origin
all.pidpath /run/origin
xrd.port 2094
xrd.network nodnr
oss.localroot /origin
xrootd.chksum max 2 adler32 crc32c
"""
FILES = f"""
mkdir -p /run/xcache /run/origin /data/d0 /origin/escape
for name in root http slow; do head -c {SIZE} /dev/urandom > /origin/escape/$name; done
chown -R 10940:10940 /run /data /meta /origin
"""
CACHE = "xrootd -c /etc/xcache/xrootd.cfg"
ROOT = "root://127.0.0.1:1094/"
HTTP = "http://127.0.0.1:8080"
READ = (
    "import hashlib, sys, time, urllib.request\n"
    "seen = hashlib.sha256()\n"
    "with urllib.request.urlopen(sys.argv[1], timeout=60) as answer:\n"
    "    while block := answer.read(2 ** 20):\n"
    "        seen.update(block)\n"
    "        time.sleep(float(sys.argv[2]))\n"
    "print(seen.hexdigest())"
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    engine = engines.find()
    if engine.name != "buildah":
        pytest.skip("the image is run from buildah's storage")
    reference = build.build("xcache")
    with lab(reference, dict(engine.environment)) as found:
        found.environment |= {
            "HOME": "/tmp",  # noqa: S108 - inside the lab
            "XCACHE_LOCALROOT": "/meta/ns",
            "XCACHE_SPACES": "data=/data/d0/data,meta=/meta/meta",
            "XCACHE_MAX_SIZE": str(2**30),
            "XCACHE_PORT": "1094",
            "XCACHE_DRAIN_TIMEOUT": "60",
            "EXPORTER_DISKS": "data:d0=/data/d0,meta:meta=/meta",
            "EXPORTER_ORIGIN": "root://127.0.0.1:2094",
        }
        found.write("/etc/xcache/xrootd.cfg", CONFIG)
        found.write("/etc/xcache/origin.cfg", ORIGIN)
        found.do("bash", "-c", FILES, user="0:0")
        found.do("xcache-prepare")
        logs = tmp_path_factory.mktemp("logs")
        found.start("xrootd", "-c", "/etc/xcache/origin.cfg", log=logs / "origin")
        found.start("xcache-exporter", log=logs / "exporter")
        begin(found, logs / "cache")
        found.await_(
            "the exporter answers", lambda: found.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9931").returncode == 0
        )
        yield found


def begin(opened: Lab, log: Path) -> None:
    opened.start(*CACHE.split(), log=log)
    opened.await_("the cache answers", lambda: opened.run("xcache-check", "startup").returncode == 0, 30)


def digest(opened: Lab, name: str) -> str:
    return opened.do("sha256sum", f"/origin/escape/{name}").split()[0]


def read_root(opened: Lab, name: str) -> str:
    opened.do("xrdcp", "-f", "-s", f"{ROOT}/escape/{name}", "/tmp/read")  # noqa: S108 - inside the lab
    return opened.do("sha256sum", "/tmp/read").split()[0]  # noqa: S108


def read_http(opened: Lab, name: str) -> str:
    return opened.do("python3", "-c", READ, f"{HTTP}/escape/{name}", "0").strip()


def test_cold_and_hot_reads_by_root_and_by_http_are_counted_byte_by_byte(opened: Lab) -> None:
    for read, name in ((read_root, "root"), (read_http, "http")):
        expected = digest(opened, name)
        assert [read(opened, name), read(opened, name)] == [expected, expected]
    # Not the number of records: a hot read that begins while the cold one is still being closed is merged into it.
    opened.await_("counted", lambda: opened.metrics()["xcache_served_bytes_total"] >= 4 * SIZE, 40)
    found = opened.metrics()
    assert found["xcache_origin_read_bytes_total"] == 2 * SIZE
    assert 4 * SIZE <= found["xcache_served_bytes_total"] < 4.2 * SIZE  # root sends some pages of a cold file twice
    assert 50 <= opened.state()["hour"]["hitPercent"] <= 53
    assert (found["xcache_gstream_lost_total"], found['xcache_invalid_packets_total{stream="pfc"}']) == (0, 0)


def test_every_check_passes_while_the_cache_serves(opened: Lab) -> None:
    for kind in ("startup", "live", "ready"):
        done = opened.run("xcache-check", kind)
        assert (done.returncode, done.stdout) == (0, ""), kind


def test_a_stopped_server_accepts_connections_but_fails_the_checks(opened: Lab) -> None:
    opened.signal(CACHE, "STOP")
    try:
        assert opened.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/1094").returncode == 0
        for kind in ("live", "ready"):
            begun = time.monotonic()
            assert opened.run("xcache-check", kind).returncode == 1, kind
            assert time.monotonic() - begun < 10, kind
    finally:
        opened.signal(CACHE, "CONT")
    opened.await_("it answers again", lambda: opened.run("xcache-check", "ready").returncode == 0)


def test_readiness_names_a_volume_that_cannot_be_written(opened: Lab) -> None:
    done = opened.run("xcache-check", "ready", XCACHE_SPACES="data=/usr/share")
    assert (done.returncode, done.stdout) == (1, "/usr/share cannot be written\n")


def test_a_file_that_the_origin_does_not_have_is_no_trouble_of_the_origin(opened: Lab) -> None:
    before = opened.state()["origin"]
    assert opened.run("xrdcp", "-s", f"{ROOT}/escape/nowhere", "/dev/null").returncode != 0
    opened.await_("counted", lambda: opened.state()["origin"]["openErrors"] > before["openErrors"])
    opened.await_("judged", lambda: opened.state()["origin"]["lastSuccessTime"] > before["lastSuccessTime"])
    assert opened.state()["origin"]["lastErrorTime"] is None


def test_draining_makes_it_unready_at_once_and_waits_for_the_reader(opened: Lab) -> None:
    reader = opened.start("python3", "-c", READ, f"{HTTP}/escape/slow", "0.15")  # 64 MiB in 10 s
    opened.await_("the reader is seen", lambda: opened.state()["openFiles"] == 1, 15)
    drain = opened.start("xcache-drain")
    try:
        opened.await_("unready", lambda: opened.run("xcache-check", "ready").stdout == "draining\n", 10)
        assert opened.run("xcache-check", "live").returncode == 0
        assert opened.state()["draining"]
        assert reader.poll() is None
        assert drain.poll() is None
        assert drain.wait(60) == 0
        assert reader.poll() == 0
    finally:
        opened.do("rm", "-f", "/run/xcache/drain")


def test_a_server_that_starts_after_a_drain_is_ready(opened: Lab) -> None:
    opened.do("touch", "/run/xcache/drain")
    assert opened.run("xcache-check", "live").returncode == 0
    assert opened.run("xcache-check", "ready").stdout == "draining\n"
    assert opened.run("xcache-check", "startup").returncode == 0
    assert opened.run("xcache-check", "ready").returncode == 0


def test_draining_gives_up_after_its_time(opened: Lab) -> None:
    done = opened.run("xcache-drain", XCACHE_DRAIN_TIMEOUT="1", XCACHE_STATE_URL="http://127.0.0.1:1/state")
    opened.do("rm", "/run/xcache/drain")
    assert (done.returncode, "after 1 s" in done.stderr) == (1, True)


def test_a_data_volume_that_was_replaced_is_filled_anew_with_the_right_bytes(opened: Lab, tmp_path: Path) -> None:
    opened.signal(CACHE, "KILL")
    opened.do("bash", "-c", "rm -rf /data/d0/* /data/d0/.[a-z]*", user="0:0")
    assert "removed" in opened.do("xcache-prepare")
    assert opened.do("bash", "-c", "find /meta/ns -xtype l").strip() == ""
    begin(opened, tmp_path / "cache")
    assert read_root(opened, "root") == digest(opened, "root")
    opened.await_("a restart was noticed", lambda: opened.metrics()["xcache_server_restarts_total"] >= 1)


def test_without_its_origin_a_hot_file_is_served_and_the_state_says_that_the_origin_is_gone(opened: Lab) -> None:
    expected = digest(opened, "root")
    opened.signal("xrootd -c /etc/xcache/origin.cfg", "KILL")
    assert read_root(opened, "root") == expected
    assert opened.run("xcache-check", "ready").returncode == 0
    missed = opened.run("xrdcp", "-s", f"{ROOT}/escape/slow", "/dev/null", timeout=90)
    assert missed.returncode != 0
    opened.await_("judged", lambda: opened.state()["origin"]["lastErrorTime"] is not None, 60)


def test_exporter_and_server_are_small(opened: Lab) -> None:
    for program, limit in (("xcache_exporter", 40), (CACHE, 150)):
        (pid,) = opened.pids(program)
        resident = opened.do("grep", "VmRSS", f"/proc/{pid}/status")
        assert int(resident.split()[1]) < limit * 1024, program


def test_nothing_of_the_build_is_in_the_image(opened: Lab) -> None:
    for program in ("gcc", "cc", "pip", "pip3", "make", "dpkg-buildpackage"):
        assert opened.run("bash", "-c", f"command -v {program}").returncode == 1, program
    for folder in ("/var/lib/apt/lists", "/var/cache/apt", "/var/log/apt", "/run/secrets"):
        assert opened.run("find", folder, "-type", "f").stdout == "", folder
    assert opened.run("find", "/etc/ssl", "-name", "ca-certificates.crt").stdout == ""
