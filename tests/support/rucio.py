"""Rucio as the operator sees it, on a control plane without pods: its database tool, its dumps, its server.

What a real one does is for tests with pods; here it does what the contract between both sides says.
"""

import base64
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.support.client import Client, MissingError, Object
from tests.support.kubelet import Kubelet
from tests.support.pods import JobEnd, component

HEALTH_PORT = 8083
REST_PORT = 8080
DATE = "%a, %d %b %Y %H:%M:%S UTC"
NEWEST = "3b943000da18"
"""Head of Rucio 41.5.1's schema."""
HEADS = {"38.6.4": "a62db546a1f1", "41.5.1": NEWEST}
"""Heads by version; that of 38.6.4 is made up."""
PLAN = "ab" * 32


@dataclass
class Database:
    """One database, and what the tools of the images make of it.

    Attributes:
        state: as the database tool would call it; `ours` and `behind` are worked out from the rest.
        revision: in alembic_version, None where there is none.
        owner: whose mark it has.
        hold: id of a hold.
        foreign: sessions of others.
        dump: what the look before a dump and the dump itself come to: done, impossible, failed.
        broken: why a migration fails, empty if it does not.
        slow: steps of a migration before it has ended.
        plan: hash of the migration.
        migrations: Jobs that have migrated, in order.
        at_once: the most migrations that were ever under way at the same time.
        dumps: files that were made.
    """

    state: str = "empty"
    revision: str | None = None
    owner: dict[str, str] | None = None
    hold: str | None = None
    foreign: list[str] = field(default_factory=list)
    dump: str = "done"
    broken: str = ""
    slow: int = 0
    plan: str = PLAN
    migrations: list[str] = field(default_factory=list)
    at_once: int = 0
    dumps: list[str] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    _under_way: dict[str, int] = field(default_factory=dict)

    def work(self, job: Object) -> JobEnd | None:
        """What a Job comes to."""
        words = command(job)
        self.asked.append(words)
        if "postgres-backup" in words:
            return self._dump(job, words)
        verb = words[words.index("rucio-database") + 1]
        return self._migrate(job, words) if verb == "migrate" else self._ensure(words)

    def forget(self, jobs: set[str]) -> None:
        """Have migrations end whose Jobs are gone."""
        for uid in self._under_way.keys() - jobs:
            del self._under_way[uid]

    def _ensure(self, words: list[str]) -> JobEnd:
        asks = {key: option(words, key) for key in ("cluster", "namespace", "name")}
        bootstrapped = self.state in ("empty", "partial") and "--bootstrap" in words
        head = HEADS.get(option(words, "version"), NEWEST)
        if bootstrapped:
            self.state, self.revision, self.owner = "filled", head, asks
        if self.state == "filled" and option(words, "adopt") == "rucio" and self.owner != asks:
            self.owner, self.hold = asks, "hold-1"
        result = self.result("ensure", head, asks) | {"bootstrapped": bootstrapped}
        good = result["state"] == "current" and result["ours"]
        return JobEnd(0 if good else 3, result)

    def result(self, verb: str, head: str, asks: dict[str, str]) -> dict[str, Any]:
        """What the database tool says to whoever asks for a schema."""
        state, path, plan = self.state, [], None
        ours = self.owner == asks
        if state == "filled":
            state = "current" if self.revision == head else "ahead" if self.revision == NEWEST else "behind"
            state = state if ours or state == "ahead" else "not-ours"
        if state == "behind":
            path, plan = [head], {"hash": self.plan, "sql": "ALTER TABLE rules ADD deleted_at TIMESTAMP;"}
        return {
            "version": 1,
            "verb": verb,
            "state": state,
            "message": f"the database is {state}",
            "database": "rucio",
            "schema": "",
            "revision": self.revision,
            "head": head,
            "path": path,
            "plan": plan,
            "serverMajor": 17,
            "databaseBytes": 12_000_000,
            "maxConnections": 100,
            "owner": self.owner,
            "ours": ours,
            "hold": self.hold,
            "bootstrapped": False,
            "rootPassword": "unchanged" if state == "current" and ours else None,
            "rucioVersion": "41.5.1",
            "policySupports": None,
            "foreign": [],
        }

    def _migrate(self, job: Object, words: list[str]) -> JobEnd | None:
        asks = {key: option(words, key) for key in ("cluster", "namespace", "name")}
        head, uid = HEADS.get(option(words, "version"), NEWEST), job["metadata"]["uid"]
        told = self.result("migrate", head, asks)
        if option(words, "plan") != self.plan and self.revision != head:
            return JobEnd(3, told | {"state": "stale-plan", "message": "another plan is due"})
        if self.foreign:
            told |= {"state": "foreign-writers", "message": f"used by {self.foreign[0]}", "foreign": self.foreign}
            return JobEnd(3, told)
        self._under_way.setdefault(uid, 0)
        self.at_once = max(self.at_once, len(self._under_way))
        self._under_way[uid] += 1
        if self._under_way[uid] <= self.slow:
            return None
        del self._under_way[uid]
        if self.broken:
            return JobEnd(1, told | {"state": "failed", "message": self.broken}, gave_up=True)
        if self.revision != head:
            self.migrations.append(job["metadata"]["name"])
            self.revision = head
        return JobEnd(0, self.result("migrate", head, asks))

    def _dump(self, job: Object, words: list[str]) -> JobEnd:
        check = "--check" in words
        state = self.dump if check or self.dump == "failed" else "done"
        file = None if check or state != "done" else f"migration-{job['metadata']['uid'][:8]}.dump"
        if file and file not in self.dumps:
            self.dumps.append(file)
        backups = [{"name": name, "time": "2026-01-01T00:00:00Z", "size": 4096} for name in self.dumps]
        told = {
            "version": 1,
            "state": state,
            "message": "" if state == "done" else f"the dump is {state}: no space",
            "file": file,
            "backups": backups,
            "freeBytes": 10**9,
            "databaseBytes": 12_000_000,
            "dumpMajor": 17,
            "serverMajor": 17,
        }
        good = state == "done"
        return JobEnd(0 if good else 1, told, gave_up=not good)


