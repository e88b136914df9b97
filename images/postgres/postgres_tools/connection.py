"""How to reach a database: the address that programs are given, and the password that only they can read.

A folder holds either `url`, or `username`, `password` and `database` of a server named by `RUCIO_DATABASE_HOST`.
Passwords travel in a file that libpq reads; neither arguments nor environments hold them.
"""

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

SECRETS = "/run/secrets/database"
AUTHORITIES = "/run/secrets/database-ca/ca.crt"

CONNECT_SECONDS = 10
"""A database that does not answer so long is unreachable."""

_URL = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+]*)://"
    r"(?:(?P<user>[^:]*?)(?::(?P<password>.*))?@)?"
    r"(?P<hosts>(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]/?#@:,\s]*)(?::\d+)?(?:,(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]/?#@:,\s]*)(?::\d+)?)*)"
    r"(?:/(?P<database>[^/?#@]*))?(?:\?(?P<query>[^#@]*))?",
    re.DOTALL,
)
"""As `rucio_config.url` reads it, so that both images take the same Secret: the last `@` ends the password. Ended by an
earlier one, its rest would be the host's name, which stands in arguments and messages."""

_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*", re.DOTALL)

_NOT_LIBPQ = {"prepare_threshold", "autocommit"}
"""Parameters of psycopg, which Rucio's URL may hold."""


class DatabaseError(Exception):
    """The database cannot be used like this; the message says what to mend."""


@dataclass(frozen=True)
class Database:
    """A database and how to reach it.

    Attributes:
        url: for libpq, without a password.
        schema: that holds Rucio's tables; empty for the user's default.
        environment: of programs that connect.
    """

    url: str
    schema: str
    environment: Mapping[str, str] = field(repr=False)

    def command(self, program: str, *words: str) -> list[str]:
        """The words that start a program of PostgreSQL which connects there."""
        return [program, f"--dbname={self.url}", "--no-password", *words]

    def ask(self, question: str) -> list[str]:
        """The one row that a question gives, in the order of its columns; null is empty.

        Raises:
            DatabaseError: when it cannot be asked.
        """
        words = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\x1f"]
        command = self.command("psql", *words, "--set=ON_ERROR_STOP=1")
        done = subprocess.run(  # noqa: S603
            command, input=question, env=dict(self.environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DatabaseError(complaint(done.stderr))
        return done.stdout.rstrip("\n").split("\x1f")


@contextlib.contextmanager
def opened(environment: Mapping[str, str], program: str) -> Iterator[Database]:
    """Give the database that a container was told of; what holds its password is removed at the end.

    Args:
        environment: of the container: `RUCIO_DATABASE_HOST`, `RUCIO_DATABASE_SCHEMA`, `DATABASE_SECRET` and
            `DATABASE_CA` (the folder and the file above by default).
        program: the name that the server sees.

    Raises:
        DatabaseError: when the folder does not hold what is needed.
    """
    url, password = parse(_url(environment))
    authorities = Path(environment.get("DATABASE_CA") or AUTHORITIES)
    if authorities.exists():
        url = _with(url, {"sslmode": "verify-full", "sslrootcert": str(authorities)})
    with tempfile.TemporaryDirectory(prefix="database-") as folder:
        path = Path(folder, "password")
        path.touch(mode=0o600)
        path.write_text(f"*:*:*:*:{_escaped(password)}\n" if password else "")
        yield Database(
            url,
            environment.get("RUCIO_DATABASE_SCHEMA", ""),
            {
                "PATH": environment.get("PATH", os.defpath),
                "HOME": folder,
                "LC_ALL": "C.UTF-8",
                "PGPASSFILE": str(path),
                "PGAPPNAME": program,
                "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS),
            },
        )


def parse(url: str) -> tuple[str, str]:
    """Take the password out of a URL.

    Returns:
        The URL for libpq, every part of it encoded as it must be, and the password.

    Raises:
        DatabaseError: when it is none of PostgreSQL.
    """
    found = _URL.fullmatch(url)
    if not found or found["scheme"].partition("+")[0] not in {"postgresql", "postgres"}:
        raise DatabaseError("the URL of the database must read postgresql://user:password@host:5432/database")
    password = _decoded(found["password"] or "")
    query = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
    password = query.pop("password", password)
    if "\n" in password:
        raise DatabaseError("the password of the database holds a line break")
    user = quote(_decoded(found["user"]), safe="") + "@" if found["user"] else ""
    database = quote(unquote(found["database"] or ""), safe="")
    target = f"postgresql://{user}{found['hosts']}/{database}"
    return _with(target, {name: value for name, value in query.items() if name not in _NOT_LIBPQ}), password


def _decoded(text: str) -> str:
    return unquote(text) if _ENCODED.fullmatch(text) else text


def read(folder: Path, name: str) -> str:
    """A value of a mounted Secret; a line break at its end is an editor's.

    Raises:
        DatabaseError: when it is not there, or empty.
    """
    try:
        value = (folder / name).read_text().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise DatabaseError(f"the Secret of the database: {name}: {error}") from None
    if not value or "\0" in value:
        raise DatabaseError(f"the Secret of the database: {name} is empty, or no text")
    return value


def complaint(output: str) -> str:
    """What a program of PostgreSQL says is wrong, in one line."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    first = next((n for n, line in enumerate(lines) if "ERROR:" in line or "FATAL:" in line or "error:" in line), 0)
    text = "; ".join(line for line in lines[first : first + 4] if line and not line.startswith(("CONTEXT", "HINT")))
    return re.sub(r"^(psql|pg_dump|pg_restore):(<stdin>:\d+:)? (error: )?", "", text)[:1000] or "it gave no reason"


def output(words: Sequence[str]) -> str:
    """What a program prints that connects nowhere.

    Raises:
        DatabaseError: when it fails.
    """
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DatabaseError(complaint(done.stderr))
    return done.stdout


def _url(environment: Mapping[str, str]) -> str:
    folder = Path(environment.get("DATABASE_SECRET") or SECRETS)
    if (folder / "url").exists():
        return read(folder, "url").strip()
    host = environment.get("RUCIO_DATABASE_HOST")
    if not host:
        raise DatabaseError("neither a URL of the database is there nor the environment variable RUCIO_DATABASE_HOST")
    user, password, database = (quote(read(folder, name), safe="") for name in ("username", "password", "database"))
    return f"postgresql://{user}:{password}@{host}/{database}"


def _with(url: str, parameters: Mapping[str, str]) -> str:
    base, _, query = url.partition("?")
    merged = dict(parse_qsl(query, keep_blank_values=True)) | dict(parameters)
    return f"{base}?{urlencode(merged, quote_via=quote, safe='')}" if merged else base


def _escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace(":", "\\:")
