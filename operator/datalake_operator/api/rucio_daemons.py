"""Daemons of a RucioServer."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.common import Resources
from datalake_operator.api.meta import ATOMIC, MAP_BY_NAME, Duration, Items, Model
from datalake_operator.api.rucio_database import DaemonPool
from datalake_operator.api.rules import ListType, duration_range, matching, rule
from datalake_operator.api.values import ONE_LINE

_TAKEN = ("auth", "database", "server")

DaemonName: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=32),
    matching(
        "[a-z]([-a-z0-9]*[a-z0-9])?",
        "must be a DNS label that starts with a letter",
        mend="use lower-case letters, digits and '-', e.g. reaper-tape",
    ),
]

OptionValue: TypeAlias = Annotated[
    str,
    Field(max_length=256, pattern=ONE_LINE),
]


class DaemonOption(Model):
    """A long flag of a daemon."""

    flag: Annotated[
        str,
        Field(min_length=1, max_length=63),
        matching("[a-z][a-z0-9]*(-[a-z0-9]+)*", "must be a long flag without its dashes", mend="e.g. include-rses"),
    ]
    """The flag without its dashes, e.g. include-rses; it must exist in this version."""
    values: Annotated[Items[OptionValue], Field(max_length=16), ATOMIC] = ()
    """Its values; none for a switch."""


class DaemonInstance(Model):
    """One Deployment of one daemon."""

    name: Annotated[
        DaemonName,
        rule(
            f"!(self in {list(_TAKEN)})",
            "is taken by another part of the server",
            lambda name: name not in _TAKEN,
            mend="choose another name, e.g. reaper-tape",
        ),
    ]
    """Name of the instance, at most 32 characters; also the daemon, unless that is said."""
    daemon: DaemonName | None = None
    """Which daemon, as in rucio-NAME. Default: name."""
    replicas: Annotated[int, Field(ge=0, le=50)] = 1
    """Pods. 1 by default."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Threads of each pod. 1 by default."""
    sleep_time: Annotated[Duration, duration_range("1s", "24h")] | None = None
    """Pause between two rounds, 1s to 24h. Default: the daemon's own."""
    heartbeat_timeout: Annotated[Duration, duration_range("1m", "72h")] | None = None
    """Age at which a heartbeat is stale, 1m to 72h. Default: 10m or three times sleepTime, whichever is more."""
    options: Annotated[Items[DaemonOption], Field(max_length=32), ListType("map", ("flag",))] = ()
    """Further flags."""
    resources: Resources = Field(default_factory=dict)
    """Resources of its container. Default: measured figures for this daemon."""


class Daemons(Model):
    """Which daemons run."""

    preset: Literal["Minimal", "Standard", "None"] = "Minimal"
    """Which daemons run without being named: Minimal by default, Standard, or None; docs/rucio.md lists them."""
    pool: DaemonPool = Field(default_factory=DaemonPool)
    """Database connections of each daemon, 2 + 2 by default."""
    instances: Annotated[Items[DaemonInstance], Field(max_length=64), MAP_BY_NAME] = ()
    """Further instances, or settings for those of the preset (same name)."""
