"""The database's image as it is built: a real PostgreSQL, its starts, backups and restores."""

import functools
import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from images import build, engines
from tests.images.lab import Lab, lab, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"the image is run without a cluster: {missing()}")

SCHEMA = json.loads((build.ROOT / "images/postgres/backup.schema.json").read_text())
USER = "10942:10942"
PATH = "/usr/local/bin:/usr/lib/postgresql/17/bin:/usr/bin:/bin"
PASSWORD = "a'b\"c:d\\e %@$x;--ü"  # noqa: S105 - for a server that lives as long as these tests
SERVER = "tini -s -- postgres-run"
POSTMASTER = "postgres -D /data/pgdata"
MARK = '{"cluster": "c", "namespace": "n", "name": "x"}'
CONTENT = """
CREATE TYPE state AS ENUM ('a', 'b');
CREATE SEQUENCE counter;
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
INSERT INTO alembic_version VALUES ('3b943000da18');
CREATE TABLE rules (id int PRIMARY KEY DEFAULT nextval('counter'), state state DEFAULT 'a', name text);
CREATE TABLE locks (rule int REFERENCES rules (id));
INSERT INTO rules (name) SELECT 'rule ü ' || n FROM generate_series(1, 1000) n;
INSERT INTO locks SELECT id FROM rules;
COMMENT ON TABLE alembic_version IS 'datalake-operator:MARK';
""".replace("MARK", MARK)
MIGRATED = """
CREATE TYPE kind AS ENUM ('z');
CREATE TABLE added (kind kind, rule int REFERENCES rules (id));
ALTER TABLE rules ADD COLUMN deleted_at timestamp;
ALTER TABLE rules DROP COLUMN name;
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW shown AS SELECT * FROM rules;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM shown;
DELETE FROM locks;
UPDATE alembic_version SET version_num = 'new';
"""


