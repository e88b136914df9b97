"""The type rucio against a real Rucio on a real PostgreSQL, with a storage element in a folder."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datalake_probe.outcome import Bad
from datalake_probe.plan import PlanError, parse
from datalake_probe.rucio import cells, credentials, stale_daemons
from tests.support import probe_runs, rucio_environments, rucio_server
from tests.support.postgres import Server
from tests.support.rucio_server import Rest
from tests.support.rucio_tool import Database, Tool, secret

PASSWORD = "a probe's %@:/ password"  # noqa: S105
# Rucio's own policy lets only an account with the attribute admin upload; sites give the right otherwise.
SETUP = """
from rucio.common.types import InternalAccount, InternalScope
from rucio.core import account, account_limit, identity, rse
from rucio.core.scope import add_scope
from rucio.db.sqla.constants import AccountType, IdentityType
from rucio.db.sqla.session import get_session
session = get_session()()
with session.begin():
    probe = InternalAccount("probe")
    account.add_account(probe, AccountType.SERVICE, "probe@example.org", session=session)
    identity.add_identity("probe", IdentityType.USERPASS, "probe@example.org", {password!r}, session=session)
    identity.add_account_identity("probe", IdentityType.USERPASS, probe, "probe@example.org", session=session)
    account.add_account_attribute(probe, "admin", True, session=session)
    add_scope(InternalScope("probe"), probe, session=session)
    for name, prefix in (("GOOD", {good!r}), ("BROKEN", "/proc/nowhere/")):
        number = rse.add_rse(name, session=session)
        rse.add_protocol(number, {{
            "scheme": "file", "hostname": "localhost", "port": 0, "prefix": prefix,
            "impl": "rucio.rse.protocols.posix.Default",
            "domains": {{kind: {{"read": 1, "write": 1, "delete": 1}} for kind in ("lan", "wan")}},
        }}, session=session)
        rse.add_rse_attribute(number, "verify_checksum", True, session=session)
        account_limit.set_local_account_limit(probe, number, 10**12, session=session)
"""
BEAT = """
from rucio.core import heartbeat
from rucio.db.sqla import models
from rucio.db.sqla.session import get_session
from datetime import datetime, timedelta
from sqlalchemy import update
session = get_session()()
with session.begin():
    for name in ("conveyor-submitter", "reaper"):
        heartbeat.live(name, "node-1", 1, None, session=session)
    session.flush()
    if {old}:
        session.execute(update(models.Heartbeat).where(models.Heartbeat.readable == "reaper").values(
            updated_at=datetime.utcnow() - timedelta(hours={old})))
"""
FILES = """
from rucio.db.sqla import models
from rucio.db.sqla.session import get_session
from sqlalchemy import select
session = get_session()()
for rule in session.execute(select(models.ReplicationRule)).scalars():
    print(rule.name, rule.account, round((rule.expires_at - rule.created_at).total_seconds() / 3600))
