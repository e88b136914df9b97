"""What a cluster is and can: its identity, and kinds of others that some clusters serve and some do not."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from datalake_operator.kube.errors import ApiError, Forbidden, NotFound
from datalake_operator.kube.informer import Informer
from datalake_operator.kube.resource import NAMESPACES, POD_MONITORS
from datalake_operator.kube.session import Api

log = logging.getLogger(__name__)

_SYNC_SECONDS = 30.0
"""Seconds within which the first lists must be in: all workers may wait for them."""

_HOME = "kube-system"
"""Namespace that every cluster has exactly once and for all its life: its uid tells clusters apart."""


class Identity:
    """What tells this cluster from any other; asked for only once somebody wants to know.

    Attributes:
        uid: of the namespace kube-system, empty as long as it is not known.
        trouble: why it is not known, empty while nothing is wrong.

    Args:
        api: the session.
    """

    def __init__(self, api: Api) -> None:
        self.uid = ""
        self.trouble = ""
        self._api = api

    async def learn(self) -> bool:
        """Ask the API server unless it has told before; return whether that is news.

        By a list of one, since the budget of reads has no `get` for a start of the operator.
        """
        if self.uid:
            return False
        before = self.trouble
        try:
            found = await self._api.list(NAMESPACES, field_selector=f"metadata.name={_HOME}", metadata_only=True)
            self.uid, self.trouble = found.items[0]["metadata"]["uid"], ""
        except IndexError:
            self.trouble = f"there is no namespace {_HOME}"
        except ApiError as error:
            self.trouble = str(error)
        if self.trouble and self.trouble != before:
            log.warning("What identifies this cluster is not known: cannot read namespace %s: %s", _HOME, self.trouble)
        return self.trouble != before or bool(self.uid)


class PodMonitors:
    """Whether PodMonitor can be used here, and the informers of ours while it can.

    Args:
        api: the session.
        namespaces: namespaces that are served; one None stands for all.
        informers: makes the informers.
        on_change: called when the answer has changed.
        patience: seconds within which the first lists must be in.
    """

    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str | None],
        informers: Callable[[], list[Informer]],
        on_change: Callable[[], None],
        patience: float = _SYNC_SECONDS,
    ) -> None:
        self.served = False
        self._api = api
        self._namespace = namespaces[0]
        self._informers = informers
        self._on_change = on_change
        self._patience = patience
        self.running: list[Informer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._asking = asyncio.Lock()

    async def refresh(self) -> None:
        """Ask the API server whether it knows the kind and lets us use it; no answer changes nothing."""
        async with self._asking:
            try:
                await self._api.list(POD_MONITORS, self._namespace, field_selector="metadata.name=none")
            except (NotFound, Forbidden):
                served = False
            except ApiError as error:
                log.debug("whether PodMonitor is served stays unknown: %s", error)
                return
            else:
                served = True
            if served != self.served:
                await self._switch(served)

    async def close(self) -> None:
        """Stop the informers, and forget what they knew: nothing would tell of its end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for informer in self.running:
            informer.store.clear()
        self._tasks, self.running = [], []

    async def _switch(self, served: bool) -> None:
        await self.close()
        if served and not await self._begin():
            await self.close()
            return
        log.info("PodMonitor is %s by this cluster", "served" if served else "not served")
        self.served = served
        self._on_change()

    async def _begin(self) -> bool:
        """Start the informers; give whether all of them got their first list."""
        self.running = self._informers()
        self._tasks = [asyncio.create_task(informer.run(), name=str(informer)) for informer in self.running]
        try:
            async with asyncio.timeout(self._patience):
                for informer in self.running:
                    await informer.synced.wait()
        except TimeoutError:
            log.warning("PodMonitors cannot be listed in every namespace that is served; they are left out until then")
            return False
        return True
