"""The type rucio: does a Rucio answer, does it know the probe, do its daemons beat, and can a file go in and out.

All but the file goes through REST, which changes less than Rucio's client. `rucio_files` moves the file.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from datalake_probe import failures, rucio_upload, web
from datalake_probe.outcome import Bad, Cell, Outcome, Reason, Skip, Stopped
from datalake_probe.plan import Plan, PlanError
from datalake_probe.run import Run

SECONDS = 30.0
"""Time for one answer."""

BODY_BYTES = 4 * 1024 * 1024
"""A large Rucio has thousands of heartbeats, of about 250 bytes each."""

HEARTBEAT_SECONDS = 2 * 3600.0
"""A daemon beats once a cycle; the slowest sleep an hour between two, the others a minute."""

FORGOTTEN_SECONDS = 7 * 86400.0
"""Nobody removes the heartbeat of a daemon that was killed and never started again: after a week it is history."""

CREDENTIALS = Path("/run/secrets/rucio")

_NAMES = {
    "Ping": "ping",
    "Authenticate": "authenticate",
    "WhoAmI": "whoami",
    "Heartbeats": "heartbeats",
    "UploadDownload": "upload",
}
"""Checks in the order in which they are done, and how the grid names them."""


@dataclass(frozen=True)
class Login:
    """Who the probe is; never shown.

    Attributes:
        account: in Rucio.
        username: of the identity.
        password: of the identity.
    """

    account: str
    username: str
    password: str = field(repr=False)


def cells(plan: Plan) -> Sequence[Cell]:
    """Name the checks."""
    if plan.section["account"] == "root":
        raise PlanError("the account of a probe is never root")
    return [_cell(plan, check) for check in _NAMES if check in plan.section["checks"]]


def measure(run: Run) -> None:
    """Do the checks, one after the other: each needs what those before it showed."""
    server = _Server(run)
    done: dict[str, Outcome] = {}
    works: Mapping[str, Callable[[dict[str, float]], None]] = {
        "Ping": server.ping,
        "Authenticate": server.authenticate,
        "WhoAmI": server.who_am_i,
        "Heartbeats": server.heartbeats,
        "UploadDownload": server.upload,
    }
    for check, work in works.items():
        if check not in run.plan.section["checks"]:
            continue
        failed = next((done[name] for name in _needed(check) if name in done and done[name].result == "bad"), None)
        if failed is None:
            done[check] = run.step(_cell(run.plan, check), work)
        else:
            run.report(_cell(run.plan, check), Outcome("skipped", failed.reason))


def _cell(plan: Plan, check: str) -> Cell:
    return Cell(plan.section["name"], None, _NAMES[check])


def _needed(check: str) -> Sequence[str]:
    """Return the checks without which this one says nothing new. The authentication server may be another."""
    return () if check in {"Ping", "Authenticate"} else ("Ping", "Authenticate")


class _Server:
    """A Rucio, as the checks of a run see it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._section = run.plan.section
        self._token = ""

    def ping(self, m: dict[str, float]) -> None:
        """Any answer with a version is good; nobody need be known."""
        answer = self._ask(m, self._section["url"], "/ping", {})
        _must(isinstance(answer, dict) and "version" in answer)

    def authenticate(self, m: dict[str, float]) -> None:
        """Log in with user name and password."""
        begun = time.monotonic()
        login = credentials(self._section["account"], self._folder())
        headers = {
            "X-Rucio-Account": login.account,
            "X-Rucio-Username": login.username,
            "X-Rucio-Password": login.password,
            "X-Rucio-VO": self._section["vo"],
            "X-Rucio-AppID": "datalake-probe",
        }
        request = self._request(self._section["authUrl"], "/auth/userpass", headers)
        with web.ask(request) as answer:
            body = answer.read()
            if answer.status != 200:
                raise _refused(answer, body)
            self._token = answer.headers.get("X-Rucio-Auth-Token", "")
        _must(bool(self._token))
        m["token_seconds"] = time.monotonic() - begun

    def who_am_i(self, m: dict[str, float]) -> None:
        """The server must take the token, and know the account that it is for."""
        answer = self._ask(m, self._section["url"], "/accounts/whoami", self._known())
        _must(isinstance(answer, dict) and answer.get("account") == self._section["account"])

    def heartbeats(self, m: dict[str, float]) -> None:
        """Each daemon that is known must have beaten not long ago."""
        try:
            answer = self._ask(m, self._section["url"], "/heartbeats", self._known())
        except Bad as bad:
            if bad.reason in {Reason.FORBIDDEN, Reason.UNAUTHENTICATED}:
                raise Skip(Reason.NOT_PERMITTED, "this account may not list heartbeats") from bad
            raise
        stale = stale_daemons(answer, datetime.now(UTC))
        if stale:
            raise Bad(Reason.HEARTBEATS_STALE, f"no heartbeat of {', '.join(stale)}")

    def upload(self, m: dict[str, float]) -> None:
        """Send a file and fetch it again."""
        login = credentials(self._section["account"], self._folder())
        rucio_upload.send_and_fetch(self._run, login.account, self._folder(), m)

    def _known(self) -> Mapping[str, str]:
        """Log in where that was not among the checks."""
        if not self._token:
            self.authenticate({})
        return {"X-Rucio-Auth-Token": self._token, "X-Rucio-AppID": "datalake-probe"}

    def _folder(self) -> Path:
        return Path(self._run.environment.get("PROBE_CREDENTIALS") or CREDENTIALS)

    def _request(self, base: str, path: str, headers: Mapping[str, str]) -> web.Request:
        seconds = self._run.seconds(SECONDS)
        return web.Request("GET", f"{base.rstrip('/')}{path}", self._run.anchors, seconds, headers)

    def _ask(self, m: dict[str, float], base: str, path: str, headers: Mapping[str, str]) -> Any:
        begun = time.monotonic()
        with web.ask(self._request(base, path, {"Accept": "application/json", **headers})) as answer:
            body = answer.read(BODY_BYTES)
            m["seconds"] = time.monotonic() - begun
            if answer.tls_days_left is not None:
                m["tls_days_left"] = answer.tls_days_left
            if answer.status != 200:
                raise _refused(answer, body)
        try:
            return json.loads(body)
        except ValueError as error:
            raise Bad(Reason.UNEXPECTED_BODY, "no JSON") from error


