"""What the parts of a status are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Context
from datalake_operator.build.rucio import called
from datalake_operator.build.rucio.stage import Workloads
from datalake_operator.status.conditions import Condition
from datalake_operator.status.rucio import daemons, live
from datalake_operator.status.rucio.blame import CHAIN, Blame, Seen
from datalake_operator.status.rucio.catalogue import wanted
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.rucio.situation import Step
from datalake_operator.status.rucio.stage import look
from datalake_operator.status.view import Observation, View

Manifest: TypeAlias = Mapping[str, Any]

STALE = timedelta(minutes=2)
"""What the server said last about logins and heartbeats stands so long while it gives no new answer."""


@dataclass(frozen=True)
class Judged:
    """Everything that was looked at."""

    seen: Seen
    database: Blame | None
    """What is wrong with the database."""
    stopped: bool
    """Whether daemons are stopped on purpose."""
    wanted: Sequence[daemons.Wanted]
    daemons: Sequence[daemons.Daemon]
    observation: Observation | None
    now: datetime

    @property
    def answer(self) -> Manifest | None:
        """The server's last answer while it counts."""
        one = self.observation
        if one is None or one.data is None or (one.error is not None and self.now >= one.time + STALE):
            return None
        return one.data


def judge(server: RucioServer, view: View, context: Context, now: datetime) -> Judged:
    """Look at everything once."""
    at, one = look(server, view, context), view.observation
    current = one.data if one is not None and one.error is None else None
    seen = Seen(server, view, at, (current or {}).get("health"))
    beats = (one.data or {}).get("heartbeats") if one is not None else None
    instances = _instances(seen)
    return Judged(
        seen=seen,
        database=next((blame for step in CHAIN if (blame := step(seen)) is not None), None),
        stopped=at.step in _STOPPED or any(map(live.stopped, live.deployments(view).values())),
        wanted=instances,
        daemons=[daemons.look(instance, view, beats, now) for instance in instances],
        observation=one,
        now=now,
    )


_STOPPED = frozenset(
    {Step.STOPPING, Step.DUMPING, Step.DUMP_FAILED, Step.MIGRATING, Step.FOREIGN, Step.MIGRATION_FAILED}
)


def _instances(seen: Seen) -> tuple[daemons.Wanted, ...]:
    """The daemons that are wanted now: while workloads are kept as they are, those that are there."""
    instances = wanted(seen.server, held=seen.at.stage.held)
    if seen.at.stage.workloads is not Workloads.KEPT:
        return instances
    there = live.deployments(seen.view)
    return tuple(
        replace(instance, replicas=live.replicas(there[instance.deployment]))
        for instance in instances
        if instance.deployment in there
    )


_HEARD = frozenset(
    {
        RucioReason.LOGIN_WORKS,
        RucioReason.ROOT_LOGIN_REFUSED,
        RucioReason.LOGIN_FAILED,
        RucioReason.DAEMONS_ALIVE,
        RucioReason.DAEMONS_STARTING,
        RucioReason.DAEMONS_FAILING,
        RucioReason.HEARTBEATS_STALE,
    }
)


def kept(judged: Judged, type_: str) -> Condition | None:
    """A condition as it was said last, if that was by a server's own words."""
    for old in judged.seen.view.previous.get("conditions", ()):
        if old["type"] == type_ and old["reason"] in _HEARD:
            return Condition(old["type"], old["status"], old["reason"], old["message"])
    return None


def unheard(judged: Judged) -> bool:
    """Whether there are servers, and the operator has not asked them yet because it has just started."""
    servers = live.components(judged.seen.view, called.SERVER)
    return bool(servers) and judged.observation is None and judged.seen.at.step is Step.RUNNING
