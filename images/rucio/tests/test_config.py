"""rucio.cfg as the image composes it, read as Rucio reads it."""

import configparser
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rucio_config import compose, run, url
from rucio_config.errors import ConfigError
from tests.support import line
from tests.support import rucio_environments as environments
from tests.support.postgres import Server

EVIL = "p@s:s/w#r?d%41%% [x]\\'\"$;=\u00e4"
BASE = "[common]\nmulti_vo = False\n[policy]\npackage = a%%b\n"


class Mounts:
    """What kubelet mounts, below a folder of the test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.put(compose.BASE, BASE)
        (root / "run/rucio").mkdir(parents=True)

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def parts(self, password: str = EVIL, username: str = "rucio") -> None:
        for name, value in (("username", username), ("password", password), ("database", "rucio")):
            self.put(f"{compose.DATABASE}/{name}", value)

    def secret(self, section: str, option: str, value: str) -> None:
        entry = {"section": section, "option": option, "file": "/run/secrets/options/0/value"}
        self.put("run/secrets/options/0/value", value)
        self.put(compose.OPTIONS, json.dumps([entry]))

    def read(self, **environment: str) -> configparser.ConfigParser:
        """As Rucio reads it."""
        parser = configparser.ConfigParser()
        parser.read_string(compose.compose({"RUCIO_DATABASE_HOST": "db", **environment}, self.root))
        return parser


@pytest.fixture
def mounts(tmp_path: Path) -> Mounts:
    return Mounts(tmp_path)


def sqlalchemy(urls: list[str]) -> list[dict[str, object]]:
    """What SQLAlchemy and psycopg make of URLs."""
    script = """
