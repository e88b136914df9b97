"""What the tools decide, without a database."""

import fcntl
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from images import build
from postgres_tools import dumps, restore_sql, run
from postgres_tools.backup import MESSAGE_BYTES, Result, main, obstacle
from postgres_tools.connection import DatabaseError, complaint, opened, parse
from postgres_tools.restore import NEW_IN_17, chosen, contents, understood
from rucio_config import url as rucio_url
from rucio_config.errors import ConfigError

SCHEMA = json.loads((build.ROOT / "images/postgres/backup.schema.json").read_text())
NOW = datetime(2026, 11, 26, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "target", "password"),
    [
        ("postgresql://u:p@h:5432/d", "postgresql://u@h:5432/d", "p"),
        ("postgres://u:p@h/d", "postgresql://u@h/d", "p"),
        ("postgresql+psycopg://u:p@h/d", "postgresql://u@h/d", "p"),
        ("postgresql://u:a%40b%25%2F%3A@h/d", "postgresql://u@h/d", "a@b%/:"),
        ("postgresql://u:a%b/c?d:e#f@h/d", "postgresql://u@h/d", "a%b/c?d:e#f"),
        ("postgresql://u:p@ss@h/d", "postgresql://u@h/d", "p@ss"),
        ("postgresql://u:100%41%@h/d", "postgresql://u@h/d", "100%41%"),
        ("postgresql://u%40x:p@[::1]:5432/my%20d", "postgresql://u%40x@[::1]:5432/my%20d", "p"),
        ("postgresql://u@h1:1,h2:2/d?keepalives=0", "postgresql://u@h1:1,h2:2/d?keepalives=0", ""),
        ("postgresql://u@h/d?password=a%26b&sslmode=require", "postgresql://u@h/d?sslmode=require", "a&b"),
        ("postgresql://u:p@h/d?prepare_threshold=0", "postgresql://u@h/d", "p"),
        ("postgresql://h/d", "postgresql://h/d", ""),
    ],
)  # fmt: skip
def test_a_password_leaves_its_url_which_stays_what_it_was(url: str, target: str, password: str) -> None:
    assert parse(url) == (target, password)


@given(st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), min_size=1))
def test_no_encoded_password_stays_in_the_url(password: str) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in password.encode())
    assert parse(f"postgresql://u:{encoded}@h/d") == ("postgresql://u@h/d", password)


@given(st.text(st.characters(codec="ascii", exclude_characters="\n\r\0"), min_size=1))
def test_both_images_read_the_same_password_in_a_url(password: str) -> None:
    url = f"postgresql://u:{password}@h/d"
    try:
        theirs = rucio_url.parse(url, "the URL")
    except ConfigError:
        return
    target, ours = parse(url)
    assert (target, ours) == ("postgresql://u@h/d", theirs.password)


@pytest.mark.parametrize("url", ["", "mysql://u:geheim@h/d", "host=h password=geheim", "postgresql:/u:geheim@h"])
def test_what_is_no_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(DatabaseError, match="must read postgresql://") as refused:
        parse(url)
    assert "geheim" not in str(refused.value)


def secret(folder: Path, **values: str) -> dict[str, str]:
    folder.mkdir()
    for name, value in values.items():
        (folder / name).write_text(value)
    return {"DATABASE_SECRET": str(folder), "DATABASE_CA": str(folder / "ca.crt")}


def test_the_password_is_in_a_file_for_its_owner_only_and_goes_at_the_end(tmp_path: Path) -> None:
    environment = secret(tmp_path / "s", username="ru cio", password="a:b\\c\n", database="d/1")
    with opened(environment | {"RUCIO_DATABASE_HOST": "[::1]:5433"}, "test") as database:
        assert database.url == "postgresql://ru%20cio@[::1]:5433/d%2F1"
        file = Path(database.environment["PGPASSFILE"])
        assert file.read_text() == "*:*:*:*:a\\:b\\\\c\n"
        assert file.stat().st_mode & 0o777 == 0o600
        assert "a:b" not in repr(database) + str(dict(database.environment))
    assert not file.exists()


def test_authorities_demand_a_checked_certificate(tmp_path: Path) -> None:
    environment = secret(tmp_path / "s", url="postgresql://u:p@h/d?sslmode=disable\n")
    Path(environment["DATABASE_CA"]).touch()
    with opened(environment, "test") as database:
        assert "sslmode=verify-full&sslrootcert=%2F" in database.url
        assert "disable" not in database.url


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "RUCIO_DATABASE_HOST"),
        ({"url": "\n"}, "url is empty"),
        ({"url": "postgresql://u:a%0Ab@h/d"}, "line break"),
    ],
)
def test_an_incomplete_secret_says_what_is_missing(tmp_path: Path, values: dict[str, str], message: str) -> None:
    with pytest.raises(DatabaseError, match=message), opened(secret(tmp_path / "s", **values), "test"):
        pass


