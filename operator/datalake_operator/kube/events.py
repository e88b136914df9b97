"""Kubernetes Events: what `kubectl describe` tells of the last transitions. Best effort: nothing waits for them."""

from __future__ import annotations

import asyncio
import datetime
import logging
import secrets
from typing import Any, Literal

from datalake_operator.kube import resource as kinds
from datalake_operator.kube.errors import ApiError
from datalake_operator.kube.session import Api
from datalake_operator.kube.store import Object

logger = logging.getLogger(__name__)

COMPONENT = "datalake-operator"
_QUEUE = 1000
"""Events that wait while the API server is slow; further ones are dropped."""
_MESSAGE = 1024
"""Longest message that core/v1 Events take, in characters (Kubernetes `legacyValidateEvent`)."""


class EventRecorder:
    """Posts Events about custom resources, one after the other. The caller emits them on transitions only."""

    def __init__(self, api: Api, instance: str) -> None:
        """Prepare the recorder.

        Args:
            api: session with the API server.
            instance: name of this process, such as the pod's name.
        """
        self._api = api
        self._instance = instance
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_QUEUE)

    def emit(self, about: Object, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Have an Event posted soon; never blocks, never fails.

        Args:
            about: the object that the Event is about, with apiVersion, kind and metadata.
            kind: `Warning` for what a user should mend.
            reason: CamelCase, of the conditions' reasons.
            message: one sentence; cut at 1,024 characters.
        """
        try:
            self._queue.put_nowait(self._event(about, kind, reason, message))
        except asyncio.QueueFull:
            logger.debug("Too many Events wait: dropped %s of %s", reason, about["metadata"]["name"])

    async def run(self) -> None:
        """Post what was emitted until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                await self._api.create(event)
            except ApiError as error:
                logger.debug("An Event could not be posted: %s", error)

    def _event(self, about: Object, kind: str, reason: str, message: str) -> dict[str, Any]:
        metadata = about["metadata"]
        namespace = metadata.get("namespace", "default")
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": kinds.EVENTS.api_version,
            "kind": kinds.EVENTS.kind,
            "metadata": {"namespace": namespace, "name": f"{metadata['name']}.{secrets.token_hex(8)}"},
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "namespace": namespace,
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata.get("resourceVersion", ""),
            },
            "type": kind,
            "reason": reason,
            "message": message if len(message) <= _MESSAGE else message[: _MESSAGE - 1] + "…",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._instance,
        }
