"""Leader election with a coordination.k8s.io Lease: at most one process works at any time.

The promise rests on the monotonic clock alone. A leader that could not renew within `renew_deadline` ends its process;
another takes the Lease only after it saw it unchanged for the longer `duration`. Wall clocks may differ as they like.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import math
import os
import random
from collections.abc import Callable

from datalake_operator.kube.errors import ApiError, Conflict, NotFound
from datalake_operator.kube.resource import LEASES
from datalake_operator.kube.session import Api, Object

logger = logging.getLogger(__name__)


class Lease:
    """One candidate for one Lease.

    Attributes:
        leading: set while this process leads.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str,
        identity: str,
        *,
        duration: float = 15.0,
        renew_deadline: float = 10.0,
        retry_period: float = 2.0,
        die: Callable[[int], object] = os._exit,
    ) -> None:
        """Prepare the candidate; times in seconds, their defaults are client-go's.

        Args:
            api: session with the API server.
            namespace: of the Lease.
            name: of the Lease.
            identity: of this process, unlike any other's that runs at the same time.
            duration: others wait so long for an unchanged Lease before they take it.
            renew_deadline: a leader that could not renew for so long ends its process.
            retry_period: between two attempts; one request takes less.
            die: ends the process at once, without clean-up.
        """
        self.leading = asyncio.Event()
        self._api = api
        self._namespace, self._name, self._identity = namespace, name, identity
        self._duration, self._renew_deadline, self._retry_period = duration, renew_deadline, retry_period
        self._die = die
        self._lease: Object | None = None
        self._seen_at = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Try to lead, lead, and give the Lease back once `stop` is set: set it when nothing more will be written."""
        loop = asyncio.get_running_loop()
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stopping.done():
                next_at = loop.time() + self._retry_period * random.uniform(0.9, 1.0)  # noqa: S311 - jitter
                await self._attempt()
                await asyncio.wait([stopping], timeout=max(next_at - loop.time(), 0.0))
            await self._release()
        finally:
            stopping.cancel()
            self._disarm()

    async def _attempt(self) -> None:
        """Renew or take the Lease. Every error only means that a later attempt must do."""
        started = asyncio.get_running_loop().time()
        try:
            if self._lease is None or not self.leading.is_set():
                await self._read()
            if self._holder() not in ("", self._identity) and (self.leading.is_set() or not self._expired()):
                if self.leading.is_set():
                    self._lost(f"{self._holder()} took the Lease {self._name}")
                return
            await self._write(self._identity)
        except (Conflict, NotFound):
            # Somebody wrote, perhaps we ourselves in a request that seemed to fail; or deleted it by hand: look again.
            self._lease = None
        except (ApiError, TimeoutError) as error:
            logger.debug("The Lease %s could not be read or written: %s", self._name, error)
        else:
            self._lead_until(started + self._renew_deadline)

    def _lead_until(self, deadline: float) -> None:
        self._disarm()
        text = f"the Lease {self._name} could not be renewed for {self._renew_deadline:g} s"
        self._deadline = asyncio.get_running_loop().call_at(deadline, self._lost, text)
        if not self.leading.is_set():
            logger.info("%s leads now: it holds the Lease %s", self._identity, self._name)
            self.leading.set()

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _lost(self, why: str) -> None:
        logger.critical("This process ends, because another may lead: %s", why)
        self._die(1)

    async def _read(self) -> None:
        old = self._lease
        try:
            async with asyncio.timeout(self._retry_period * 0.9):
                self._lease = await self._api.get(LEASES, self._namespace, self._name)
        except NotFound:
            # Deleted by hand while another may still work: that one makes it anew, or it runs out as it would have.
            if self._holder() in ("", self._identity) or self._expired():
                self._lease = None
            return
        if old is None or old["metadata"]["resourceVersion"] != self._lease["metadata"]["resourceVersion"]:
            self._seen_at = asyncio.get_running_loop().time()

    def _holder(self) -> str:
        return str((self._lease or {}).get("spec", {}).get("holderIdentity") or "")

    def _expired(self) -> bool:
        """Whether the Lease has not changed, before our own eyes, for as long as its holder promised to renew it."""
        promised = (self._lease or {}).get("spec", {}).get("leaseDurationSeconds") or self._duration
        return asyncio.get_running_loop().time() - self._seen_at > float(promised)

    async def _write(self, holder: str) -> None:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        old = (self._lease or {}).get("spec", {})
        renewed = self._holder() == holder
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": math.ceil(self._duration) if holder else 1,
            "acquireTime": old.get("acquireTime", now) if renewed else now,
            "renewTime": now,
            "leaseTransitions": old.get("leaseTransitions", 0) + (not renewed and bool(holder) and bool(old)),
        }
        metadata = {"namespace": self._namespace, "name": self._name}
        manifest: Object = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}
        async with asyncio.timeout(self._retry_period * 0.9):
            if self._lease is None:
                self._lease = await self._api.create(manifest)
            else:
                metadata["resourceVersion"] = self._lease["metadata"]["resourceVersion"]
                self._lease = await self._api.update(manifest)

    async def _release(self) -> None:
        """Tell the others that they need not wait. Best effort: they would find out."""
        if not self.leading.is_set():
            return
        self._disarm()
        self.leading.clear()
        try:
            if self._lease is None:
                await self._read()
            if self._lease is not None and self._holder() == self._identity:
                await self._write("")
            logger.info("%s gave the Lease %s back", self._identity, self._name)
        except (ApiError, TimeoutError) as error:
            logger.warning("The Lease %s could not be given back: %s", self._name, error)
