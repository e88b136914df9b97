"""Rucio's image as it is built: its user, what it writes, what it holds. Its server's behaviour: images/rucio/tests."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from images import build, engines
from tests.images.lab import Lab, lab, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"the image is run without a cluster: {missing()}")

USER = "10941:10941"
PASSWORD = "hunter2%@:/"  # noqa: S105 - for a database that is not there
ENVIRONMENT = {
    "PATH": "/opt/rucio/bin:/opt/rucio/venv/bin:/usr/local/bin:/usr/bin:/bin",
    "PYTHONPATH": "/opt/rucio/lib", "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp",  # noqa: S108
    "RUCIO_DATABASE_HOST": "127.0.0.1:1",
}  # fmt: skip
STATUS = """
import sys, urllib.error, urllib.request
try:
    print(200, urllib.request.urlopen(sys.argv[1], timeout=30).read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except OSError:
    print(0, "")
"""


@pytest.fixture(scope="module", params=build.RUCIO)
def image(request: pytest.FixtureRequest) -> Iterator[tuple[str, Lab]]:
    reference = build.build(f"rucio:{request.param}")
    with lab(reference, dict(engines.find().environment), USER) as opened:
        opened.environment = dict(ENVIRONMENT)
        folders = ("/etc/rucio", "/run/secrets/database", "/run/rucio")
        opened.do("mkdir", "-p", *folders, user="0:0")
        opened.do("chown", USER, "/run/rucio", user="0:0")
        opened.write("/etc/rucio/base.cfg", "[common]\nmulti_vo = False\n[policy]\npermission = generic\n")
        for name, value in (("username", "rucio"), ("password", PASSWORD), ("database", "rucio")):
            opened.write(f"/run/secrets/database/{name}", value)
        yield request.param, opened


def test_the_server_starts_without_a_database_and_says_so(image: tuple[str, Lab], tmp_path: Path) -> None:
    version, opened = image
    log = tmp_path / "log"
    server = opened.start("tini", "--", "rucio-server", log=log)

    def ask(url: str) -> tuple[int, str]:
        status, _, body = opened.do("python3", "-c", STATUS, f"http://127.0.0.1:{url}").partition(" ")
        return int(status), body

    opened.await_("the server", lambda: ask("8080/ping")[0] == 200)
    assert version in ask("8080/ping")[1]
    status, body = ask("8083/_health/ready")
    assert (status, json.loads(body)["state"], json.loads(body)["version"]) == (503, "unreachable", version)
    assert ask("8081/metrics")[0] == 200
    lines = opened.do("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '", user="0:0")
    assert PASSWORD not in lines + log.read_text()
    written = opened.root / "run/rucio/rucio.cfg"
    inside = opened.do("stat", "-c", "%a %u", "/run/rucio/rucio.cfg", user="0:0").split()
    assert inside == [f"{stat.S_IRUSR | stat.S_IWUSR:o}", "10941"], written
    server.terminate()
    server.wait(timeout=40)


def test_it_holds_what_rucio_calls(image: tuple[str, Lab]) -> None:
    version, opened = image
    assert opened.do("id", "--user", "--name").strip() == "rucio"  # without a name Rucio's client fails
    assert "Usage:" in opened.run("xrdfs", "--help").stdout
    assert "http" in opened.do(
        "rucio-run", "python3", "-c", "import gfal2; print(gfal2.creat_context().get_plugin_names())"
    )
    assert version in opened.do(
        "rucio-run", "python3", "-c", "from importlib import metadata as m; print(m.version('rucio'))"
    )
    for daemon in ("reaper", "auditor", "conveyor-submitter"):
        assert "usage: rucio-" in opened.do("rucio-run", f"rucio-{daemon}", "--help")
    assert opened.do("ls", "/opt/rucio/etc/mail_templates").split()


def test_a_daemon_waits_for_its_database(image: tuple[str, Lab], tmp_path: Path) -> None:
    _, opened = image
    log = tmp_path / "log"
    daemon = opened.start("rucio-run", "rucio-undertaker", log=log, RUCIO_WAIT_FOR_DATABASE="1")
    opened.await_("its words", log.read_text)
    assert log.read_text() == "rucio-run: waits for the database (OperationalError)\n"
    assert daemon.poll() is None
    daemon.terminate()
    daemon.wait(timeout=10)