import json, sys
from sqlalchemy import make_url
print(json.dumps([make_url(u).get_dialect()().create_connect_args(make_url(u))[1] for u in json.load(sys.stdin)]))
"""
    done = subprocess.run(
        [environments.python("41.5.1"), "-c", script],
        input=json.dumps(urls),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_what_the_operator_wrote_stays_and_the_database_is_added(mounts: Mounts) -> None:
    mounts.parts()
    found = mounts.read()
    assert found.get("common", "multi_vo") == "False"
    assert found.get("policy", "package") == "a%b"
    assert found.get("database", "default").startswith(f"postgresql+psycopg://rucio:{quote(EVIL, safe='')}@db/rucio?")


def test_urls_of_all_kinds_reach_the_driver_as_they_were_meant() -> None:
    encoded = quote(EVIL, safe="")
    cases = {
        f"postgresql://rucio:{encoded}@db:5433/rucio": ("rucio", EVIL, "db", "5433", "rucio"),
        f"postgres://rucio:{encoded}@db/rucio\n": ("rucio", EVIL, "db", None, "rucio"),
        f"postgresql+psycopg://rucio:{encoded}@[fd00::1]:5432/rucio": ("rucio", EVIL, "fd00::1", "5432", "rucio"),
        "postgresql://rucio:p@ss/w#d?x@db.example:5432/rucio": ("rucio", "p@ss/w#d?x", "db.example", "5432", "rucio"),
        "postgresql://rucio:50%off@db/rucio": ("rucio", "50%off", "db", None, "rucio"),
        "postgresql://r%40x:a%3Ab@db/my%2Ddb": ("r@x", "a:b", "db", None, "my-db"),
        "postgresql://db/rucio?user=rucio&password=a%26b": ("rucio", "a&b", "db", None, "rucio"),
        "postgresql://rucio@db/rucio": ("rucio", None, "db", None, "rucio"),
    }
    found = sqlalchemy([url.parse(text, "it").text() for text in cases])
    for got, (user, password, host, port, database) in zip(found, cases.values(), strict=True):
        assert (got["user"], got.get("password"), got["host"], got["dbname"]) == (user, password, host, database)
        assert str(got.get("port")) == str(port and int(port))
        assert got["connect_timeout"] == "5"


def test_what_a_url_says_goes_before_our_defaults_and_a_ca_before_all() -> None:
    text = url.parse("postgresql://a:b@db/c?connect_timeout=9&sslmode=disable&options=-c%20x%3Dy", "it").text("/ca.crt")
    (got,) = sqlalchemy([text])
    assert (got["connect_timeout"], got["options"]) == ("9", "-c x=y")
    assert (got["sslmode"], got["sslrootcert"]) == ("verify-full", "/ca.crt")


def test_a_mounted_ca_is_used(mounts: Mounts) -> None:
    mounts.parts()
    assert "sslmode" not in mounts.read().get("database", "default")
    mounts.put(compose.CA, "PEM")
    (got,) = sqlalchemy([mounts.read().get("database", "default")])
    assert (got["sslmode"], got["sslrootcert"]) == ("verify-full", "/run/secrets/database-ca/ca.crt")


@pytest.mark.parametrize(
    ("host", "hosts"),
    [
        ("db", "db"),
        ("db:1", "db:1"),
        ("fd00::1", "[fd00::1]"),
        ("[fd00::1]:5", "[fd00::1]:5"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_hosts_of_all_kinds(mounts: Mounts, host: str, hosts: str) -> None:
    mounts.parts("x")
    assert f"@{hosts}/rucio?" in mounts.read(RUCIO_DATABASE_HOST=host).get("database", "default")


def test_the_owner_s_url_is_used_when_it_shall_be_and_is_missed_when_it_is_not_there(mounts: Mounts) -> None:
    mounts.parts()
    with pytest.raises(ConfigError, match="admin-database is not mounted"):
        mounts.read(RUCIO_USE_ADMIN="1")
    mounts.put(f"{compose.ADMIN}/url", "postgresql://owner:x@direct/rucio")
    assert "owner:x@direct" in mounts.read(RUCIO_USE_ADMIN="1").get("database", "default")


def test_secret_options_are_one_value_and_override(mounts: Mounts) -> None:
    mounts.parts()
    mounts.secret("policy", "Package", f"{EVIL}\n")
    assert mounts.read().get("policy", "package") == EVIL
    mounts.secret("policy", "x", "a\n[database]\ndefault = evil")
    with pytest.raises(ConfigError, match="option x of section policy has several lines"):
        mounts.read()


@pytest.mark.parametrize(
    "text",
    ["", "mysql://a:b@c/d", "postgresql://a:b@c", "postgresql://c/d", "postgresql://a:b@/d", "sqlite:////x", "secret",
     "postgresql://a:b@c/d\nx", "postgresql://a:b%0Ax@c/d", "postgresql://a:b@[zz]/d"],
)  # fmt: skip
def test_no_url_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        url.parse(text, "the URL")
    assert not text or text not in str(refused.value)


@given(password=st.text(), value=st.text(), name=st.text())
def test_no_value_becomes_a_line(
    tmp_path_factory: pytest.TempPathFactory, password: str, value: str, name: str
) -> None:
    mounts = Mounts(tmp_path_factory.mktemp("mounts"))
    try:
        mounts.parts(password)
        mounts.secret("policy", "extra", value)
    except UnicodeEncodeError:
        return
    try:
        found = mounts.read()
    except ConfigError:
        return
    assert {section: set(found[section]) for section in found.sections()} == {
        "common": {"multi_vo"}, "policy": {"package", "extra"}, "database": {"default"},
    }  # fmt: skip
    assert found.get("policy", "extra").strip() == value.removesuffix("\n").removesuffix("\r").strip()
    try:
        mounts.secret(name, name, "x")
        found = mounts.read()
    except (ConfigError, UnicodeEncodeError):
        return
    assert set(found.sections()) == {"common", "policy", "database", name}


@given(password=st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc", "Zl", "Zp"))))
def test_every_password_survives_every_way(password: str) -> None:
    text = url.of_parts("db", "rucio", password, "rucio").text()
    assert url.parse(text, "it").password == password


def test_the_file_is_for_its_owner_only_and_the_command_takes_over(mounts: Mounts) -> None:
    mounts.parts()
    script = "import os; print(os.environ['RUCIO_CONFIG'], os.environ['PGAPPNAME'], os.getpid())"
    start = "import sys, pathlib; from rucio_config import run; run.main(sys.argv[2:], pathlib.Path(sys.argv[1]))"
    with subprocess.Popen(
        [sys.executable, "-c", start, mounts.root, sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(environments.IMAGE), "RUCIO_DATABASE_HOST": "db"},
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        output, _ = process.communicate()
    configuration = mounts.root / compose.RESULT
    assert output.split() == [str(configuration), Path(sys.executable).name, str(process.pid)]
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
    assert [file.name for file in configuration.parent.iterdir()] == ["rucio.cfg"]


def test_a_daemon_waits_for_its_database_and_shows_no_secret(mounts: Mounts, server: Server) -> None:
    start = "import sys, pathlib; from rucio_config import run; run.main(sys.argv[2:], pathlib.Path(sys.argv[1]))"
    with line.to(server.port) as wire:
        mounts.put(f"{compose.DATABASE}/url", server.url("postgres", port=wire.port))
        wire.cut()
        with subprocess.Popen(
            [environments.python("41.5.1"), "-c", start, mounts.root, "echo", "started"],
            env={**os.environ, "PYTHONPATH": str(environments.IMAGE), "RUCIO_WAIT_FOR_DATABASE": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stderr is not None
            assert process.stderr.readline() == "rucio-run: waits for the database (OperationalError)\n"
            assert process.poll() is None
            wire.mend()
            assert process.communicate(timeout=30) == ("started\n", "")


def test_what_is_wrong_is_told_where_kubelet_looks(
    mounts: Mounts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    termination = mounts.root / "termination"
    termination.touch()
    monkeypatch.setenv("TERMINATION_LOG", str(termination))
    assert run.main(["true"], mounts.root) == run.CONFIGURATION_ERROR
    assert capsys.readouterr().err == termination.read_text() == "rucio-run: /run/secrets/database is not mounted\n"
    assert run.main([]) == 2
    mounts.parts("x")
    monkeypatch.setenv("RUCIO_DATABASE_HOST", "db")
    assert run.main(["/no/such"], mounts.root) == run.CONFIGURATION_ERROR
    assert "/no/such: No such file" in termination.read_text()
