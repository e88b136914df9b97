"""`postgres-run`: makes the database's folder, role and database where they are not there yet, then becomes the server.

Role, password and ownership are set anew at each start, without a server: nothing can connect before they are right.
Environment: `POSTGRES_DATA` (`/data/pgdata`), `POSTGRES_SOCKETS` (`/tmp`), `POSTGRES_MAX_CONNECTIONS` (100),
`POSTGRES_SHARED_BUFFERS` (a quarter of the container's memory), `DATABASE_SECRET` (`/run/secrets/database`, a folder
with `username`, `password` and `database`), `TERMINATION_LOG`.
"""

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from postgres_tools.connection import SECRETS, DatabaseError, output, read
from postgres_tools.outcome import leave_when_told, tell
from postgres_tools.quoting import identifier, literal

SUPERUSER = "postgres"
"""Has no password: it is reached by the local socket alone, as the pod's user."""

RULES = "/etc/postgresql/pg_hba.conf"
MEMORY = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""The container's limit, under both versions of control groups."""

MiB = 1024 * 1024
BUFFERS = (32 * MiB, 128 * MiB, 8192 * MiB)
"""Of shared buffers: the least, those without a limit of memory, and the most."""


@dataclass(frozen=True)
class Settings:
    """What to run."""

    data: Path
    sockets: str
    max_connections: int
    shared_buffers: str
    user: str
    password: str = field(repr=False)
    database: str


def from_environment(environment: Mapping[str, str], limit: int | None) -> Settings:
    """Read the settings.

    Args:
        environment: of the container.
        limit: its memory in bytes, None without one.

    Raises:
        DatabaseError: when something is absent or malformed.
    """
    folder = Path(environment.get("DATABASE_SECRET") or SECRETS)
    user, password, database = (read(folder, name) for name in ("username", "password", "database"))
    if user == SUPERUSER or user.startswith("pg_"):
        raise DatabaseError(f"the Secret of the database: the username {user!r} is PostgreSQL's own")
    if database in {"postgres", "template0", "template1"}:
        raise DatabaseError(f"the Secret of the database: the database {database!r} is PostgreSQL's own")
    for name, value in {"username": user, "database": database}.items():
        if len(value.encode()) > 63 or not value.isprintable():
            raise DatabaseError(f"the Secret of the database: {name} must have at most 63 printable characters")
    if not password.isprintable():
        raise DatabaseError("the Secret of the database: the password holds characters that cannot be printed")
    connections = environment.get("POSTGRES_MAX_CONNECTIONS") or "100"
    buffers = environment.get("POSTGRES_SHARED_BUFFERS") or f"{shared_buffers(limit) // 1024}kB"
    if not re.fullmatch(r"[1-9]\d{0,5}", connections) or not re.fullmatch(r"\d{1,9}(kB|MB|GB)?", buffers):
        raise DatabaseError("POSTGRES_MAX_CONNECTIONS must be a number, POSTGRES_SHARED_BUFFERS one with kB, MB or GB")
    data = Path(environment.get("POSTGRES_DATA") or "/data/pgdata")
    sockets = environment.get("POSTGRES_SOCKETS") or "/tmp"  # noqa: S108 - the pod's own
    return Settings(data, sockets, int(connections), buffers, user, password, database)


