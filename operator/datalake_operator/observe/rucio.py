"""How a Rucio is asked: is its database current, can root log in, which daemons have written a heartbeat."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from datalake_operator.observe.http import Answer, parsed, read, trouble
from datalake_operator.status.rucio.target import Target

_DATE = "%a, %d %b %Y %H:%M:%S UTC"
"""How Rucio writes times (rucio.common.utils.DATE_FORMAT, 38.6.4 and 41.5.1)."""

_LONGEST_LIST = 4 * 2**20
"""Bytes that the list of heartbeats may have: some 20,000 rows, of which only the newest of each pod are kept."""

_MOST_ROWS = 5000
"""Heartbeats that are kept: more than all daemons of one Rucio write."""

_RETRY_SECONDS = 60.0
"""Seconds before a login that was refused is tried again: Rucio hashes the password each time, and logs it."""

_MARGIN_SECONDS = 60.0
"""Seconds before its end at which a token is no longer used: clocks differ."""

_UNKNOWN_LIFE = 600.0
"""Seconds that a token is used where its end is not told; Rucio's own default is an hour."""


class TokenRefused(Exception):
    """The server does not know the token any more."""


@dataclass(frozen=True)
class _Token:
    credentials: tuple[str, str]
    text: str
    until: float


@dataclass(frozen=True)
class _Refusal:
    target: Target
    message: str
    until: float


class Rucio:
    """Asks one Rucio, and keeps its token.

    An answer is an object of

    - `health`: what the server's own check says: state, revision, head, message, version;
    - `login`: ok, refused or failed, with `loginError` where it is not ok;
    - `heartbeats`: list of executable, hostname and updatedAt (RFC 3339), the newest of each pair; absent where they
      cannot be had;
    - `latencySeconds`: of health, login and heartbeats, each only where it was asked.

    Args:
        monotonic: seconds, for the life of tokens.
        clock: seconds since the epoch, for the ends that Rucio tells.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, clock: Callable[[], float] = time.time) -> None:
        self._monotonic = monotonic
        self._clock = clock
        self._token: _Token | None = None
        self._refusal: _Refusal | None = None

    async def ask(self, session: aiohttp.ClientSession, target: Target) -> Answer:
        """Ask for everything; without a health there is no answer.

        Raises:
            aiohttp.ClientError, TimeoutError: the health port does not answer.
        """
        began = self._monotonic()
        async with session.get(f"{target.health}/_health/ready", allow_redirects=False) as response:
            text = await read(response.content)
            status = response.status
        health = parsed(text) if text is not None else None
        if status not in (200, 503) or not isinstance(health, dict):
            return None, f"HTTP {status} from the health port, and no health"
        latency = {"health": self._monotonic() - began}
        data: dict[str, Any] = {"health": health, "latencySeconds": latency}
        if status == 200:
            await self._log_in_and_list(session, target, data)
        else:
            data |= {"login": "failed", "loginError": "not tried while the server is not ready"}
        return data, None

    async def _log_in_and_list(self, session: aiohttp.ClientSession, target: Target, data: dict[str, Any]) -> None:
        try:
            token = await self._logged_in(session, target, data)
            if token is None:
                return
            try:
                await self._list(session, target, token, data)
            except TokenRefused:
                self._token = None
                token = await self._logged_in(session, target, data)
                if token is not None:
                    await self._list(session, target, token, data)
        except TokenRefused:
            data |= {"login": "failed", "loginError": "the server refuses the token that it just gave"}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # A ValueError: aiohttp sends no header with a line break. Only the type is told: its words may have more.
            if "login" not in data:
                data |= {"login": "failed", "loginError": trouble(error)}

    async def _logged_in(self, session: aiohttp.ClientSession, target: Target, data: dict[str, Any]) -> str | None:
        """Give a token, and tell how the login went."""
        credentials, now = (target.username, target.password), self._monotonic()
        token, refusal = self._token, self._refusal
        if token is None or token.credentials != credentials or token.until <= now:
            if refusal is not None and refusal.target == target and refusal.until > now:
                data |= {"login": "refused", "loginError": refusal.message}
                return None
            token = await self._log_in(session, target, data)
        if token is not None:
            data["login"] = "ok"
            data.pop("loginError", None)
            return token.text
        return None

    async def _log_in(self, session: aiohttp.ClientSession, target: Target, data: dict[str, Any]) -> _Token | None:
        headers = {
            "X-Rucio-Account": "root",
            "X-Rucio-Username": target.username,
            "X-Rucio-Password": target.password,
            "X-Rucio-AppID": "datalake-operator",
        }
        credentials, began = (target.username, target.password), self._monotonic()
        async with session.get(f"{target.rest}/auth/userpass", headers=headers, allow_redirects=False) as response:
            found, status = response.headers.get("X-Rucio-Auth-Token"), response.status
            ends = response.headers.get("X-Rucio-Auth-Token-Expires", "")
        now = self._monotonic()
        data["latencySeconds"]["login"] = now - began
        if status == 200 and found:
            self._token, self._refusal = _Token(credentials, found, now + self._life(ends)), None
            return self._token
        self._token = None
        message = f"HTTP {status} from /auth/userpass"
        if status == 401:
            self._refusal = _Refusal(target, message, now + _RETRY_SECONDS)
        data |= {"login": "refused" if status == 401 else "failed", "loginError": message}
        return None

    def _life(self, ends: str) -> float:
        try:
            end = datetime.strptime(ends, _DATE).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return _UNKNOWN_LIFE
        return end - self._clock() - _MARGIN_SECONDS

    async def _list(self, session: aiohttp.ClientSession, target: Target, token: str, data: dict[str, Any]) -> None:
        began = self._monotonic()
        headers = {"X-Rucio-Auth-Token": token, "Accept": "application/json"}
        async with session.get(f"{target.rest}/heartbeats", headers=headers, allow_redirects=False) as response:
            if response.status == 401:
                raise TokenRefused
            text = await read(response.content, _LONGEST_LIST) if response.status == 200 else None
        rows = parsed(text) if text is not None else None
        data["latencySeconds"]["heartbeats"] = self._monotonic() - began
        if isinstance(rows, list):
            data["heartbeats"] = _newest(rows)


def _newest(rows: list[Any]) -> list[dict[str, str]]:
    """The newest heartbeat of each executable on each host, what makes no sense left out."""
    found: dict[tuple[str, str], datetime] = {}
    for row in rows:
        beat = _beat(row) if isinstance(row, dict) else None
        if beat is not None:
            executable, host, at = beat
            found[executable, host] = max(at, found.get((executable, host), at))
    newest = sorted(found.items(), key=lambda item: item[1], reverse=True)[:_MOST_ROWS]
    return [
        {"executable": executable, "hostname": host, "updatedAt": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        for (executable, host), at in sorted(newest)
    ]


def _beat(row: Mapping[str, Any]) -> tuple[str, str, datetime] | None:
    executable, host = row.get("readable"), row.get("hostname")
    try:
        at = datetime.strptime(row["updated_at"], _DATE).replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        return None
    return (executable, host, at) if isinstance(executable, str) and isinstance(host, str) else None
