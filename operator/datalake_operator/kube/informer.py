"""Keeps a store equal to what the API server holds: list, watch, and begin again whatever happens."""

from __future__ import annotations

import asyncio
import logging
import time

from datalake_operator.kube.backoff import Backoff
from datalake_operator.kube.errors import ApiError, Gone, NotFound, Throttled, Unreachable
from datalake_operator.kube.resource import Resource
from datalake_operator.kube.session import Api, Event
from datalake_operator.kube.store import Store, key_of
from datalake_operator.kube.trouble import Trouble

logger = logging.getLogger(__name__)


class Informer:
    """Lists and watches one kind, in one namespace or in all, narrowed by selectors, into a store.

    Whatever the API server does is no error of the operator: it is retried for ever, and a trouble is logged once when
    it begins and once when it ends. A server that does not answer is told of by the session, for all informers at once.

    Attributes:
        store: where the objects go; other informers may share it if their namespaces differ.
        synced: set when the first list is in the store.
        missing: whether the API server does not know the kind; then `synced` stays unset.
        last_attempt: `time.monotonic()` of the last request, or of the last line of an open watch.
        began: `time.monotonic()` when it was made.
        trouble: the API server's last words against it, empty while all is well.
        restarts: how often a watch ended otherwise than agreed.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        store: Store | None = None,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.store = store if store is not None else Store(resource)
        self.synced = asyncio.Event()
        self.missing = False
        self.began = self.last_attempt = time.monotonic()
        self.trouble = ""
        self.restarts = 0
        self._api = api
        self._labels, self._fields = label_selector, field_selector
        self._backoff = Backoff()
        self._version = ""
        self._trouble = Trouble(logger, str(self))

    def __str__(self) -> str:
        return f"{self.resource} in {self.namespace or 'all namespaces'}"

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                await (self._watch() if self._version else self._list())
            except ApiError as error:
                await self._failed(error)

    async def _list(self) -> None:
        self.last_attempt = time.monotonic()
        present, version = set(), ""
        pages = self._api.pages(self.resource, self.namespace, label_selector=self._labels, field_selector=self._fields)
        async for page in pages:
            self.last_attempt = time.monotonic()
            version = page.resource_version
            for obj in page.items:
                present.add(key_of(obj))
                self.store.put(obj)
        self.store.retain(present, version, self.namespace)
        self._version = version
        self._well()
        self.synced.set()

    async def _watch(self) -> None:
        began = self.last_attempt = time.monotonic()
        events = self._api.watch(
            self.resource, self.namespace, self._version, label_selector=self._labels, field_selector=self._fields
        )
        async for event in events:
            self.last_attempt = time.monotonic()
            self._take(event)
            self._well()
        if time.monotonic() - began < 1:
            raise Unreachable("the watch ended at once")

    def _take(self, event: Event) -> None:
        metadata = event.object["metadata"]
        match event.type:
            case "ADDED" | "MODIFIED":
                self.store.put(event.object)
            case "DELETED":
                self.store.remove(*key_of(event.object), metadata["resourceVersion"])
            case "BOOKMARK":
                pass
            case _:
                logger.debug("Ignoring an event of unknown type %r for %s", event.type, self)
        self._version = metadata["resourceVersion"]

    async def _failed(self, error: ApiError) -> None:
        """Wait before the next attempt; list again unless only the connection, or haste, is to blame."""
        self.restarts += bool(self._version)
        self.missing = isinstance(error, NotFound)
        self.trouble = str(error)
        if not isinstance(error, Unreachable | Throttled):
            self._version = ""
        if not isinstance(error, Unreachable | Gone):
            words = "no such kind (is its CRD installed?)" if self.missing else f"{error.status} {error.reason}"
            self._trouble.met(error.status, words)
        await asyncio.sleep(self._backoff.next(error.retry_after))

    def _well(self) -> None:
        self._backoff.reset()
        self.missing = False
        self.trouble = ""
        self._trouble.over()
