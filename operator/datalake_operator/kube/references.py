"""Secrets, ConfigMaps and other single objects that custom resources name: one list and watch for each distinct name.

The operator thus sees, and may see, only what somebody refers to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

from datalake_operator.kube.informer import Informer
from datalake_operator.kube.resource import Resource
from datalake_operator.kube.session import Api
from datalake_operator.kube.store import Object


class Reference(NamedTuple):
    """One named object."""

    resource: Resource
    namespace: str
    name: str


OnReference = Callable[[Reference, frozenset[Hashable]], None]
"""Called with the reference that became known or changed, and everybody who refers to it."""


class References:
    """What is referred to, by whom, and what it holds now.

    `run` must be running: it owns the watches. Objects handed out are shared: nobody may change them.
    """

    def __init__(self, api: Api, on_change: OnReference) -> None:
        self._api = api
        self._on_change = on_change
        self._owners: dict[Reference, set[Hashable]] = {}
        self._wanted: dict[Hashable, frozenset[Reference]] = {}
        self._informers: dict[Reference, Informer] = {}
        self._tasks: dict[Reference, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Run the watches until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for reference in self._informers:
                    self._start(reference)
                await asyncio.Event().wait()
        finally:
            self._group = None

    def want(self, owner: Hashable, references: Iterable[Reference]) -> None:
        """Set everything that an owner refers to, nothing when it is gone; watches begin and end accordingly."""
        new, old = frozenset(references), self._wanted.get(owner, frozenset())
        for reference in new - old:
            self._owners.setdefault(reference, set()).add(owner)
            if reference not in self._informers:
                self._begin(reference)
        for reference in old - new:
            self._owners[reference].discard(owner)
            if not self._owners[reference]:
                self._end(reference)
        if new:
            self._wanted[owner] = new
        else:
            self._wanted.pop(owner, None)

    def get(self, reference: Reference) -> Object | None:
        """Return the object, or None where it does not exist or is not known yet."""
        informer = self._informers.get(reference)
        return informer.store.get(reference.namespace, reference.name) if informer is not None else None

    def known(self, reference: Reference) -> bool:
        """Whether the API server was heard about it: only then does None from `get` mean absence."""
        informer = self._informers.get(reference)
        return informer is not None and informer.synced.is_set()

    def silence(self, reference: Reference) -> tuple[float, str]:
        """Return for how many seconds nothing could be learned of a wanted object that is not known, and why."""
        informer = self._informers[reference]
        return time.monotonic() - informer.began, informer.trouble or "no answer yet"

    def informers(self) -> list[Informer]:
        """Return the running watches, for health and metrics."""
        return list(self._informers.values())

    def _begin(self, reference: Reference) -> None:
        informer = Informer(
            self._api, reference.resource, reference.namespace, field_selector=f"metadata.name={reference.name}"
        )
        informer.store.on_change(lambda _resource, _old, _new: self._changed(reference))
        self._informers[reference] = informer
        if self._group is not None:
            self._start(reference)

    def _start(self, reference: Reference) -> None:
        if self._group is None:
            raise RuntimeError("the watches of references are not running")
        self._tasks[reference] = self._group.create_task(self._follow(reference), name=f"watch of {reference}")

    async def _follow(self, reference: Reference) -> None:
        informer = self._informers[reference]
        first = asyncio.ensure_future(informer.synced.wait())
        first.add_done_callback(lambda task: None if task.cancelled() else self._changed(reference))
        try:
            await informer.run()
        finally:
            first.cancel()

    def _end(self, reference: Reference) -> None:
        del self._owners[reference], self._informers[reference]
        task = self._tasks.pop(reference, None)
        if task is not None:
            task.cancel()

    def _changed(self, reference: Reference) -> None:
        informer = self._informers.get(reference)
        if informer is not None and informer.synced.is_set():
            self._on_change(reference, frozenset(self._owners[reference]))
