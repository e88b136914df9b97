"""The REST server as the image runs it, before a real PostgreSQL."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support import line, rucio_server
from tests.support.postgres import Server, free_port
from tests.support.rucio_server import Rest, until
from tests.support.rucio_tool import DATA, Database, Tool

PASSWORD = "first %@:/ password"  # noqa: S105 - of the Secret in conftest.py
READS = 1200
RULES = f"""
from rucio.common.types import InternalAccount, InternalScope
from rucio.common.utils import generate_uuid
from rucio.db.sqla import models
from rucio.db.sqla.constants import DIDType, RuleGrouping, RuleState
from rucio.db.sqla.session import get_session
from sqlalchemy import insert
session = get_session()()
with session.begin():
    session.execute(insert(models.ReplicationRule), [dict(
        id=generate_uuid(), account=InternalAccount("root"), scope=InternalScope("user.root"), name="kept",
        did_type=DIDType.DATASET, state=RuleState.OK, rse_expression=f"SITE{{number}}", copies=1,
        grouping=RuleGrouping.DATASET, locks_ok_cnt=number) for number in range({READS})])
"""


@pytest.fixture(scope="module")
def catalogue(server: Server, tool: Tool, filled: str, database: Database) -> str:
    """A database with as many rules as are going to be read."""
    name = database(filled)
    tool.python(server.url(name), DATA + RULES)
    return name


@pytest.fixture(scope="module")
def rest(server: Server, catalogue: str, runs: Path) -> Iterator[Rest]:
    with rucio_server.running("41.5.1", runs / "rest", server.url(catalogue).replace("ql:", "ql+psycopg:")) as running:
        yield running


def agreed(rest: Rest, status: int) -> float:
    """Wait until every worker says so, as far as six answers in a row show; how long that was, in seconds."""
    return until(lambda: all(rest.ready().status == status for _ in range(6)), 40)


def test_reads_at_once_through_two_workers_are_all_answered_each_with_its_own(
    rest: Rest, server: Server, catalogue: str
) -> None:
    rows = server.sql("SELECT lower(id::text), rse_expression FROM rules", catalogue).splitlines()
    rules = {row.split("|")[0].replace("-", ""): row.split("|")[1] for row in rows}
    assert len(rules) == READS
    token = rest.token(PASSWORD)

    async def read(client: aiohttp.ClientSession, rule: str) -> tuple[int, str, str]:
        async with client.get(f"/rules/{rule}") as answer:
            body = await answer.json() if answer.status == 200 else {}
            return answer.status, body.get("id", ""), body.get("rse_expression", "")

    async def read_all() -> list[tuple[int, str, str]]:
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{rest.rest}",
            connector=aiohttp.TCPConnector(limit=0),
            headers={"X-Rucio-Auth-Token": token},
        ) as client:
            return await asyncio.gather(*(read(client, rule) for rule in rules))

    until(lambda: len(rest.workers()) == 2)
    found = asyncio.run(read_all())
    assert sorted(found) == sorted((200, rule, site) for rule, site in rules.items())
    assert rest.ready().status == 200


def test_ready_is_said_on_the_port_of_probes_only(rest: Rest) -> None:
    answer = rest.ready()
    assert (answer.status, answer.data["state"], answer.data["version"]) == (200, "current", "41.5.1")
    assert answer.data["revision"] == answer.data["head"]
    assert rest.get("/_health/ready").status == 404
    assert rest.get("/ping", port=rest.health).status == 200
    for path in ("/accounts/whoami", "/", "/metrics"):
        assert rest.get(path, port=rest.health).status == 404


def test_ipv6_is_served_where_there_is_any(rest: Rest) -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    for port, path in ((rest.rest, "/ping"), (rest.health, "/_health/ready"), (rest.metrics, "/metrics")):
        assert rucio_server.ask(port, path, host="::1").status == 200


def test_a_long_path_and_a_long_header_are_taken(rest: Rest) -> None:
    assert rest.get("/ping?" + "x" * 8000, {"X-Long": "y" * 16000}).status == 200


def test_neither_tokens_nor_passwords_nor_queries_are_logged_and_a_path_is_one_word(rest: Rest) -> None:
    token = rest.token(PASSWORD)
    rest.get("/accounts/whoami?code=hunter2", {"X-Rucio-Auth-Token": token})
    rest.get("/a%0Ab%22%20c")
    until(lambda: "c" in rest.log.read_text().partition("/a%0Ab%22%20")[2])
    until(lambda: '"GET /accounts/whoami" 303' in rest.log.read_text())  # another worker writes it when it has time
    log = rest.log.read_text()
    assert not [secret for secret in (token, PASSWORD, "hunter2") if secret in log]


def test_figures_are_those_of_all_workers_and_stay_when_one_is_replaced(rest: Rest) -> None:
    def pings() -> float:
        text = rest.get("/metrics", port=rest.metrics).body
        lines = [row for row in text.splitlines() if 'code="200",endpoint="ping",method="GET"' in row]
        return sum(float(row.split()[-1]) for row in lines)

    before = pings()
    for _ in range(40):
        rest.get("/ping")
    assert pings() == before + 40
    until(lambda: len(rest.workers()) == 2)
    first, second = rest.workers()
    os.kill(first, signal.SIGKILL)
    until(lambda: len(set(rest.workers()) - {first}) == 2)
    assert second in rest.workers()
    until(lambda: rest.ready().status == 200)
    assert pings() >= before + 40


def test_a_stopped_database_is_said_within_seconds_and_so_is_its_return(
    server: Server, filled: str, database: Database, runs: Path
) -> None:
    with line.to(server.port) as wire:
        url = server.url(database(filled), port=wire.port).replace("ql:", "ql+psycopg:")
        with rucio_server.running("41.5.1", runs / "stopped", url) as rest:
            agreed(rest, 200)
            wire.cut()
            assert agreed(rest, 503) < 12
            until(lambda: rest.ready().data["state"] == "unreachable")  # one worker may have looked just before
            assert rest.get("/ping").status == 200
            wire.mend()
            assert agreed(rest, 200) < 12
            wire.hush()
            agreed(rest, 503)
            until(lambda: rest.ready().data["state"] == "unreachable")
            begun = time.monotonic()
            rest.ready()
            assert time.monotonic() - begun < 3
            wire.mend()
            agreed(rest, 200)
            token = rest.token(PASSWORD)
            assert rest.get("/accounts/whoami", {"X-Rucio-Auth-Token": token}).status == 303


def test_it_starts_without_a_database_and_works_when_there_is_one(
    server: Server, filled: str, database: Database, runs: Path
) -> None:
    with line.to(server.port) as wire:
        url = server.url(database(filled), port=wire.port).replace("ql:", "ql+psycopg:")
        wire.hush()
        with rucio_server.running("41.5.1", runs / "without", f"{url}?connect_timeout=2", processes=1) as rest:
            assert rest.ready().status == 503
            wire.mend()
            until(lambda: rest.ready().status == 200)
            assert rest.token(PASSWORD)


def test_a_schema_that_is_not_migrated_is_never_ready(server: Server, old: str, database: Database, runs: Path) -> None:
    url = server.url(database(old)).replace("ql:", "ql+psycopg:")
    with rucio_server.running("41.5.1", runs / "behind", url, processes=1) as rest:
        answer = rest.ready()
        assert (answer.status, answer.data["state"]) == (503, "behind")
        assert answer.data["revision"] != answer.data["head"]
        assert rest.token(PASSWORD)  # what today's charts would call ready


def test_the_older_version_serves_its_schema(server: Server, old: str, database: Database, runs: Path) -> None:
    url = server.url(database(old)).replace("ql:", "ql+psycopg:")
    with rucio_server.running("38.6.4", runs / "older", url, processes=1) as rest:
        answer = rest.ready()
        assert (answer.status, answer.data["state"], answer.data["version"]) == (200, "current", "38.6.4")
        assert rest.token(PASSWORD)


def test_nobody_there_at_all_is_unreachable(runs: Path) -> None:
    url = f"postgresql+psycopg://rucio:x@127.0.0.1:{free_port()}/rucio"
    with rucio_server.running("41.5.1", runs / "nobody", url, processes=1) as rest:
        answer = rest.ready()
        assert (answer.status, answer.data["state"], answer.data["revision"]) == (503, "unreachable", None)