"""


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
def catalogue(server: Server, tool: Tool, filled: str, database: Database, storage: Path) -> str:
    name = database(filled)
    tool.python(server.url(name), SETUP.format(password=PASSWORD, good=f"{storage}/"))
    return name


@pytest.fixture(scope="module")
def rest(server: Server, catalogue: str, runs: Path) -> Iterator[Rest]:
    url = server.url(catalogue).replace("ql:", "ql+psycopg:")
    with rucio_server.running("41.5.1", runs / "probe-rest", url) as running:
        yield running


def document(rest: Rest, *checks: str, account: str = "probe", **values: Any) -> dict[str, Any]:
    url = f"http://127.0.0.1:{rest.rest}"
    section = {"name": "rucio", "url": url, "authUrl": url, "vo": "def", "account": account, "checks": list(checks),
               "upload": None} | values  # fmt: skip
    return probe_runs.document("rucio", section, deadlineSeconds=120)


def look(folder: Path, found: dict[str, Any], password: str = PASSWORD) -> dict[str, Any]:
    username = found["rucio"]["account"]
    return probe_runs.run(
        folder, found, PROBE_CREDENTIALS=str(secret(folder / "secret", username, password)),
        PROBE_RUCIO_PYTHON=str(rucio_environments.client()),
    )  # fmt: skip


def upload(rse: str) -> dict[str, Any]:
    return {"rse": rse, "scope": "probe", "size": 2**20, "lifetimeSeconds": 6 * 3600}


def test_a_file_goes_in_and_comes_out_and_its_rule_ends(
    rest: Rest, tmp_path: Path, server: Server, catalogue: str, tool: Tool, storage: Path
) -> None:
    checks = ("Ping", "Authenticate", "WhoAmI", "Heartbeats", "UploadDownload")
    found = look(tmp_path, document(rest, *checks, upload=upload("GOOD")))
    assert probe_runs.cells(found) == {
        "rucio|ping": ("ok", None),
        "rucio|authenticate": ("ok", None),
        "rucio|whoami": ("ok", None),
        "rucio|heartbeats": ("skipped", "NotPermitted"),
        "rucio|upload": ("ok", None),
    }
    measured = {cell["protocol"]: set(cell.get("m", {})) for cell in found["cells"]}
    assert measured["authenticate"] == {"token_seconds"}
    assert measured["upload"] == {"upload_seconds", "download_seconds"}
    rules = tool.python(server.url(catalogue), FILES)
    assert rules == f"datalake-probe.4f2a91c0.science.mesh.{probe_runs.RUN} probe 6"
    assert [path.stat().st_size for path in storage.rglob("*") if path.is_file()] == [2**20]


def test_a_storage_element_that_cannot_be_written_to_is_the_upload_s_failure_alone(rest: Rest, tmp_path: Path) -> None:
    found = look(tmp_path, document(rest, "Ping", "UploadDownload", upload=upload("BROKEN")))
    cells = probe_runs.cells(found)
    assert cells["rucio|ping"] == ("ok", None)
    assert cells["rucio|upload"][0] == "bad"
    assert cells["rucio|upload"][1] in {"NotFound", "TransferFailed", "Forbidden"}


def test_an_element_that_nobody_knows_is_not_found(rest: Rest, tmp_path: Path) -> None:
    found = look(tmp_path, document(rest, "UploadDownload", upload=upload("NOWHERE")))
    assert probe_runs.cells(found)["rucio|upload"] == ("bad", "NotFound")


def test_a_wrong_password_is_shown_once_and_never_told(rest: Rest, tmp_path: Path) -> None:
    environment = probe_runs.write(tmp_path, document(rest, "Ping", "Authenticate", "WhoAmI", "Heartbeats"))
    environment["PROBE_CREDENTIALS"] = str(secret(tmp_path / "secret", "probe", "wrong but secret"))
    with probe_runs.start(environment) as process:
        _, log = process.communicate(timeout=60)
    assert "wrong but secret" not in log
    assert "wrong but secret" not in (tmp_path / "message").read_text()
    assert probe_runs.cells(probe_runs.envelope(tmp_path / "message")) == {
        "rucio|ping": ("ok", None),
        "rucio|authenticate": ("bad", "Unauthenticated"),
        "rucio|whoami": ("skipped", "Unauthenticated"),
        "rucio|heartbeats": ("skipped", "Unauthenticated"),
    }


def test_what_rucio_answers_says_which_daemons_beat(rest: Rest, server: Server, catalogue: str, tool: Tool) -> None:
    """With Rucio's own policy root alone may ask, and a probe is never root; sites give the right to others."""

    def stale() -> list[str]:
        token = rest.token("first %@:/ password")
        answer = rest.get("/heartbeats", {"X-Rucio-Auth-Token": token})
        return list(stale_daemons(answer.data, datetime.now(UTC)))

    assert stale() == ["any daemon"]
    tool.python(server.url(catalogue), BEAT.format(old=0))
    assert stale() == []
    tool.python(server.url(catalogue), BEAT.format(old=3))
    assert stale() == ["reaper"]


def test_where_nobody_answers_one_check_says_so_and_the_others_wait(tmp_path: Path, rest: Rest) -> None:
    found = look(tmp_path, document(rest, "Ping", "WhoAmI", url="http://127.0.0.1:9"))
    assert probe_runs.cells(found) == {"rucio|ping": ("bad", "Refused"), "rucio|whoami": ("skipped", "Refused")}


def test_the_account_is_never_root() -> None:
    section = {"name": "rucio", "account": "root", "checks": ["Ping"]}
    document = {**probe_runs.document("tcp", {"targets": [{"name": "a", "host": "b", "port": 1, "ipFamily": "Any"}]})}
    document |= {"type": "rucio", "rucio": section}
    with pytest.raises(PlanError, match="never root"):
        cells(parse(json.dumps(document)))


def test_credentials_show_themselves_to_nobody(tmp_path: Path) -> None:
    login = credentials("probe", secret(tmp_path / "secret", "probe", "secret word"))
    assert "secret word" not in repr(login)
    with pytest.raises(Bad):
        credentials("probe", tmp_path / "none")


NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def beat(name: str, hours: float) -> dict[str, str]:
    return {"readable": name, "updated_at": (NOW - timedelta(hours=hours)).strftime("%a, %d %b %Y %H:%M:%S UTC")}


@pytest.mark.parametrize(
    ("beats", "stale"),
    [
        ([], ["any daemon"]),
        ([beat("reaper", 0.1)], []),
        ([beat("reaper", 3)], ["reaper"]),
        ([beat("reaper", 3), beat("reaper", 0.1)], []),
        ([beat("reaper", 0.1), beat("gone-for-good", 200)], []),
        ([beat("gone-for-good", 200)], ["any daemon"]),
        ([{"executable": "a", "updated_at": "2026-11-26T11:59:00"}], []),
    ],
)
def test_a_daemon_is_as_alive_as_its_newest_heartbeat(beats: list[dict[str, str]], stale: list[str]) -> None:
    assert stale_daemons(beats, NOW) == stale


@pytest.mark.parametrize("answer", [None, 3, [3], [{}], [{"readable": "a", "updated_at": "soon"}], {"a": 1}])
def test_what_is_no_list_of_heartbeats_is_an_unexpected_body(answer: object) -> None:
    with pytest.raises(Bad, match="no list"):
        stale_daemons(answer, NOW)
