"""Fixtures of the images' own tests, in one file: a type checker would take several of the name for one module."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support import rucio_tool as tools
from tests.support.postgres import Server
from tests.support.rucio_tool import DATA, Database, Tool, secret
from xcache_exporter.record import Record
from xcache_recorded import Clock

# --- xcache


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def record(clock: Clock) -> Record:
    return Record(clock)


# --- rucio


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL with the role rucio."""
    with postgres.running(("max_connections=60",)) as running:
        yield running


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def tool(runs: Path) -> Iterator[Tool]:
    """The tool with Rucio 41.5.1."""
    with tools.running("41.5.1", runs / "new") as running:
        yield running


@pytest.fixture(scope="session")
def old_tool(runs: Path) -> Iterator[Tool]:
    """The tool with Rucio 38.6.4."""
    with tools.running("38.6.4", runs / "old") as running:
        yield running


@pytest.fixture(scope="session")
def root_secret(runs: Path) -> Path:
    """The mounted Secret of the account root."""
    return secret(runs / "root", "root", "first %@:/ password")


@pytest.fixture(scope="session")
def filled(server: Server, tool: Tool, root_secret: Path) -> str:
    """Name of a template: a database of 41.5.1, bootstrapped by the tool for tool.OWNER."""
    return _filled(server, tool, root_secret)


@pytest.fixture(scope="session")
def old(server: Server, old_tool: Tool, root_secret: Path) -> str:
    """Name of a template: the same of 38.6.4, with data."""
    name = _filled(server, old_tool, root_secret)
    old_tool.python(server.url(name), DATA)
    return name


@pytest.fixture(scope="session")
def database(server: Server) -> Database:
    """Makes a database of its own for a test."""
    numbers = itertools.count()

    def make(template: str = "template0") -> str:
        return server.database(f"db{next(numbers)}", template=template)

    return make


def _filled(server: Server, tool: Tool, root_secret: Path) -> str:
    name = server.database(f"template-{tool.version}")
    outcome = tool.ensure(server.url(name), "--root-secret", str(root_secret))
    assert (outcome.code, outcome.state) == (0, "current"), outcome
    return name