class Rucio:
    """Serves health, logins and heartbeats at the pods' address; an async context manager.

    Attributes:
        database: what its Jobs work on.
        password: what is taken as root's; None: what its Secret holds.
        silent: daemons whose heartbeats do not come.
        logins: how often somebody logged in, or tried to.
    """

    def __init__(self, admin: Client, namespace: str, kubelet: Kubelet) -> None:
        self._admin, self._namespace, self._kubelet = admin, namespace, kubelet
        self.database = Database()
        self.password: str | None = None
        self.silent: set[str] = set()
        self.health: Callable[[dict[str, Any]], dict[str, Any]] = lambda said: said
        self.logins = 0
        kubelet.work = self.database.work

    async def __aenter__(self) -> Self:
        self._runners = [
            await self._serve(HEALTH_PORT, {"/_health/ready": self._ready}),
            await self._serve(REST_PORT, {"/auth/userpass": self._log_in, "/heartbeats": self._heartbeats}),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, port: int, routes: dict[str, Any]) -> web.AppRunner:
        app = web.Application()
        app.add_routes([web.get(path, handler) for path, handler in routes.items()])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, self._kubelet.address, port).start()
        return runner

    async def _ready(self, _request: web.Request) -> web.Response:
        asks = self.database.owner or {}
        said = self.database.result("state", HEADS.get(self.version(), NEWEST), asks)
        keys = ("state", "revision", "head", "message", "hold")
        health = self.health({key: said[key] for key in keys} | {"version": self.version()})
        return web.json_response(health, status=200 if health.get("state") == "current" else 503)

    async def _log_in(self, request: web.Request) -> web.Response:
        self.logins += 1
        if request.headers["X-Rucio-Password"] != (self.password or await self.secret("x-root", "password")):
            return web.Response(status=401)
        ends = datetime.now(UTC).replace(year=2099).strftime(DATE)
        return web.Response(headers={"X-Rucio-Auth-Token": "a-token", "X-Rucio-Auth-Token-Expires": ends})

    async def _heartbeats(self, request: web.Request) -> web.Response:
        assert request.headers["X-Rucio-Auth-Token"] == "a-token"
        await self._kubelet.sync()
        now = datetime.now(UTC).strftime(DATE)
        rows = [
            {"readable": executable, "hostname": pod["metadata"]["name"], "updated_at": now, "pid": 1}
            for pod in self._kubelet.pods
            if (instance := component(pod).removeprefix("daemon-")) != component(pod) and instance not in self.silent
            for executable in executables(pod)
        ]
        return web.json_response(rows)

    def pods(self) -> list[str]:
        """Names of the pods that are there."""
        return [pod["metadata"]["name"] for pod in self._kubelet.pods]

    def work_with(self, work: Callable[[Object], JobEnd | None]) -> None:
        """Have Jobs done by another function, such as one that watches the database's own."""
        self._kubelet.work = work

    def version(self) -> str:
        """Version of Rucio in the newest server pods, empty while there are none."""
        images = [one["spec"]["containers"][0]["image"] for one in self._kubelet.pods if component(one) == "server"]
        return str(images[0]).rpartition(":")[2] if images else ""

    async def secret(self, name: str, key: str) -> str:
        """Return one value of a Secret, empty where there is none."""
        with contextlib.suppress(MissingError, KeyError):
            found = await self._admin.get("Secret", name, self._namespace)
            return base64.b64decode(found["data"][key]).decode()
        return ""


def command(job: Object) -> list[str]:
    """All words that a Job's container runs."""
    container = job["spec"]["template"]["spec"]["containers"][0]
    return [*container.get("command", ()), *container.get("args", ())]


def option(words: list[str], name: str) -> str:
    """Value of an option, empty where it is not given."""
    flag = f"--{name}"
    joined = next((word.removeprefix(f"{flag}=") for word in words if word.startswith(f"{flag}=")), "")
    return joined or next((after for word, after in pairwise(words) if word == flag), "")


_HEARTBEATS = {"kronos": ("kronos-file", "kronos-dataset"), "rse-decommissioner": ("rsedecommissioner",)}
"""Names that differ from that of the daemon (research on Rucio 41.5.1)."""


def executables(pod: Object) -> tuple[str, ...]:
    """Names under which a daemon writes heartbeats."""
    words = [word for one in pod["spec"]["containers"] for word in (*one.get("command", ()), *one.get("args", ()))]
    daemon = next(word.removeprefix("rucio-") for word in words if word.startswith("rucio-") and word != "rucio-run")
    return _HEARTBEATS.get(daemon, (daemon,))
