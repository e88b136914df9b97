"""The API server's audit log: who asked for what between two marks, and what that means for the budget of writes."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.calls import NOT_COUNTED, WRITES
from tests.support.client import Client


@dataclass(frozen=True)
class Entry:
    """One finished request (a watch: one that was opened)."""

    user: str
    verb: str
    resource: str
    """With the subresource where there is one: `xcachenodes/status`."""
    namespace: str
    name: str
    code: int
    received: str
    """RFC 3339 with microseconds; sorts as text."""
    completed: str


class Requests(tuple[Entry, ...]):
    """Entries with questions to ask of them."""

    __slots__ = ()

    def of(self, *, user: str = "", verb: str = "", resource: str = "", name: str = "") -> "Requests":
        """Select; an empty argument matches everything."""
        return Requests(
            entry
            for entry in self
            if user in ("", entry.user)
            and verb in ("", entry.verb)
            and resource in ("", entry.resource)
            and name in ("", entry.name)
        )

    def writes(self, user: str) -> "Requests":
        """Select create, update, patch and delete without Leases and Events: what design section 4 limits."""
        return Requests(entry for entry in self.of(user=user) if entry.verb in WRITES and not _is_apart(entry))

    def events(self, user: str) -> "Requests":
        """Select writes of Events."""
        return Requests(entry for entry in self.of(user=user) if entry.verb in WRITES and entry.resource == "events")

    def gets(self, user: str) -> "Requests":
        """Select reads of single objects, without the Lease."""
        return Requests(entry for entry in self.of(user=user, verb="get") if entry.resource and not _is_apart(entry))

    def counts(self) -> Counter[tuple[str, str, str, int]]:
        """Count by user, verb, resource and code."""
        return Counter((entry.user, entry.verb, entry.resource, entry.code) for entry in self)

    def __str__(self) -> str:
        return "\n".join(f"{entry.verb} {entry.resource} {entry.name} {entry.code}" for entry in self) or "none"


class Audit:
    """The audit log as a file of JSON lines."""

    def __init__(self, log: Path, admin: Client) -> None:
        self._log = log
        self._admin = admin

    async def mark(self) -> int:
        """Return a position that has all requests answered so far before it.

        A request of our own is sent last; once it is in the log, so are the earlier ones.
        """
        name = f"audit-mark-{uuid.uuid4().hex}"
        position = self._log.stat().st_size
        await self._admin.find("Namespace", name)
        for _ in range(500):
            with self._log.open("rb") as log:
                log.seek(position)
                tail = log.read()
            found = tail.find(name.encode())
            if found >= 0 and (end := tail.find(b"\n", found)) >= 0:
                return position + end + 1
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self._log} does not show the mark {name} within 5 s")

    def between(self, start: int, end: int) -> Requests:
        """Return the requests that ended between two marks."""
        with self._log.open("rb") as log:
            log.seek(start)
            lines = log.read(end - start).splitlines()
        return Requests(entry for line in lines for entry in _entries(json.loads(line)))

    def text(self, start: int) -> str:
        """Return the log from a mark on, as it stands there."""
        with self._log.open("rb") as log:
            log.seek(start)
            return log.read().decode()

    async def since(self, start: int) -> Requests:
        """Return the requests that ended from `start` until now."""
        return self.between(start, await self.mark())


def _is_apart(entry: Entry) -> bool:
    return entry.resource.partition("/")[0] in NOT_COUNTED


def _entries(event: dict[str, Any]) -> Iterator[Entry]:
    stage = "ResponseStarted" if event["verb"] == "watch" else "ResponseComplete"
    if event.get("stage") != stage:
        return
    target = event.get("objectRef", {})
    resource = "/".join(part for part in (target.get("resource"), target.get("subresource")) if part)
    yield Entry(
        user=(event.get("impersonatedUser") or event["user"])["username"],
        verb=event["verb"],
        resource=resource,
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        received=event["requestReceivedTimestamp"],
        completed=event["stageTimestamp"],
    )
