"""Hosts kopf inside our own process, sees what its requests come to, and starts it again whatever ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

import aiohttp
import kopf

from datalake_operator.handlers.presence import Presence
from datalake_operator.handlers.watch import registry
from datalake_operator.kube.backoff import Backoff
from datalake_operator.kube.errors import ApiError, Unreachable
from datalake_operator.kube.resource import Resource
from datalake_operator.kube.session import PAGE, Api
from datalake_operator.kube.store import Store
from datalake_operator.kube.transport import INACTIVITY
from datalake_operator.kube.trouble import Trouble

logger = logging.getLogger(__name__)

_WATCH_SECONDS = (80, 100)
"""A watch of kopf's lives so long: only requests show from outside, and health wants a sign every 120 s."""
_START_SECONDS = 30.0
"""kopf must have begun all its watches within so many seconds: it leaves out kinds that discovery does not name yet."""
_TOLD_HERE = (
    "_cogs.clients.watching",
    "_core.reactor.observation",
    "_core.reactor.orchestration",
    "_core.reactor.running",
)
"""Loggers of kopf's whose errors, about requests and about its end, are told by this module in one line."""
_LEAST_PAUSE = 0.5
"""Least seconds between two watch requests for one kind: kopf itself asks again at once."""


class Host:
    """kopf's watch of our custom resources, as one task of ours.

    Attributes:
        synced: set once every store holds all custom resources that exist.
    """

    def __init__(
        self,
        api: Api,
        stores: Mapping[Resource, Store],
        namespaces: Collection[str] = (),
        *,
        on_started: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare the watch.

        Args:
            api: session with the API server.
            stores: where the custom resources go, by kind.
            namespaces: to watch; empty means all.
            on_started: called after each start of kopf, which takes the signal handlers of the process: set yours here.
        """
        self._api = api
        self._namespaces = list(namespaces)
        self._on_started = on_started
        self._presence = Presence(api, stores, self._namespaces)
        self._watches = self._presence.watches
        self._registry = registry(stores, self._presence.take, self._log_in)
        self._session: aiohttp.ClientSession | None = None
        self._watchers: set[asyncio.Task[Any]] = set()
        self._logged_in_at = 0.0
        self._log_ins = Backoff(first=0.5, limit=30.0)
        self._discovery = Trouble(logger, "which kinds are served")
        self._missing: set[Resource] = set()
        self.synced = self._presence.synced

    @property
    def last_attempt(self) -> float:
        """`time.monotonic()` of the last request of the watch that has been quiet for longest."""
        return min(watch.last_attempt for watch in self._watches.values())

    @property
    def restarts(self) -> int:
        """How often a watch was lost and began with a new list."""
        return sum(max(watch.restarts, 0) for watch in self._watches.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set."""
        _quieten()
        async with asyncio.TaskGroup() as group:
            presence = group.create_task(self._presence.run(), name="presence of custom resources")
            await self._supervise(stop)
            presence.cancel()

    async def _supervise(self, stop: asyncio.Event) -> None:
        backoff = Backoff(first=0.5, limit=5.0)
        while not stop.is_set():
            began = time.monotonic()
            try:
                delay = 0.0 if await self._served() else backoff.next()
                if not delay:
                    await self._live(stop)
            except Exception as error:
                logger.warning("The watch of custom resources ended and begins anew: %s", _words(error))
                logger.debug("It ended with:", exc_info=True)
                if time.monotonic() - began > 60:
                    backoff.reset()
                delay = backoff.next()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), delay)

    async def _served(self) -> bool:
        """Whether all kinds can be watched: kopf must not be started before, it would never look again."""
        for watch in self._watches.values():
            watch.last_attempt = time.monotonic()
        try:
            missing = {watch.resource for watch in self._watches.values() if not await self._api.serves(watch.resource)}
        except ApiError as error:
            if not isinstance(error, Unreachable):  # that is told by the session
                self._discovery.met(error.status, f"{error.status} {error.reason}")
            return False
        self._discovery.over()
        if missing != self._missing:
            self._missing = missing
            names = ", ".join(sorted(map(str, missing)))
            logger.warning("Waiting for the definitions of %s", names) if missing else logger.info(
                "All kinds are served"
            )
        return not missing

    async def _live(self, stop: asyncio.Event) -> None:
        """Run kopf once, until `stop` is set.

        Raises:
            Exception: whatever ended kopf.
        """
        for watch in self._watches.values():
            watch.started.clear()
        tasks = await kopf.spawn_tasks(
            registry=self._registry,
            settings=_settings(),
            identity=cast("Any", "datalake-operator"),  # never used; kopf would look up the user's name, and fail
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=stop,
        )
        self._on_started()
        life = asyncio.ensure_future(_join(tasks))
        begun = asyncio.ensure_future(self._begun())
        try:
            done, _ = await asyncio.wait([life, begun], timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise TimeoutError(f"kopf did not begin all its watches within {_START_SECONDS:g} s")
            await life
            if not stop.is_set():
                raise RuntimeError("kopf ended without a word")
        finally:
            for task in (begun, life):
                task.cancel()
            await asyncio.gather(begun, life, return_exceptions=True)
            await asyncio.gather(*self._watchers, return_exceptions=True)  # errors of which kopf took the first only
            self._watchers.clear()
            await self._log_out()

    async def _begun(self) -> None:
        for watch in self._watches.values():
            await watch.started.wait()

    async def _log_in(self) -> kopf.AiohttpSession:
        """Give kopf a session of its own, which it closes after a 401 and then asks for another."""
        if time.monotonic() - self._logged_in_at < 60:
            await asyncio.sleep(self._log_ins.next())
        else:
            self._log_ins.reset()
        await self._log_out()
        self._logged_in_at = time.monotonic()
        self._session = self._api.config.session(self._observe)
        return kopf.AiohttpSession(server=self._api.config.server, aiohttp_session=self._session)

    async def _log_out(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _observe(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """See what kopf asks and what it is answered: middleware of its session."""
        watch = self._watches.get(request.url.path)
        if watch is None:
            return await handler(request)
        if (watcher := asyncio.current_task()) is not None:
            self._watchers.add(watcher)
        verb = "watch" if "watch" in request.url.query else "list"
        pause = watch.last_attempt + _LEAST_PAUSE - time.monotonic()
        if verb == "watch" and pause > 0:
            await asyncio.sleep(pause)
        watch.last_attempt = time.monotonic()
        code = 0
        try:
            response = await handler(request)
            code = response.status
        finally:
            self._api.on_request(verb, watch.resource, code)
        if code < 400:
            watch.trouble.over()
        elif code not in (404, 410):  # those end kopf's watch, or the whole of it, and are told there
            watch.trouble.met(code, f"HTTP {code}")
        if verb == "list" and code == 200 and "continue" not in request.url.query:
            self._presence.listed(watch)
        return response


class _NoChanges(kopf.DiffBaseStorage):
    """Spares kopf three copies of every body, made for handlers of changes: there are none."""

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def store(self, **_: Any) -> None:
        pass


async def _join(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait until one of kopf's tasks ends, then end all of them.

    `kopf.run_tasks` would take every younger task of the process for one of kopf's and cancel it. Where one watch ended
    kopf, its other watches would go on without it.

    Raises:
        Exception: whatever ended the first.
    """
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
        await _end([task for task in asyncio.all_tasks() if task.get_name().startswith("watcher for ")])
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=5)  # kopf may lose a cancellation that comes between requests


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.process.ultimate_exiting_timeout = None  # our process goes on when kopf is started again
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 10.0
    settings.networking.error_backoffs = Backoff(limit=5.0)  # for ever: an unreachable API server is no reason to end
    settings.networking.enforce_retry_after = True
    settings.watching.server_timeout = random.randint(*_WATCH_SECONDS)  # noqa: S311 - jitter
    settings.watching.client_timeout = settings.watching.server_timeout + 10.0
    settings.watching.connect_timeout = 10.0
    settings.watching.inactivity_timeout = INACTIVITY
    settings.watching.chunk_size = PAGE
    settings.persistence.diffbase_storage = _NoChanges()
    settings.queueing.idle_timeout = 0.1  # a worker for each object: it need not linger
    return settings


def _quieten() -> None:
    """Leave only kopf's errors, and not those about requests and ends: they are told here, once for each change."""
    if logger.isEnabledFor(logging.DEBUG):
        return
    logging.getLogger("kopf").setLevel(logging.ERROR)
    for told in _TOLD_HERE:
        logging.getLogger(f"kopf.{told}").setLevel(logging.CRITICAL)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
