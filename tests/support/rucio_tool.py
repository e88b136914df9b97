"""Runs rucio-database, of a version of Rucio, as its Job would: against a URL, with a rucio.cfg of its own."""

import base64
import contextlib
import itertools
import json
import os
import signal
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from tests.support import rucio_environments as environments

SCHEMA = json.loads((environments.IMAGE / "database.schema.json").read_text())
OWNER = {"cluster": "7c1b", "namespace": "science", "name": "catalogue"}
"""Of the databases that the tests make."""

Database = Callable[[str], str]
"""Makes a database from a template and returns its name."""

DATA = """
from rucio.common.types import InternalAccount, InternalScope
from rucio.core.did import add_did
from rucio.core.rse import add_rse
from rucio.core.scope import add_scope
from rucio.db.sqla.constants import DIDType
from rucio.db.sqla.session import get_session
root, session = InternalAccount("root"), get_session()()
with session.begin():
    add_scope(InternalScope("user.root"), root, session=session)
    add_rse("DISK", session=session)
    add_did(InternalScope("user.root"), "kept", DIDType.DATASET, root, session=session)
"""
"""Makes a scope, an RSE and a dataset."""


@dataclass(frozen=True)
class Outcome:
    """What a run left behind. `result` is checked against the schema; empty where nothing was said."""

    code: int
    result: dict[str, Any]
    output: str
    log: str

    @property
    def state(self) -> str:
        return str(self.result.get("state"))

    @property
    def message(self) -> str:
        return str(self.result.get("message"))


def decode(text: str) -> dict[str, Any]:
    """The document of a termination message."""
    if text.startswith("z1:"):
        text = zlib.decompress(base64.b64decode(text[3:])).decode()
    found: dict[str, Any] = json.loads(text)
    jsonschema.validate(found, SCHEMA)
    return found


@dataclass(frozen=True)
class Run:
    """A run that goes on."""

    tool: "Tool"
    pid: int
    folder: Path

    def kill(self) -> None:
        """End it as a node that fails does."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Outcome:
        """What it leaves behind when it ends."""
        code = self.tool.ask({"wait": self.pid})
        output, log = (self.folder / "stdout").read_text(), (self.folder / "stderr").read_text()
        told = self.folder / "termination"
        return Outcome(code, decode(told.read_text()) if told.exists() else {}, output, log)


class Tool:
    """The tool with one version of Rucio."""

    def __init__(self, version: str, folder: Path, process: "subprocess.Popen[str]") -> None:
        self.version = version
        self._folder = folder
        self._process = process
        self._numbers = itertools.count()

    def start(self, url: str, *arguments: str, script: str | None = None, folder: Path | None = None) -> Run:
        """Start a verb, or a piece of Python in its place; in a folder that was used before: as a container again."""
        folder = folder or self._folder / str(next(self._numbers))
        folder.mkdir(exist_ok=True)
        job = {
            "arguments": [*arguments, *(("--told", str(folder / "told")) if "--watch" in arguments else ())],
            "environment": environment(folder, url),
            "stdout": str(folder / "stdout"),
            "stderr": str(folder / "stderr"),
        }
        if script is not None:
            job["script"] = script
        return Run(self, self.ask({"run": job}), folder)

    def run(self, url: str, *arguments: str, folder: Path | None = None) -> Outcome:
        """Run a verb to its end."""
        return self.start(url, *arguments, folder=folder).wait()

    def python(self, url: str, script: str) -> str:
        """What a piece of Python prints that uses Rucio."""
        outcome = self.start(url, script=script).wait()
        assert outcome.code == 0, outcome.log
        return outcome.output.strip()

    def ensure(self, url: str, *arguments: str, owner: Mapping[str, str] = OWNER) -> Outcome:
        """The verb ensure for that owner, with bootstrap and this version."""
        return self.run(url, *self.ensuring(*arguments, owner=owner))

    def ensuring(self, *arguments: str, owner: Mapping[str, str] = OWNER) -> tuple[str, ...]:
        """Arguments of `ensure`."""
        return ("ensure", "--bootstrap", "--version", self.version, *owned(owner), *arguments)

    def alone(self, url: str, *arguments: str, schema: str) -> Outcome:
        """A verb in a process of its own: Rucio's models know their schema for as long as they are loaded."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        done = subprocess.run(
            [environments.python(self.version), "-m", "rucio_database", *arguments],
            env=_inherited() | environment(folder, url, schema), capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Outcome(done.returncode, decode((folder / "termination").read_text()), done.stdout, done.stderr)

    def ask(self, question: dict[str, Any]) -> int:
        """What the process that has Rucio answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def secret(folder: Path, username: str, password: str) -> Path:
    """A Secret as kubelet mounts it."""
    folder.mkdir(exist_ok=True)
    (folder / "username").write_text(username)
    (folder / "password").write_text(password)
    return folder


def owned(owner: Mapping[str, str]) -> tuple[str, ...]:
    """Arguments that name an owner."""
    return tuple(part for key, value in owner.items() for part in (f"--{key}", value))


def environment(folder: Path, url: str, schema: str = "") -> dict[str, str]:
    """Variables for a run, and the rucio.cfg that they name."""
    url = url.replace("postgresql://", "postgresql+psycopg://")
    lines = ["[database]", f"default = {url}", *([f"schema = {schema}"] if schema else ()), ""]
    (folder / "rucio.cfg").write_text("\n".join(lines).replace("%", "%%"))
    (folder / "termination").unlink(missing_ok=True)
    return {"RUCIO_CONFIG": str(folder / "rucio.cfg"), "TERMINATION_LOG": str(folder / "termination")}


@contextlib.contextmanager
def running(version: str, folder: Path) -> Iterator[Tool]:
    """The tool with that version; its runs leave their files in the folder."""
    folder.mkdir()
    start = _inherited() | environment(folder, "postgresql://nobody@localhost/none")
    with subprocess.Popen(
        [environments.python(version), Path(__file__).with_name("rucio_tool_driver.py")],
        env=start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield Tool(version, folder, process)
        assert process.stdin is not None
        process.stdin.close()


def _inherited() -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(environments.IMAGE),
        "PYTHONSAFEPATH": "1",
    }
