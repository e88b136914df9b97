"""kopf handlers: each hands the body of a custom resource to its store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import kopf

from datalake_operator.kube.resource import Resource
from datalake_operator.kube.store import Object

Take = Callable[[Resource, str | None, Object], None]
"""Called with kind, type of the event (None: from a list) and body. It must not fail: kopf would hide it."""
LogIn = Callable[[], Awaitable[kopf.AiohttpSession]]


def registry(resources: Iterable[Resource], take: Take, log_in: LogIn) -> kopf.OperatorRegistry:
    """Return kopf's registry: one `on.event` handler for each kind, and the log-in.

    Args:
        resources: the kinds to watch.
        take: gets every event.
        log_in: gives kopf a session with our own configuration's credentials; an explicit registry has no default.
    """
    handlers = kopf.OperatorRegistry()
    for resource in resources:
        _watch(handlers, resource, take)

    @kopf.on.login(registry=handlers, errors=kopf.ErrorsMode.TEMPORARY, backoff=5)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return await log_in()

    return handlers


def _watch(handlers: kopf.OperatorRegistry, resource: Resource, take: Take) -> None:
    @kopf.on.event(resource.group, resource.version, resource.plural, registry=handlers, id=resource.plural)
    async def event(event: Any, **_: Any) -> None:
        take(resource, event["type"], event["object"])