def shared_buffers(limit: int | None) -> int:
    """Bytes of shared buffers for a container with this much memory."""
    least, usual, most = BUFFERS
    return usual if limit is None else max(least, min(limit // 4, most))


def memory_limit(files: Iterable[Path] = MEMORY) -> int | None:
    """The container's memory in bytes; None without a limit."""
    for path in files:
        with contextlib.suppress(OSError, ValueError):
            limit = int(path.read_text())
            return limit if limit < 1 << 60 else None  # the older kind writes a huge number for none
    return None


def server_major() -> str:
    """Of the programs here, e.g. `17`."""
    found = re.search(r"\d+", output(["postgres", "--version"]))
    return found[0] if found else ""


def prepare(data: Path, major: str) -> bool:
    """Make sure that a database cluster is there; one that is there is not touched.

    It is made beside and renamed, so that a start that is killed leaves nothing that looks like one.

    Returns:
        Whether it was made.

    Raises:
        DatabaseError: when what is there is none of this version.
    """
    if data.is_dir() and any(data.iterdir()):
        version = data / "PG_VERSION"
        there = version.read_text().strip() if version.is_file() else ""
        if there != major:
            what = f"data of PostgreSQL {there}, which {major} cannot read" if there else "no data of PostgreSQL"
            mend = f"run the image of PostgreSQL {there}" if there else "empty it, or mount the right volume"
            raise DatabaseError(f"{data} holds {what}; nothing was touched; {mend}")
        data.chmod(0o700)  # Kubernetes gives a volume's files to its group, and PostgreSQL refuses such a folder
        return False
    new = data.with_name(f"{data.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    words = [
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--auth-local=peer",
        "--auth-host=scram-sha-256",
        "--data-checksums",
    ]
    try:
        output(["initdb", f"--pgdata={new}", f"--username={SUPERUSER}", "--no-instructions", *words])
        new.rename(data)
        _sync(data.parent)
    except (OSError, DatabaseError) as error:
        raise DatabaseError(
            f"{data} cannot be made by user {os.getuid()}, group {os.getgid()}: {error}; its volume must be writable "
            "for this group (fsGroup), and not full"
        ) from None
    return True


def establish(settings: Settings) -> None:
    """Make role and database what the Secret says. The server does not run.

    Raises:
        DatabaseError: when PostgreSQL refuses.
    """
    user, password, database = identifier(settings.user), literal(settings.password), literal(settings.database)
    said = _alone(
        settings,
        "postgres",
        _block(f"CREATE ROLE {user}", f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(settings.user)})"),
        f"ALTER ROLE {user} LOGIN NOSUPERUSER PASSWORD {password}",
        f"SELECT 'there' AS database FROM pg_database WHERE datname = {database}",  # noqa: S608 - quoted above
    )
    if 'database = "there"' not in said:
        words = f"CREATE DATABASE {identifier(settings.database)} OWNER {user} ENCODING 'UTF8' TEMPLATE template0"
        _alone(settings, "postgres", words)
    _alone(
        settings,
        settings.database,
        f"ALTER DATABASE {identifier(settings.database)} OWNER TO {user}",
        _block(f"ALTER SCHEMA public OWNER TO {user}", "EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public')"),
    )


def _alone(settings: Settings, database: str, *statements: str) -> str:
    """Run statements as the superuser in a process that nobody can connect to; gives its answers.

    What fails is not logged with its statement, which may hold the password.
    """
    options = {
        "exit_on_error": "on",
        "log_min_error_statement": "panic",
        "standard_conforming_strings": "on",
        "log_checkpoints": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    words = ["postgres", "--single", "-j", "-D", str(settings.data), *_options(options), database]
    with subprocess.Popen(words, stdin=-1, stdout=-1, stderr=-1) as process:  # noqa: S603
        try:
            answer, log = process.communicate("".join(f"{text};\n\n" for text in statements).encode())
        except BaseException:
            process.terminate()
            raise
    sys.stderr.write(log.decode(errors="replace"))
    if process.returncode:
        lines = [line for line in log.decode(errors="replace").splitlines() if re.search("ERROR|FATAL|PANIC", line)]
        raise DatabaseError(f"PostgreSQL refused to set up role and database: {' '.join(lines)[:1000]}")
    return answer.decode(errors="replace")


def command(settings: Settings) -> list[str]:
    """The server's words. SIGTERM becomes SIGINT: it ends sessions at once instead of waiting for pools of them."""
    options = {
        "listen_addresses": "*",
        "unix_socket_directories": settings.sockets,
        "hba_file": RULES,
        "max_connections": str(settings.max_connections),
        "shared_buffers": settings.shared_buffers,
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "logging_collector": "off",
        "jit": "off",
        # The /dev/shm of a container has 64 MB, which parallel queries exceed.
        "max_parallel_workers_per_gather": "0",
        "max_parallel_maintenance_workers": "0",
    }
    return [
        "dumb-init",
        "--single-child",
        "--rewrite",
        "15:2",
        "postgres",
        "-D",
        str(settings.data),
        *_options(options),
    ]


def _options(options: Mapping[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]


def _block(statement: str, condition: str) -> str:
    tag = f"$t{secrets.token_hex(8)}$"  # in no name that anybody could have chosen
    return f"DO {tag} BEGIN IF {condition} THEN {statement}; END IF; END {tag}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main() -> int:
    """Prepare, then become the server; a failure is one line, also in the container's termination message."""
    leave_when_told()
    try:
        settings = from_environment(os.environ, memory_limit())
        if prepare(settings.data, server_major()):
            sys.stderr.write(f"postgres-run: made {settings.data}\n")
        establish(settings)
        words = command(settings)
        os.execvp(words[0], words)  # noqa: S606
    except (DatabaseError, OSError) as error:
        sys.stderr.write(f"postgres-run: {error}\n")
        tell(f"{error}\n", os.environ)
    return 1


if __name__ == "__main__":
    sys.exit(main())
