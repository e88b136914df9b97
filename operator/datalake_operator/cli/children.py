"""The children of a resource as they would be in a cluster where everything that it needs is there."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from datalake_operator.api.kinds import Resource
from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.problems import Problem
from datalake_operator.api.rucio import RucioServer
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context, Refused, probe, rucio, xcache
from datalake_operator.build.rucio.stage import Stage, Workloads

UID = "00000000-0000-0000-0000-000000000000"
"""uid in owner references, and of the cluster: only the server knows the real ones."""

_RUNNING = Stage(workloads=Workloads.RUNNING, credentials=True)


def children(model: Resource, context: Context, namespace: str) -> Sequence[Mapping[str, Any]]:
    """Build them; of a RucioServer those that it has once its database is current.

    Where a probe's XCacheNode or RucioServer can be reached is guessed from its name.

    Args:
        model: what the manifest became.
        context: facts about an installation.
        namespace: of a manifest that names none.

    Raises:
        Refused: The spec is valid, and yet cannot work.
    """
    metadata = model.metadata.model_copy(update={"uid": UID, "namespace": model.metadata.namespace or namespace})
    match model.model_copy(update={"metadata": metadata}):
        case XCacheNode() as node:
            return xcache.build(node, context)
        case RucioServer() as server:
            return rucio.build(server, context, _RUNNING)
        case QoSProbe() as watched:
            return probe.build(watched, context, probe.placeholders(watched))


def refusal(model: Resource) -> Problem | None:
    """What makes a build impossible, if anything does, as a problem of the field that its message begins with."""
    try:
        children(model, Context("example.org/xcache:1", "default", cluster=UID), "default")
    except Refused as refused:
        field, message = re.fullmatch(r"(spec[\w.\[\]]*)?:? *(.*)", refused.message, re.DOTALL).groups()  # type: ignore[union-attr] # matches all
        return Problem(field or "", message)
    return None
