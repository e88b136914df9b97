"""`postgres-backup --dir FOLDER --name PREFIX --keep N [--check]`: dumps a database, and removes the oldest dumps.

One line of JSON (`backup.schema.json`) says what became of it, also in the container's termination message; exit code
0 when it was done. With `--check` nothing lasting is written: it says whether a dump could be made.
Environment: see `connection.opened`, and `TERMINATION_LOG`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from postgres_tools import dumps
from postgres_tools.connection import Database, DatabaseError, complaint, opened, output
from postgres_tools.outcome import leave_when_told, tell
from postgres_tools.quoting import identifier, literal

MESSAGE_BYTES = 4000
"""The kubelet keeps 4,096 bytes of a termination message."""

MOST_ROWS = 50
"""More never fit."""

LOCK_WAIT = "300s"
"""How long a dump waits for somebody who changes the schema."""


@dataclass(frozen=True)
class Result:
    """What became of it; fields that could not be found out are None."""

    state: str = "failed"
    """`done`, `impossible` (as things are) or `failed` (it was tried)."""

    message: str = ""
    """One line for people, with the mend; empty when all is well."""

    file: str | None = None
    backups: tuple[dumps.Dump, ...] = ()
    free: int | None = None
    database: int | None = None
    dump_major: int | None = None
    server_major: int | None = None

    def text(self) -> str:
        """As JSON, with as many of the newest backups as a termination message holds."""
        rows = [dump.row() for dump in self.backups[:MOST_ROWS]]
        message = self.message
        while True:
            text = json.dumps(
                {
                    "version": 1,
                    "state": self.state,
                    "message": message,
                    "file": self.file,
                    "backups": rows,
                    "freeBytes": self.free,
                    "databaseBytes": self.database,
                    "dumpMajor": self.dump_major,
                    "serverMajor": self.server_major,
                }
            )
            if len(text) <= MESSAGE_BYTES:
                return text
            if rows:
                rows.pop()
            else:
                message = message[: len(message) // 2]


def obstacle(result: Result) -> str:
    """Why a dump cannot be made, by what is known; empty when nothing is in its way."""
    dump, server, free, size = result.dump_major, result.server_major, result.free, result.database
    if dump is not None and server is not None and dump < server:
        return (
            f"pg_dump {dump} cannot dump PostgreSQL {server}; "
            f"use an image with PostgreSQL {server} or newer, or make backups of your own"
        )
    if free is not None and size is not None and free < size:
        return f"{free} bytes are free for backups and the database has {size}; enlarge the claim, or keep fewer"
    return ""


def check(database: Database, folder: Path) -> Result:
    """Find out whether a dump can be made.

    Raises:
        DatabaseError: when the database or the folder cannot be used.
    """
    result, _ = _facts(database, folder)
    why = obstacle(result)
    return replace(result, state="impossible" if why else "done", message=why)


def backup(database: Database, folder: Path, prefix: str, keep: int, now: datetime) -> Result:
    """Make a dump, then remove the oldest of the same prefix.

    Raises:
        DatabaseError: when the database or the folder cannot be used.
        OSError: when the folder fails midway.
    """
    result, schema = _facts(database, folder)
    why = obstacle(replace(result, free=None))  # a dump is mostly far smaller than its database: it is tried
    if why:
        return replace(result, state="impossible", message=why)
    dumps.sweep(folder, prefix)
    with dumps.unfinished(folder, prefix, now) as target:
        why = _dump(database, schema, target)
        if not why:
            target.finish()
    if not why:
        dumps.rotate(folder, prefix, keep)
    result = replace(result, backups=tuple(dumps.found(folder)), free=_free(folder))
    return replace(result, message=f"pg_dump: {why}") if why else replace(result, state="done", file=target.name)


def _dump(database: Database, schema: str, target: dumps.Unfinished) -> str:
    """Write the dump; gives what is wrong."""
    words = ["--format=custom", "--compress=zstd", f"--schema={identifier(schema)}", f"--lock-wait-timeout={LOCK_WAIT}"]
    with subprocess.Popen(  # noqa: S603
        # By its path: to standard output, pg_dump cannot write down where each table's data begins.
        database.command("pg_dump", *words, f"--file={target.path}"),
        env=dict(database.environment),
        stderr=subprocess.PIPE,
        pass_fds=(target.fileno(),),
    ) as process:
        try:
            said = process.communicate()[1].decode(errors="replace")
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        return complaint(said)
    try:
        output(["pg_restore", f"--file={os.devnull}", str(target.path)])
    except DatabaseError as error:
        return f"what it wrote cannot be read: {error}"
    return ""


def _facts(database: Database, folder: Path) -> tuple[Result, str]:
    """What is known before, and the schema to dump."""
    trial = folder / f".trial-{uuid.uuid4().hex}"
    try:
        trial.touch()
        trial.unlink()
        result = Result(backups=tuple(dumps.found(folder)), free=_free(folder), dump_major=_dump_major())
    except OSError as error:
        raise DatabaseError(
            f"folder of backups {folder} cannot be written by user {os.getuid()}, group {os.getgid()}: "
            f"{error.strerror}; its volume must be writable for this group (fsGroup), and not full"
        ) from None
    wanted = f"coalesce(nullif({literal(database.schema)}, ''), current_schema())"
    major, size, schema = database.ask(
        "SELECT current_setting('server_version_num')::int / 10000, pg_database_size(current_database()), "  # noqa: S608 - quoted
        f"(SELECT nspname FROM pg_namespace WHERE nspname = {wanted});"
    )
    if not schema:
        raise DatabaseError(
            f"the database has no schema {database.schema!r}" if database.schema else "no schema at all"
        )
    return replace(result, server_major=int(major), database=int(size)), schema


def _dump_major() -> int | None:
    version = re.search(r"\d+", output(["pg_dump", "--version"]))
    return int(version[0]) if version else None


def _free(folder: Path) -> int:
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize


def main(words: Sequence[str] | None = None) -> int:
    """Make a backup."""
    parser = argparse.ArgumentParser(prog="postgres-backup", description="Dump a database.")
    parser.add_argument("--dir", type=Path, required=True, help="folder of the dumps")
    parser.add_argument("--name", required=True, help="what names of dumps begin with, e.g. scheduled")
    parser.add_argument("--keep", type=int, required=True, help="dumps of this name that are kept")
    parser.add_argument("--check", action="store_true", help="say whether a dump could be made; make none")
    given: Any = parser.parse_args(words)
    if not dumps.PREFIX.fullmatch(given.name) or given.keep < 1:
        parser.error("--name must be lower-case letters, digits and '-'; --keep must be at least 1")
    leave_when_told()
    try:
        with opened(os.environ, "postgres-backup") as database:
            if given.check:
                result = check(database, given.dir)
            else:
                result = backup(database, given.dir, given.name, given.keep, datetime.now(UTC))
    except DatabaseError as error:
        result = Result("impossible", str(error))
    except OSError as error:
        result = Result("failed", f"folder of backups: {error.strerror}: {error.filename}")
    sys.stdout.write(f"{result.text()}\n")
    tell(result.text(), os.environ)
    return 0 if result.state == "done" else 1


if __name__ == "__main__":
    sys.exit(main())