def credentials(account: str, folder: Path) -> Login:
    """Read the mounted Secret.

    Raises:
        Bad: Unauthenticated: without it nobody is let in.
    """
    try:
        return Login(account, (folder / "username").read_text().strip(), (folder / "password").read_text().strip("\n"))
    except (OSError, ValueError) as error:
        raise Bad(Reason.UNAUTHENTICATED, f"no credentials: {error}") from error


def stale_daemons(heartbeats: Any, now: datetime) -> Sequence[str]:
    """Name the daemons that beat in the last week and do not any more; of no daemon at all: any.

    Raises:
        Bad: UnexpectedBody: no list of heartbeats.
    """
    newest: dict[str, float] = {}
    try:
        for beat in heartbeats:
            name = str(beat.get("readable") or beat["executable"])
            age = (now - _time(beat["updated_at"])).total_seconds()
            newest[name] = min(age, newest.get(name, age))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Bad(Reason.UNEXPECTED_BODY, f"no list of heartbeats: {error}") from error
    known = {name: age for name, age in newest.items() if age < FORGOTTEN_SECONDS}
    return sorted(name for name, age in known.items() if age > HEARTBEAT_SECONDS) if known else ["any daemon"]


def _time(text: str) -> datetime:
    """Read a date of Rucio's JSON: as in mails, or of ISO 8601; always UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = parsedate_to_datetime(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _refused(answer: web.Answer, body: bytes) -> Stopped:
    """Rucio says in a header what it means: what an account may not do comes as 401, 403 or 500."""
    said = answer.headers.get("ExceptionClass", "")
    if said == "AccessDenied":
        return Bad(Reason.FORBIDDEN, said)
    if said in {"CannotAuthenticate", "InvalidToken", "IdentityNotFound"}:
        return Bad(Reason.UNAUTHENTICATED, said)
    return failures.of_status(answer.status, body.decode(errors="replace"))


def _must(holds: bool) -> None:
    if not holds:
        raise Bad(Reason.UNEXPECTED_BODY, "not what Rucio answers")
