"""Whether PostgreSQL takes the connections that all pods together may open."""

from collections.abc import Sequence

from datalake_operator.api.rucio import RucioServer
from datalake_operator.status.conditions import Condition
from datalake_operator.status.rucio.daemons import Wanted
from datalake_operator.status.rucio.reasons import RucioReason

TYPE = "ConnectionsSufficient"
"""Type of the condition."""

_RESERVED = 3
"""Connections that PostgreSQL keeps for superusers (superuser_reserved_connections, its default)."""

_JOBS = 3
"""Connections of Jobs at a time: the look at the database, a dump, a migration."""

_HEALTH, _MASTER = 1, 1
"""Connections beside the pool: of each server process for its health, and of each pod for reading Rucio's settings."""


def sufficient(server: RucioServer, replicas: int, daemons: Sequence[Wanted], most: int | None) -> Condition | None:
    """Compare the worst case with `max_connections`; None where that is not known."""
    if most is None:
        return None
    spec, pool, theirs = server.spec, server.spec.database.pool, server.spec.daemons.pool
    pods = replicas + (spec.auth_server.replicas if spec.auth_server.separate else 0)
    servers = pods * (spec.server.processes * (pool.size + pool.max_overflow + _HEALTH) + _MASTER)
    others = sum(daemon.replicas for daemon in daemons) * (theirs.size + theirs.max_overflow)
    worst, free = servers + others + _JOBS, most - _RESERVED
    if worst <= free:
        return Condition(TYPE, "True", RucioReason.CONNECTIONS_SUFFICE, f"{worst} at most, of {free}")
    return Condition(
        TYPE,
        "False",
        RucioReason.CONNECTIONS_EXCEEDED,
        f"servers may open {servers} connections, daemons {others}, Jobs {_JOBS}; PostgreSQL takes {free}: raise its "
        f"max_connections, or lower spec.database.pool, spec.daemons.pool, spec.server.processes or replicas",
    )
