"""`postgres-restore --dir FOLDER --file NAME [--create-into-empty | --replace]`: puts a dump back into a database.

Everything happens in one transaction: afterwards the schema holds exactly what was dumped, or what it held before.
The mark of the owner, if the dump holds one, is told that it was restored, which keeps daemons that delete or move
files from starting until somebody approves. Refused while anybody else is connected, and for a schema that is not
empty unless `--replace` is said. Environment: see `connection.opened`, and `TERMINATION_LOG`.
"""

import argparse
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from postgres_tools import dumps
from postgres_tools.connection import Database, DatabaseError, complaint, opened, output
from postgres_tools.outcome import leave_when_told, tell
from postgres_tools.restore_sql import facts, finish, prologue

_ENTRY = re.compile(r"\d+; \d+ \d+ (?P<kind>DEFAULT ACL|[A-Z][A-Z ]*?) (?P<schema>\S+) (?P<name>.+)")
"""A line of a dump's contents; kinds are written in capital letters, and schemas hold no spaces."""

_SHARED = {"SCHEMA", "EXTENSION"}
_GRANTS = {"ACL", "DEFAULT ACL"}

NEW_IN_17 = b"SET transaction_timeout = 0;\n"
"""Older servers do not know it; it is in the first lines of what pg_restore 17 writes."""


CONNECTION_LOST = 2
"""psql's exit code."""


@dataclass(frozen=True)
class Contents:
    """What a dump holds, as lines that pg_restore takes: what makes the schema's objects, and who may use them."""

    schema: str
    objects: tuple[str, ...]
    grants: tuple[str, ...]


def contents(listing: str) -> Contents:
    """Read a dump's list of contents. The schema itself and extensions are not the dump's to make.

    Raises:
        DatabaseError: when it is no dump of a Rucio.
    """
    entries = [(line, found) for line in listing.splitlines() if (found := _ENTRY.fullmatch(line))]
    schema = next(
        (e["schema"] for _, e in entries if e["kind"] == "TABLE" and e["name"].startswith("alembic_version ")), ""
    )
    if not schema:
        raise DatabaseError("it does not hold the table alembic_version, and is no dump of a Rucio")
    kept = [(line, e) for line, e in entries if e["kind"] not in _SHARED and not _of_shared(e)]
    return Contents(
        schema,
        tuple(line for line, e in kept if e["kind"] not in _GRANTS),
        tuple(line for line, e in kept if e["kind"] in _GRANTS),
    )


def _of_shared(entry: re.Match[str]) -> bool:
    """Whether it is a comment on, or a grant of, something shared: `COMMENT - SCHEMA public`."""
    return entry["schema"] == "-" and entry["name"].split()[0] in _SHARED


def restore(database: Database, path: Path, *, replace: bool, despite_sessions: bool) -> str:
    """Put a dump back.

    Returns:
        What was done, in one line.

    Raises:
        DatabaseError: when it was refused or failed; the database is what it was.
    """
    try:
        dump = contents(output(["pg_restore", "--list", str(path)]))
    except DatabaseError as error:
        raise DatabaseError(f"{path.name} cannot be read: {error}") from None
    state = facts(database)
    if dump.schema != state.schema:
        raise DatabaseError(f"the dump is of schema {dump.schema}, and the database's is {state.schema}")
    if state.encoding != "UTF8":
        raise DatabaseError(f"the database has the encoding {state.encoding}; make one with UTF8")
    if state.relations and not replace:
        raise DatabaseError(
            f"schema {state.schema} of database {state.database} holds {state.relations} tables or views; "
            "--replace drops them first"
        )
    if state.sessions and not despite_sessions:
        raise DatabaseError(
            f"others are connected: {state.sessions}; stop them first (servers and daemons to 0 replicas), "
            "or say --despite-sessions if they are not Rucio's"
        )
    _run(database, path, dump, prologue(state.schema, check_sessions=not despite_sessions), state.major)
    return f"restored {path.name} into schema {state.schema} of database {state.database}"


