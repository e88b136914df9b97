"""Which custom resources exist: what kopf does not tell.

After a lost watch kopf lists again and reports what is there, but never what vanished meanwhile; nor does it tell when
a list is over. So after each of its lists one list of metadata is made: what the store holds beyond it has vanished,
and what it holds beyond the store is still on its way through kopf. Once all of that has come, the store is in step.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from datalake_operator.kube.backoff import Backoff
from datalake_operator.kube.errors import ApiError
from datalake_operator.kube.resource import Resource
from datalake_operator.kube.session import Api
from datalake_operator.kube.store import Key, Object, Store, key_of
from datalake_operator.kube.trouble import Trouble

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Watch:
    """One of kopf's watches, as seen from outside.

    Attributes:
        resource: the kind.
        namespace: None means all.
        last_attempt: `time.monotonic()` of its last request.
        started: whether it was seen to list in this life of kopf.
        restarts: how often it listed again.
        trouble: what the API server has against it.
        awaited: objects that exist and have not come yet; None before the first list.
    """

    resource: Resource
    namespace: str | None
    last_attempt: float = field(default_factory=time.monotonic)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    restarts: int = -1
    awaited: set[Key] | None = None
    trouble: Trouble = field(init=False)

    def __post_init__(self) -> None:
        self.trouble = Trouble(logger, str(self))

    def __str__(self) -> str:
        return f"{self.resource} in {self.namespace or 'all namespaces'}"


class Presence:
    """Keeps stores and watches in step.

    Attributes:
        watches: kopf's watches by the path of their requests.
        synced: set once every store holds all that exists.
    """

    def __init__(self, api: Api, stores: Mapping[Resource, Store], namespaces: Iterable[str]) -> None:
        self.synced = asyncio.Event()
        places: list[str | None] = [*namespaces] or [None]
        self.watches = {
            resource.path(namespace): Watch(resource, namespace) for resource in stores for namespace in places
        }
        self._api = api
        self._stores = stores
        self._listed: asyncio.Queue[Watch] = asyncio.Queue()

    def listed(self, watch: Watch) -> None:
        """Note that kopf has just been answered a list."""
        watch.restarts += 1
        watch.started.set()
        self._listed.put_nowait(watch)

    def take(self, resource: Resource, event: str | None, body: Object) -> None:
        """Note an event that kopf delivered."""
        store, key = self._stores[resource], key_of(body)
        if event == "DELETED":
            store.remove(*key, body["metadata"]["resourceVersion"])
        else:
            store.put(body)
        for watch in self.watches.values():
            if watch.resource is resource and watch.awaited:
                watch.awaited.discard(key)
                self._check()

    async def run(self) -> None:
        """Compare after each of kopf's lists, until cancelled."""
        backoff = Backoff()
        while True:
            watch = await self._listed.get()
            try:
                await self._compare(watch)
                backoff.reset()
            except ApiError as error:
                logger.debug("Cannot list the metadata of %s: %s", watch, error)
                await asyncio.sleep(backoff.next(error.retry_after))
                self._listed.put_nowait(watch)

    async def _compare(self, watch: Watch) -> None:
        store = self._stores[watch.resource]
        present: set[Key] = set()
        version = ""
        async for page in self._api.pages(watch.resource, watch.namespace, metadata_only=True):
            present.update(map(key_of, page.items))
            version = page.resource_version
        store.retain(present, version, watch.namespace)
        watch.awaited = present.difference(store.keys())
        self._check()

    def _check(self) -> None:
        if all(watch.awaited is not None and not watch.awaited for watch in self.watches.values()):
            self.synced.set()