def test_a_complaint_is_the_error_in_one_line() -> None:
    said = 'psql:<stdin>:7: WARNING: x\npsql:<stdin>:8: ERROR:  no table "t"\nDETAIL:  gone\nCONTEXT:  SQL\n'
    assert complaint(said) == 'ERROR: no table "t"; DETAIL: gone'
    assert complaint("") == "it gave no reason"


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text(name)


def test_only_the_oldest_of_the_same_prefix_go(tmp_path: Path) -> None:
    own = [f"scheduled-2026112{day}T030000Z.dump" for day in range(5)] + ["scheduled-20261124T030000Z-2.dump"]
    others = [
        "migration-20261101T000000Z.dump", "scheduled-more-20200101T000000Z.dump", "notes.txt",
        "scheduled-mine.dump", "scheduled-20201332T000000Z.dump", "scheduled-20200101T000000Z.dump.part",
    ]  # fmt: skip
    make(tmp_path, *own, *others)
    assert dumps.rotate(tmp_path, "scheduled", 2) == [own[3], own[2], own[1], own[0]]
    assert {path.name for path in tmp_path.iterdir()} == {own[4], own[5], *others}
    assert [dump.name for dump in dumps.found(tmp_path)][:2] == [own[5], own[4]]


def test_names_of_the_same_second_differ_and_are_utc(tmp_path: Path) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    names = []
    for _ in range(2):
        with (
            dumps.unfinished(tmp_path, "scheduled", there) as one,
            dumps.unfinished(tmp_path, "scheduled", there) as two,
        ):
            two.finish()
            one.finish()
        names += [one.name, two.name]
    stem = "scheduled-20261126T040506Z"
    assert names == [f"{stem}.dump", f"{stem}-1.dump", f"{stem}-2.dump", f"{stem}-3.dump"]
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    assert dumps.found(tmp_path)[0].row() == {"name": names[3], "time": "2026-11-26T04:05:06Z", "size": 0}


def test_what_was_not_finished_goes_unless_it_is_being_written(tmp_path: Path) -> None:
    make(
        tmp_path,
        "scheduled-20261126T030000Z.dump.part",
        "migration-20261126T030000Z.dump.part",
        "scheduled-x.dump.part",
    )
    with dumps.unfinished(tmp_path, "scheduled", NOW) as running:
        assert dumps.sweep(tmp_path, "scheduled") == ["scheduled-20261126T030000Z.dump.part"]
        assert running.path.exists()
        with running.path.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert {path.name for path in tmp_path.iterdir()} == {
        "migration-20261126T030000Z.dump.part",
        "scheduled-x.dump.part",
    }


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (Result(dump_major=17, server_major=17, free=10, database=10), ""),
        (Result(dump_major=17, server_major=13, free=10, database=0), ""),
        (Result(dump_major=17, server_major=18), "pg_dump 17 cannot dump PostgreSQL 18; use an image with"),
        (Result(dump_major=17, server_major=17, free=9, database=10), "9 bytes are free for backups"),
    ],
)
def test_a_dump_is_impossible_by_an_older_program_or_without_space(result: Result, why: str) -> None:
    assert obstacle(result).startswith(why)
    assert bool(obstacle(result)) == bool(why)


@given(st.integers(0, 400), st.text(max_size=9000))
def test_a_result_fits_a_termination_message_and_its_schema(number: int, message: str) -> None:
    rows = tuple(
        dumps.Dump(NOW, n, "scheduled", f"scheduled-20261126T040506Z-{n}.dump", 10**12) for n in range(number, 0, -1)
    )
    text = Result("failed", message, None, rows, 1, 2, 17, 17).text()
    assert len(text.encode()) <= MESSAGE_BYTES
    told = json.loads(text)
    Draft202012Validator(SCHEMA).validate(told)
    if told["backups"]:
        assert told["backups"][0]["name"] == rows[0].name


@pytest.mark.parametrize(
    "words", [["--keep", "0"], ["--keep", "-1"], ["--keep", "1", "--name", "../x"], ["--keep", "1", "--name", "A"]]
)
def test_senseless_words_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--dir", "/nowhere", "--name", "scheduled", *words])


LISTING = """;
; Archive created at 2026-11-26
;
5; 2615 2200 SCHEMA - public pg_database_owner
3520; 0 0 COMMENT - SCHEMA public pg_database_owner
3521; 0 0 ACL - SCHEMA public pg_database_owner
2; 3079 16400 EXTENSION - pg_trgm
215; 1259 16389 TABLE public alembic_version rucio
3522; 0 0 COMMENT public TABLE alembic_version rucio
3500; 0 16389 TABLE DATA public alembic_version rucio
3523; 0 0 ACL public TABLE alembic_version rucio
2060; 826 16500 DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES rucio
3300; 2606 16400 FK CONSTRAINT public t t_fk rucio
"""


