"""What is wanted of a RucioServer now, as plain data: `status` finds it out, `build` makes children of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Workloads(Enum):
    """What becomes of servers and daemons."""

    ABSENT = "absent"
    """There are none yet, and there shall be none: the database is not known to be current."""

    KEPT = "kept"
    """Those that are there stay exactly as they are, neither repaired nor pruned."""

    STOPPED = "stopped"
    """No replicas: the database is about to be migrated."""

    RUNNING = "running"
    """The database is current: they run as the spec says."""


@dataclass(frozen=True)
class Plan:
    """A migration."""

    hash: str
    """64 hexadecimal digits: what an approval is bound to."""

    from_revision: str
    to_revision: str
    path: tuple[str, ...]
    """Revisions in the order in which they are applied."""

    sql: str | None
    """What will be run; None where it is too long to be shown."""

    @property
    def short(self) -> str:
        """Part of the hash for names."""
        return self.hash[:10]


@dataclass(frozen=True)
class Stage:
    """Everything that a build needs beyond spec and installation."""

    workloads: Workloads = Workloads.ABSENT

    credentials: bool = False
    """Whether every Secret that pods need is there, so that Jobs and pods may be made."""

    stamps: Mapping[str, str] = field(default_factory=dict)
    """What identifies the content of each Secret and ConfigMap that pods use, by `Kind/name`; see `stamp`."""

    adopt: str = ""
    """Name of the database whose use is allowed although somebody else filled it."""

    filled: bool = False
    """Whether the database has held a Rucio before: an empty one then has lost it, and must not be filled anew."""

    held: bool = False
    """Whether daemons that delete or move files have no replicas until somebody approves."""

    plan: Plan | None = None
    """The migration that waits, or is under way."""

    precheck: bool = False
    """Whether the Job is wanted that finds out if a dump can be made."""

    dump: bool = False
    """Whether the Job is wanted that dumps the database before the migration."""

    migrate: bool = False
    """Whether the Job is wanted that migrates."""

    found_replicas: Mapping[str, int] = field(default_factory=dict)
    """Replicas of each live Deployment that a scaler may have set, by its name; those before a migration after it."""


def stamp(live: Mapping[str, Any]) -> str:
    """What identifies the content of a live Secret or ConfigMap, and says nothing about it.

    A hash of the content would let everybody who may read pods try passwords against it.
    """
    metadata = live["metadata"]
    return hashlib.sha256(f"{metadata['uid']}/{metadata['resourceVersion']}".encode()).hexdigest()[:10]
