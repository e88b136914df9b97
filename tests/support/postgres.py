"""A PostgreSQL server of the Debian package, for tests: on a loopback port and a socket, gone at the end."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.cluster import packages

PASSWORD = "p%40s/s:w@rd#1"  # noqa: S105 - all that has a meaning in a URL or in a configuration file
"""Of every role but the superuser."""


@dataclass(frozen=True)
class Server:
    """A running server. `folder`: its socket's, in which the superuser postgres needs no password."""

    binaries: Path
    folder: Path
    port: int

    def url(self, database: str, role: str = "rucio", password: str = PASSWORD, port: int | None = None) -> str:
        """The URL over TCP, with the password as a URL wants it."""
        return f"postgresql://{role}:{quote(password, safe='')}@127.0.0.1:{port or self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What the superuser is answered: rows in lines, columns between bars.

        Raises:
            AssertionError: The statement was refused.
        """
        command = [str(self.binaries / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        done = subprocess.run(
            [*command, "-p", str(self.port), "-U", "postgres", "-d", database, "-c", statement],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextlib.contextmanager
    def holding(self, statement: str, database: str) -> Iterator[None]:
        """Keep a session of the superuser that has run a statement, e.g. one that takes a lock."""
        command = [str(self.binaries / "psql"), "-XAtq", "-h", str(self.folder), "-p", str(self.port), "-U", "postgres"]
        with subprocess.Popen(
            [*command, "-d", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as session:
            assert session.stdin is not None
            assert session.stdout is not None
            session.stdin.write(f"{statement}; SELECT 'held';\n")
            session.stdin.flush()
            while "held" not in (line := session.stdout.readline()):
                assert line, "the session has ended"
            yield
            session.stdin.close()

    def wait(self, condition: str, database: str = "postgres", seconds: float = 60) -> str:
        """Wait until a query has an answer that is not empty, and return it."""
        until = time.monotonic() + seconds
        while not (answer := self.sql(condition, database)):
            assert time.monotonic() < until, condition
            time.sleep(0.05)
        return answer

    def role(self, name: str, password: str = PASSWORD) -> None:
        """Make a role that may log in."""
        self.sql(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}'")

    def database(self, name: str, *, owner: str = "rucio", template: str = "template0", options: str = "") -> str:
        """Make a database, and return its name. Options: e.g. ENCODING."""
        self.sql(f'CREATE DATABASE "{name}" OWNER "{owner}" TEMPLATE "{template}" {options}')
        return name


@contextlib.contextmanager
def running(settings: tuple[str, ...] = ()) -> Iterator[Server]:
    """A new server with the role `rucio`. Settings: as `max_connections=50`, added to those that make it fast."""
    binaries = find()
    with tempfile.TemporaryDirectory(prefix="postgres-", dir="/tmp") as name:
        folder = Path(name)
        user = unprivileged(folder)
        data = folder / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
             "--auth-local=trust", "--auth-host=scram-sha-256"],
            check=True, stdout=subprocess.DEVNULL, **user,
        )  # fmt: skip
        port = free_port()
        chosen = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=127.0.0.1",
                  f"port={port}", f"unix_socket_directories={folder}", *settings)  # fmt: skip
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", data, *(part for value in chosen for part in ("-c", value))],
                stdout=log, stderr=log, **user,
            )  # fmt: skip
        try:
            _wait(binaries, folder, port, process)
            server = Server(binaries, folder, port)
            server.role("rucio")
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def find() -> Path:
    """The folder of the newest server that is installed; it is installed when it is missing and we are root."""
    packages.ensure(packages.DATABASES)
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))


def free_port() -> int:
    """A port on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unprivileged(folder: Path) -> dict[str, Any]:
    """Arguments for subprocess, as PostgreSQL and pgbouncer refuse to run as root; the folder becomes that user's."""
    folder.chmod(0o755)
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "postgres", "postgres")
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _is_ready(binaries: Path, folder: Path, port: int) -> bool:
    command = [
        str(binaries / "pg_isready"),
        "-q",
        "-h",
        str(folder),
        "-p",
        str(port),
        "-U",
        "postgres",
        "-d",
        "postgres",
    ]
    return subprocess.run(command, check=False).returncode == 0


def _wait(binaries: Path, folder: Path, port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while not _is_ready(binaries, folder, port):
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < until, (folder / "log").read_text()
        time.sleep(0.05)


@contextlib.contextmanager
def pooling(server: Server, *settings: str) -> Iterator[int]:
    """A pgbouncer before the server; its port. Settings: lines as `pool_mode = transaction`."""
    packages.ensure(packages.DATABASES)
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="pgbouncer-", dir="/tmp") as name:
        folder = Path(name)
        port = free_port()
        (folder / "users").write_text(f'"rucio" "{PASSWORD}"\n')
        lines = [
            "[databases]", f"* = host=127.0.0.1 port={server.port}",
            "[pgbouncer]", "listen_addr = 127.0.0.1", f"listen_port = {port}", "unix_socket_dir =",
            "auth_type = scram-sha-256", f"auth_file = {folder}/users", "max_client_conn = 100",
            *settings, "",
        ]  # fmt: skip
        (folder / "pgbouncer.ini").write_text("\n".join(lines))
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [program, folder / "pgbouncer.ini"], stdout=log, stderr=log, **unprivileged(folder)
            )
        try:
            _wait_for_port(port, process, folder / "log")
            yield port
        finally:
            process.kill()
            process.wait()


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)