def test_a_dump_is_taken_apart_into_objects_and_grants_without_what_is_shared() -> None:
    found = contents(LISTING)
    assert found.schema == "public"
    assert [line.split(";")[0] for line in found.objects] == ["215", "3522", "3500", "3300"]
    assert [line.split(";")[0] for line in found.grants] == ["3523", "2060"]


def test_a_dump_of_something_else_is_refused() -> None:
    with pytest.raises(DatabaseError, match="no dump of a Rucio"):
        contents(LISTING.replace("alembic_version", "customers"))


def test_an_older_server_is_spared_a_setting_and_data_stays_what_it_is() -> None:
    script = [b"SET lock_timeout = 0;\n", NEW_IN_17, b"CREATE TABLE t ();\n", b"COPY t FROM stdin;\n", NEW_IN_17]
    assert list(understood(script, 17)) == script
    assert list(understood(script, 16)) == [script[0], *script[2:]]


def test_a_dump_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    make(tmp_path, "scheduled-20261126T030000Z.dump")
    with pytest.raises(DatabaseError, match=r"there are: scheduled-20261126T030000Z\.dump"):
        chosen(tmp_path, "latest")
    with pytest.raises(DatabaseError, match="there are: none"):
        chosen(tmp_path / "nowhere", "../x")


@pytest.mark.parametrize(("limit", "bytes_"), [(None, 128), (64 * run.MiB, 32), (1024 * run.MiB, 256), (1 << 40, 8192)])
def test_a_quarter_of_the_memory_is_shared_buffers(limit: int | None, bytes_: int) -> None:
    assert run.shared_buffers(limit) == bytes_ * run.MiB


def test_the_memory_limit_of_either_kind_of_control_group(tmp_path: Path) -> None:
    new, old = tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes"
    assert run.memory_limit((new, old)) is None
    old.write_text("9223372036854771712\n")
    assert run.memory_limit((new, old)) is None
    new.write_text("max\n")
    assert run.memory_limit((new,)) is None
    new.write_text("536870912\n")
    assert run.memory_limit((new, old)) == 536870912


def settings(folder: Path, environment: dict[str, str] | None = None, **values: str) -> run.Settings:
    told = secret(folder, **({"username": "rucio", "password": "p", "database": "rucio"} | values))
    return run.from_environment(told | (environment or {}), None)


def test_settings_have_defaults_and_hide_the_password(tmp_path: Path) -> None:
    found = settings(tmp_path / "s", password="geheim\n")
    assert found.password == "geheim"  # noqa: S105
    assert "geheim" not in repr(found)
    assert "max_connections=100" in run.command(found)
    assert "shared_buffers=131072kB" in run.command(found)


@pytest.mark.parametrize(
    ("environment", "values", "message"),
    [
        ({}, {"username": "postgres"}, "PostgreSQL's own"),
        ({}, {"username": "pg_monitor"}, "PostgreSQL's own"),
        ({}, {"database": "template1"}, "PostgreSQL's own"),
        ({}, {"username": "x" * 64}, "at most 63"),
        ({}, {"database": "a\nb"}, "printable"),
        ({}, {"password": "a;\n\nb"}, "cannot be printed"),
        ({}, {"password": ""}, "password is empty"),
        ({"POSTGRES_MAX_CONNECTIONS": "100 -c fsync=off"}, {}, "must be a number"),
        ({"POSTGRES_SHARED_BUFFERS": "1TB"}, {}, "kB, MB or GB"),
    ],
)
def test_what_cannot_be_run_is_refused(
    tmp_path: Path, environment: dict[str, str], values: dict[str, str], message: str
) -> None:
    with pytest.raises(DatabaseError, match=message):
        settings(tmp_path / "s", environment, **values)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"PG_VERSION": "16\n", "base": ""}, "data of PostgreSQL 16, which 17 cannot read"),
        ({"x": ""}, "no data of Postgre"),
    ],
)
def test_a_folder_of_something_else_is_refused_and_not_touched(
    tmp_path: Path, names: dict[str, str], message: str
) -> None:
    for name, content in names.items():
        (tmp_path / name).write_text(content)
    tmp_path.chmod(0o770)
    with pytest.raises(DatabaseError, match=message):
        run.prepare(tmp_path, "17")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == names
    assert tmp_path.stat().st_mode & 0o777 == 0o770


def test_a_folder_of_this_version_is_only_closed_to_its_group(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("17\n")
    tmp_path.chmod(0o2770)
    assert not run.prepare(tmp_path, "17")
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_the_lock_and_the_mark_are_those_of_the_database_tool() -> None:
    folder = build.ROOT / "images/rucio/rucio_database"
    key = re.search(r"^KEY = (\w+)$", (folder / "lock.py").read_text(), re.MULTILINE)
    assert key
    assert int(key[1], 16) == restore_sql.LOCK
    assert f'_PREFIX = "{restore_sql.MARK}"' in (folder / "mark.py").read_text()
    names = "".join(path.read_text() for path in folder.glob("*.py"))
    assert all(f'"{name}"' in names for name in restore_sql.TOOLS if name.startswith("rucio"))