@dataclass
class Postgres:
    """The server in the lab.

    Attributes:
        lab: where it runs.
        process: the container's first process, while it runs.
    """

    lab: Lab
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    made: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "log"

    def secret(self, name: str, **values: str) -> str:
        """A mounted Secret; gives its folder."""
        path = f"/run/secrets/{name}"
        self.lab.do("mkdir", "-p", path, user="0:0")
        for key, value in values.items():
            self.lab.write(f"{path}/{key}", value)
        return path

    def start(self, **environment: str) -> None:
        """Start it, and wait until it is ready."""
        self.process = self.lab.start(*SERVER.split(), log=self.log, **environment)
        self.lab.await_("ready", lambda: self.check("ready"), 30)

    def check(self, what: str) -> bool:
        """Whether a check passes."""
        return self.lab.run("postgres-check", what).returncode == 0

    def main(self) -> str:
        """The process that takes connections."""
        (pid,) = set(self.lab.pids(POSTMASTER)) - set(self.lab.pids("dumb-init"))
        return pid

    def stop(self) -> float:
        """Stop it as a kubelet does; gives the seconds it took."""
        begun = time.monotonic()
        self.lab.signal(SERVER, "TERM")
        self.gone()
        return time.monotonic() - begun

    def gone(self) -> None:
        """Wait until nothing of it runs."""
        assert self.process
        self.process.wait(30)
        self.lab.await_("gone", lambda: not self.lab.pids(POSTMASTER), 30)

    def sql(self, text: str, database: str = "rucio") -> str:
        """Run statements as the superuser over the local socket."""
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "/tmp", "-U", "postgres", "-d", database]  # noqa: S108
        done = subprocess.run(self.lab.inside(*command), input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def login(self, password: str, host: str = "127.0.0.1", user: str = "rucio") -> str:
        """Log in over the network; gives what is wrong."""
        secret = self.secret("login", url=f"postgresql://{user}:{quote(password, safe='')}@{host}/rucio")
        code = (
            "import os\nfrom postgres_tools.connection import DatabaseError, opened\n"
            "try:\n    with opened(os.environ, 'test') as database: database.ask('SELECT 1;')\n"
            "except DatabaseError as error: print(error)"
        )
        return self.lab.run("python3", "-c", code, DATABASE_SECRET=secret).stdout.strip()

    def database(self, content: str = "") -> "Target":
        """A database of its own with a URL, and a folder for its dumps."""
        name = f"d{len(self.made)}"
        self.made.append(name)
        self.sql(f"CREATE DATABASE {name} OWNER rucio TEMPLATE template0;")
        self.sql("ALTER SCHEMA public OWNER TO rucio;", name)
        folder = f"/data/{name}"
        self.lab.do("mkdir", folder, user="0:0")
        self.lab.do("chown", USER, folder, user="0:0")
        secret = self.secret(name, url=f"postgresql+psycopg://rucio:{quote(PASSWORD, safe='')}@localhost/{name}")
        target = Target(self, name, folder, {"DATABASE_SECRET": secret})
        if content:
            target.sql(content)
        return target


@dataclass
class Target:
    """A database, and what backups and restores of it are told."""

    server: Postgres
    name: str
    folder: str
    environment: dict[str, str]

    def sql(self, text: str) -> str:
        """Run statements as its owner."""
        return self.server.sql(f"SET SESSION AUTHORIZATION rucio;{text}", self.name)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program with its environment."""
        words = self.server.lab.inside(*command, **(self.environment | environment))
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    def files(self) -> list[str]:
        """In the folder of dumps."""
        return sorted(self.server.lab.do("ls", "-A", self.folder).split())

    def backup(self, *words: str, keep: int = 3, name: str = "scheduled") -> dict[str, object]:
        """Make a dump; gives the result."""
        command = ["postgres-backup", "--dir", self.folder, "--keep", str(keep), "--name", name, *words]
        done = self.run(*command, TERMINATION_LOG="/tmp/told")  # noqa: S108
        result: dict[str, object] = json.loads(done.stdout)
        Draft202012Validator(SCHEMA).validate(result)
        assert json.loads(self.server.lab.do("cat", "/tmp/told")) == result  # noqa: S108
        assert (done.returncode == 0) == (result["state"] == "done"), done.stderr
        return result

    def restore(self, file: object, *words: str) -> str:
        """Restore; gives what is wrong."""
        command = ["postgres-restore", "--dir", self.folder, "--file", str(file), *words]
        done = self.run(*command)
        assert done.returncode == 0 or done.stderr.startswith("postgres-restore: "), done.stderr
        return done.stderr if done.returncode else ""

    def state(self) -> str:
        """Everything in it, but for the mark of its owner."""
        words = ["pg_dump", "-h", "/tmp", "-U", "postgres", "--restrict-key=x", self.name]  # noqa: S108
        lines = self.server.lab.do(*words).splitlines()
        return "\n".join(line for line in lines if "datalake-operator" not in line)

    def mark(self) -> dict[str, str]:
        """The mark of its owner."""
        comment = self.sql("SELECT obj_description('public.alembic_version'::regclass);")
        found: dict[str, str] = json.loads(comment.removeprefix("datalake-operator:"))
        return found

    def hang(self, *command: str) -> "subprocess.Popen[bytes]":
        """Start a program that must wait for somebody who holds the table of rules."""
        self.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder';")
        text = "BEGIN; LOCK TABLE rules; SELECT pg_sleep(60)"
        words = ["psql", "-h", "/tmp", "-U", "postgres", "-d", self.name, "-c", text]  # noqa: S108
        self.server.lab.start(*words, PGAPPNAME="holder")
        held = (
            "SELECT count(*) FROM pg_locks WHERE relation = 'rules'::regclass AND mode = 'AccessExclusiveLock' AND {}"
        )
        self.server.lab.await_("held", lambda: self.sql(f"{held.format('granted')};") == "1")
        process = self.server.lab.start(*command, **self.environment)  # type: ignore[arg-type]
        waits = "SELECT count(*) FROM pg_locks WHERE relation = 'rules'::regclass AND NOT granted;"
        self.server.lab.await_("waiting", lambda: self.sql(waits) != "0")
        return process

    def release(self) -> None:
        """Let it go on."""
        self.server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder';")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    engine = engines.find()
    if engine.name != "buildah":
        pytest.skip("the image is run from buildah's storage")
    reference = build.build("postgres")
    with lab(reference, dict(engine.environment), USER) as found:
        found.environment = {"PATH": PATH, "HOME": "/tmp", "PYTHONSAFEPATH": "1"}  # noqa: S108
        found.do("chown", USER, "/data", user="0:0")
        server = Postgres(found, tmp_path_factory.mktemp("postgres"))
        server.secret("database", username="rucio", password=PASSWORD, database="rucio")
        server.start(POSTGRES_MAX_CONNECTIONS="60", POSTGRES_SHARED_BUFFERS="64MB")
        yield server


@pytest.fixture
def target(postgres: Postgres) -> Target:
    return postgres.database(CONTENT)


def test_a_first_start_makes_what_the_secret_says_and_lets_only_its_user_in(postgres: Postgres) -> None:
    row = postgres.sql(
        "SELECT pg_encoding_to_char(encoding), datcollate, datdba::regrole FROM pg_database WHERE datname = 'rucio';"
        "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public';"
        "SELECT rolsuper, rolcreatedb, rolcanlogin FROM pg_roles WHERE rolname = 'rucio';"
        "SELECT current_setting('max_connections'), current_setting('data_checksums'), current_setting('timezone');"
    )
    assert row.splitlines() == ["UTF8|C.UTF-8|rucio", "rucio", "f|f|t", "60|on|UTC"]
    for host in ("127.0.0.1", "[::1]"):
        assert postgres.login(PASSWORD, host) == ""
        assert "password authentication failed" in postgres.login("other", host)
        assert "rejects connection" in postgres.login(PASSWORD, host, user="postgres")
    assert all(postgres.check(what) for what in ("startup", "live", "ready"))


def test_each_start_sets_the_password_and_stops_take_seconds_although_clients_stay(postgres: Postgres) -> None:
    postgres.sql("CREATE TABLE kept AS SELECT 1 AS n;")
    words = ["psql", "-h", "/tmp", "-U", "postgres", "-c", "SELECT pg_sleep(60)"]  # noqa: S108
    postgres.lab.start(*words, PGAPPNAME="sleeper")
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sleeper';"
    postgres.lab.await_("a client", lambda: postgres.sql(asleep) == "1")
    assert postgres.stop() < 5
    assert not any(postgres.check(what) for what in ("startup", "live", "ready"))
    postgres.lab.do("chmod", "2770", "/data/pgdata")  # as a kubelet does for the group of the volume
    postgres.secret("database", password="new")  # noqa: S106
    postgres.start()
    assert postgres.login("new") == ""
    assert "password authentication failed" in postgres.login(PASSWORD)
    assert postgres.sql("SELECT n FROM kept;") == "1"
    postgres.lab.do("bash", "-c", f"kill -KILL {postgres.main()}")
    postgres.gone()
    postgres.secret("database", password=PASSWORD)
    postgres.start()
    assert postgres.login(PASSWORD) == ""
    assert postgres.sql("SELECT n FROM kept;") == "1"
    assert not any(text in postgres.log.read_text() for text in ("ALTER ROLE", PASSWORD))


def test_a_stopped_server_is_not_live(postgres: Postgres) -> None:
    main = postgres.main()
    postgres.lab.do("bash", "-c", f"kill -STOP {main}")
    try:
        assert "does not answer" in postgres.lab.run("postgres-check", "live").stdout
    finally:
        postgres.lab.do("bash", "-c", f"kill -CONT {main}")
    assert postgres.check("live")


def test_a_first_start_that_is_killed_leaves_nothing_that_the_next_one_could_take_for_data(postgres: Postgres) -> None:
    data = "/tmp/other/pgdata"  # noqa: S108
    environment = {"POSTGRES_DATA": data, "TERMINATION_LOG": "/tmp/why"}  # noqa: S108
    postgres.lab.do("mkdir", "/tmp/other")  # noqa: S108
    for begun in (f"{data}.new", f"{data}.new/base/1"):
        process = postgres.lab.start("postgres-run", **environment)  # type: ignore[arg-type]
        there = functools.partial(postgres.lab.run, "test", "-e", begun)
        postgres.lab.await_(begun, lambda there=there: there().returncode == 0)  # type: ignore[misc]
        pids = postgres.lab.pids("postgres_tools.run") + postgres.lab.pids("/tmp/other")  # noqa: S108
        postgres.lab.run("bash", "-c", f"kill -KILL {' '.join(pids)}")
        process.wait(10)
        assert postgres.lab.run("test", "-e", data).returncode == 1
    made = (
        "import pathlib, sys; from postgres_tools.run import prepare; print(prepare(pathlib.Path(sys.argv[1]), '17'))"
    )
    assert postgres.lab.do("python3", "-c", made, data).strip() == "True"
    assert postgres.lab.do("ls", "/tmp/other").split() == ["pgdata"]  # noqa: S108

    postgres.lab.do("bash", "-c", f"echo 16 > {data}/PG_VERSION")
    before = _listing(postgres.lab, data)
    refused = postgres.lab.run("postgres-run", **environment)  # type: ignore[arg-type]
    assert refused.returncode == 1
    assert "data of PostgreSQL 16, which 17 cannot read; nothing was touched" in refused.stderr
    assert "data of PostgreSQL 16" in postgres.lab.do("cat", "/tmp/why")  # noqa: S108
    assert _listing(postgres.lab, data) == before


def _listing(lab: Lab, folder: str) -> str:
    listing = lab.do("bash", "-c", f"cd {folder} && find . -printf '%p %m %T@ %s\\n' | sort")
    return hashlib.sha256(listing.encode()).hexdigest()


def test_dumps_are_made_and_kept_as_asked(target: Target) -> None:
    first = target.backup(name="migration")
    assert (first["state"], first["dumpMajor"], first["serverMajor"]) == ("done", 17, 17)
    made = [target.backup(keep=2)["file"] for _ in range(3)]
    assert len(set(made)) == 3
    assert target.files() == sorted([str(first["file"]), *map(str, made[1:])])
    last = target.backup("--check")
    assert (last["state"], last["file"]) == ("done", None)
    assert [row["name"] for row in last["backups"]] == [made[2], made[1], first["file"]]  # type: ignore[attr-defined]
    assert len(target.files()) == 3


def test_a_dump_that_is_killed_leaves_a_part_that_the_next_run_removes_and_no_secret_is_seen(target: Target) -> None:
    words = ("--dir", target.folder, "--name", "scheduled", "--keep", "1")
    process = target.hang("postgres-backup", *words)
    (part,) = target.files()
    assert part.endswith(".dump.part")
    lab = target.server.lab
    pids = lab.pids("postgres_tools.backup") + lab.pids("pg_dump")
    seen = "".join(lab.do("cat", f"/proc/{pid}/cmdline", f"/proc/{pid}/environ") for pid in pids)
    assert "pg_dump" in seen
    assert PASSWORD not in seen
    assert quote(PASSWORD, safe="") not in seen
    lab.do("bash", "-c", f"kill -KILL {' '.join(pids)}")
    process.wait(10)
    assert target.files() == [part]
    target.release()
    assert target.files() == [part]
    assert [target.backup()["file"]] == target.files()


def test_a_dump_that_is_told_to_stop_leaves_nothing(target: Target) -> None:
    process = target.hang("postgres-backup", "--dir", target.folder, "--name", "scheduled", "--keep", "1")
    assert len(target.files()) == 1
    target.server.lab.signal("postgres_tools.backup", "TERM")
    process.wait(10)
    assert target.files() == []
    target.release()


def test_what_is_in_the_way_of_a_dump_is_said(target: Target) -> None:
    server = target.server
    refused = {
        "password authentication failed": {"url": f"postgresql://rucio:x@localhost/{target.name}"},
        "Connection refused": {"url": "postgresql://rucio:x@localhost:1/rucio"},
        "could not translate host name": {"url": "postgresql://rucio:x@nowhere.invalid/rucio"},
        'database "gone" does not exist': {"url": f"postgresql://rucio:{quote(PASSWORD, safe='')}@localhost/gone"},
    }
    for message, values in refused.items():
        target.environment["DATABASE_SECRET"] = server.secret("wrong", **values)
        for words in ((), ("--check",)):
            result = target.backup(*words)
            assert (result["state"], result["serverMajor"]) == ("impossible", None)
            assert message in str(result["message"])
    target.environment["DATABASE_SECRET"] = f"/run/secrets/{target.name}"
    target.environment["RUCIO_DATABASE_SCHEMA"] = "gone"
    assert "no schema 'gone'" in str(target.backup()["message"])
    del target.environment["RUCIO_DATABASE_SCHEMA"]
    server.sql("CREATE TABLE foreign_table (); REVOKE ALL ON foreign_table FROM PUBLIC;", target.name)
    failed = target.backup()
    assert (failed["state"], failed["file"], target.files()) == ("failed", None, [])
    assert "permission denied for table foreign_table" in str(failed["message"])
    server.lab.do("chown", "0:0", target.folder, user="0:0")
    assert "cannot be written by user 10942" in str(target.backup("--check")["message"])


def test_a_server_with_tls_is_checked_against_its_authorities(target: Target, tmp_path: Path) -> None:
    server, keys = target.server, "/data/keys"
    for name in ("server", "other"):
        words = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
        ]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(tmp_path / f"{name}.key"), "-out", str(tmp_path / f"{name}.crt")]
        subprocess.run([*words, *names, *files], check=True, capture_output=True)
    server.lab.do("mkdir", keys)
    for path in tmp_path.iterdir():
        server.lab.write(f"{keys}/{path.name}", path.read_text())
        server.lab.do("chown", USER, f"{keys}/{path.name}", user="0:0")
        server.lab.do("chmod", "600", f"{keys}/{path.name}")
    settings = {"ssl_cert_file": f"{keys}/server.crt", "ssl_key_file": f"{keys}/server.key", "ssl": "on"}
    try:
        server.sql("".join(f"ALTER SYSTEM SET {name} = '{value}';" for name, value in settings.items()))
        server.sql("SELECT pg_reload_conf();")
        target.environment["DATABASE_CA"] = f"{keys}/server.crt"
        server.lab.await_("TLS", lambda: target.backup("--check")["state"] == "done", 10)
        assert target.backup()["state"] == "done"
        target.environment["DATABASE_CA"] = f"{keys}/other.crt"
        assert "certificate verify failed" in str(target.backup()["message"])
    finally:
        server.sql("".join(f"ALTER SYSTEM RESET {name};" for name in settings))
        server.sql("SELECT pg_reload_conf();")


def test_only_the_schema_of_rucio_is_dumped_and_replaced(postgres: Postgres) -> None:
    target = postgres.database('CREATE SCHEMA "Rucio-1"; SET search_path TO "Rucio-1";' + CONTENT)
    target.sql("CREATE TABLE public.others AS SELECT 1 AS n;")
    target.environment["RUCIO_DATABASE_SCHEMA"] = "Rucio-1"
    before, file = target.state(), target.backup()["file"]
    target.sql('DROP TABLE "Rucio-1".rules CASCADE; CREATE TABLE "Rucio-1".more ();')
    assert target.restore(file, "--replace") == ""
    assert target.state() == before
    target.sql('DROP SCHEMA "Rucio-1" CASCADE;')
    postgres.sql(f"GRANT CREATE ON DATABASE {target.name} TO rucio;")
    assert target.restore(file, "--create-into-empty") == ""
    assert target.sql('SELECT count(*) FROM "Rucio-1".rules;') == "1000"
    target.environment["RUCIO_DATABASE_SCHEMA"] = "public"
    assert "the dump is of schema Rucio-1" in target.restore(file, "--replace")


def test_a_restore_brings_back_exactly_what_was_dumped_and_holds_daemons(target: Target) -> None:
    target.server.sql("CREATE EXTENSION hstore; CREATE TABLE private (); ", target.name)
    target.server.sql("ALTER TABLE private OWNER TO rucio; CREATE ROLE reader;", target.name)
    target.sql("GRANT SELECT ON rules TO reader; CREATE TABLE pairs (pair hstore);")
    before, file = target.state(), target.backup()["file"]
    target.sql(MIGRATED)
    changed = target.state()
    assert "holds 8 tables or views; --replace drops them first" in target.restore(file)
    assert "--replace drops" in target.restore(file, "--create-into-empty")
    assert target.state() == changed
    assert target.restore(file, "--replace") == ""
    assert target.state() == before
    mark = target.mark()
    assert {name: mark[name] for name in ("cluster", "namespace", "name")} == json.loads(MARK)
    assert mark["restored"].endswith("Z")
    assert target.restore(file, "--replace") == ""
    assert target.mark()["hold"] != mark["hold"]


def test_a_restore_into_a_new_database_needs_neither_the_roles_nor_the_mark(target: Target, postgres: Postgres) -> None:
    postgres.sql("CREATE ROLE gone;")
    target.sql("COMMENT ON TABLE alembic_version IS 'datalake-operator:{';GRANT SELECT ON rules TO gone;")
    target.sql("GRANT SELECT ON locks TO PUBLIC;")
    file = target.backup()["file"]
    postgres.sql("REVOKE ALL ON rules FROM gone; DROP ROLE gone;", target.name)
    other = postgres.database()
    other.folder = target.folder
    assert other.restore(file, "--create-into-empty") == ""
    assert other.sql("SELECT count(*) FROM rules;") == "1000"
    assert other.sql("SELECT has_table_privilege('pg_monitor', 'locks', 'SELECT');") == "t"
    assert other.sql("SELECT obj_description('alembic_version'::regclass);") == "datalake-operator:{"


def test_a_restore_is_refused_while_others_are_connected(target: Target) -> None:
    file = target.backup()["file"]
    words = ["psql", "-h", "/tmp", "-U", "postgres", "-d", target.name, "-c", "SELECT pg_sleep(60)"]  # noqa: S108
    for name in ("rucio-database", "reaper"):
        target.server.lab.start(*words, PGAPPNAME=name)
    there = "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('rucio-database', 'reaper');"
    target.server.lab.await_("clients", lambda: target.sql(there) == "2")
    refused = target.restore(file, "--replace")
    assert "others are connected: postgres reaper" in refused
    assert "rucio-database" not in refused
    assert target.restore(file, "--replace", "--despite-sessions") == ""


def test_a_restore_that_fails_or_is_killed_changes_nothing(target: Target) -> None:
    file = str(target.backup()["file"])
    target.sql(MIGRATED)
    target.server.sql("CREATE SCHEMA other; CREATE VIEW other.watcher AS SELECT id FROM public.rules;", target.name)
    before = target.state()
    refused = target.restore(file, "--replace")
    assert "view other.watcher depends on table public.rules" in refused
    assert "the database is what it was" in refused
    assert target.state() == before

    lab = target.server.lab
    lab.do(
        "bash",
        "-c",
        f"cd {target.folder} && head -c $(($(stat -c %s {file}) - 200)) {file} > cut.dump && echo > no.dump",
    )
    target.server.sql("DROP SCHEMA other CASCADE;", target.name)
    before = target.state()
    assert "the database is what it was" in target.restore("cut.dump", "--replace")
    assert "no.dump cannot be read" in target.restore("no.dump", "--replace")
    assert "there are: scheduled-" in target.restore("../pgdata/PG_VERSION", "--replace")
    assert target.state() == before

    process = target.hang("postgres-restore", "--dir", target.folder, "--file", file, "--replace", "--despite-sessions")
    pids = lab.pids("postgres_tools.restore") + lab.pids("psql --dbname")
    lab.do("bash", "-c", f"kill -KILL {' '.join(pids)}")
    process.wait(10)
    target.release()
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'postgres-restore';"
    lab.await_("the end of its session", lambda: target.sql(left) == "0")
    assert target.state() == before