def _run(database: Database, path: Path, dump: Contents, first: str, major: int) -> None:
    """Hand one script to psql. Without its last word, COMMIT, nothing has happened."""
    words = ["--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1"]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603
            database.command("psql", *words), env=dict(database.environment), stdin=subprocess.PIPE, stderr=errors
        )
        assert process.stdin  # noqa: S101
        try:
            with process.stdin as script:
                script.write(first.encode())
                _copy(path, dump.objects, ("--no-privileges",), script, major)
                if dump.grants:  # to roles that may not be here: each is tried
                    script.write(b"\n\\set ON_ERROR_ROLLBACK on\n\\set ON_ERROR_STOP off\n")
                    _copy(path, dump.grants, (), script, major)
                    script.write(b"\n\\set ON_ERROR_ROLLBACK off\n\\set ON_ERROR_STOP on\n")
                script.write(finish(dump.schema, datetime.now(UTC), secrets.token_hex(8)).encode())
        except BrokenPipeError:
            pass  # it says itself what was wrong
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace")
    if process.returncode == CONNECTION_LOST:
        raise DatabaseError(f"{complaint(said)}; it may have been restored: look, or run this again with --replace")
    if process.returncode:
        raise DatabaseError(f"{complaint(said)}; the database is what it was")
    sys.stderr.write(said)


def _copy(path: Path, lines: Iterable[str], words: Iterable[str], script: IO[bytes], major: int) -> None:
    """Write the statements that make a part of a dump."""
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write("".join(f"{line}\n" for line in lines))
        chosen.flush()
        command = ["pg_restore", "--file=-", "--no-owner", *words, f"--use-list={chosen.name}", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as source:  # noqa: S603
            assert source.stdout  # noqa: S101
            assert source.stderr  # noqa: S101
            try:
                script.writelines(understood(source.stdout, major))
            except BaseException:
                source.kill()
                raise
            said = source.stderr.read().decode(errors="replace")
        if source.returncode:
            raise DatabaseError(f"{path.name} cannot be read: {complaint(said)}; the database is what it was")


def understood(lines: Iterable[bytes], major: int) -> Iterator[bytes]:
    """The lines of a script without what a server of this version does not know; data is never touched."""
    head = True
    for line in lines:
        head = head and not line.startswith((b"CREATE", b"COPY"))
        if not (head and major < 17 and line == NEW_IN_17):
            yield line


def chosen(folder: Path, name: str) -> Path:
    """The dump of a name in a folder.

    Raises:
        DatabaseError: when it is not there, with those that are.
    """
    path = folder / name
    if "/" in name or not path.is_file():
        there = ", ".join(dump.name for dump in dumps.found(folder)) if folder.is_dir() else ""
        raise DatabaseError(f"{name} is not in {folder}; there are: {there or 'none'}")
    return path


def main(words: Sequence[str] | None = None) -> int:
    """Restore a dump; the outcome is one line, also in the container's termination message."""
    parser = argparse.ArgumentParser(prog="postgres-restore", description="Put a dump back into a database.")
    parser.add_argument("--dir", type=Path, required=True, help="folder of the dumps")
    parser.add_argument("--file", required=True, help="name of the dump")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--create-into-empty", action="store_true", help="refuse a schema that is not empty (default)")
    target.add_argument("--replace", action="store_true", help="drop what the schema holds first")
    parser.add_argument("--despite-sessions", action="store_true", help="although others are connected")
    given: Any = parser.parse_args(words)
    leave_when_told()
    try:
        path = chosen(given.dir, given.file)
        with opened(os.environ, "postgres-restore") as database:
            line, code = restore(database, path, replace=given.replace, despite_sessions=given.despite_sessions), 0
    except (DatabaseError, OSError) as error:
        line, code = str(error), 1
    sys.stderr.write(f"postgres-restore: {line}\n")
    tell(f"{line}\n", os.environ)
    return code


if __name__ == "__main__":
    sys.exit(main())
