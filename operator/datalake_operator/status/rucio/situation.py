"""Where a RucioServer stands between an empty database and a Rucio that runs."""

from dataclasses import dataclass
from enum import Enum

from datalake_operator.api.rucio_status import DatabaseStatus, MigrationStatus
from datalake_operator.build.rucio.stage import Stage, Workloads
from datalake_operator.status.rucio import live
from datalake_operator.status.view import View


class Step(Enum):
    """What is waited for, or done."""

    CREDENTIALS = "credentials"
    """Secrets are being made."""

    CHECKING = "checking"
    """The Job that looks at the database has not said anything yet."""

    BLOCKED = "blocked"
    """The database is in a state in which nothing may start."""

    PENDING = "pending"
    """A migration waits for approval."""

    PRECHECK = "precheck"
    """It is being found out whether a dump can be made."""

    IMPOSSIBLE = "impossible"
    """A dump cannot be made."""

    STOPPING = "stopping"
    """Servers and daemons are being stopped."""

    DUMPING = "dumping"
    """The database is being dumped."""

    DUMP_FAILED = "dump-failed"
    """The dump failed."""

    MIGRATING = "migrating"
    """The schema is being migrated."""

    FOREIGN = "foreign"
    """Others use the database, so that it is not migrated."""

    MIGRATION_FAILED = "migration-failed"
    """The migration failed."""

    RUNNING = "running"
    """The database is current."""


@dataclass(frozen=True)
class Situation:
    """Where things stand."""

    stage: Stage
    step: Step
    facts: DatabaseStatus | None
    """What is known of the database as the spec says now; None: nothing yet."""
    record: MigrationStatus | None = None
    """The migration that has begun."""
    job: str = ""
    """Name of the Job that looks at the database; empty while Secrets are missing."""
    words: str = ""
    """What the Job that failed or waits has said."""


def standing(view: View) -> Workloads:
    """What becomes of workloads while nothing may start: those that are there stay."""
    return Workloads.KEPT if live.deployments(view) else Workloads.ABSENT
