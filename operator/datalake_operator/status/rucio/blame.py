"""Why a RucioServer is not ready: the database first, then its schema. An ordered chain, the first answer wins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.rucio import called
from datalake_operator.status.pods import is_ready, why_not_ready
from datalake_operator.status.rucio import live, postgres, results
from datalake_operator.status.rucio.approvals import command
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.rucio.situation import Situation, Step
from datalake_operator.status.rucio.stage import resumed
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Blame:
    """What keeps a RucioServer from being ready."""

    reason: str
    message: str
    stalled: bool = False
    """A user must act."""
    progressing: bool = True
    """It goes on, or is tried again, by itself."""


@dataclass(frozen=True)
class Seen:
    """What the chain looks at."""

    server: RucioServer
    view: View
    at: Situation
    health: Mapping[str, Any] | None
    """What the server's own check says now; None where it does not answer."""

    @property
    def state(self) -> str | None:
        """State of the database as servers see it now."""
        return (self.health or {}).get("state")


UNREACHABLE = {
    "unreachable": RucioReason.DATABASE_UNREACHABLE,
    "wrong-password": RucioReason.DATABASE_PASSWORD_REFUSED,
}
"""States in which nothing is known of the schema."""

_MENDING = {
    "busy": RucioReason.DATABASE_BUSY,
    "failed": RucioReason.CHECK_FAILED,
}
"""States that are tried again."""

_STALLED = {
    "empty": RucioReason.DATABASE_EMPTY,
    "partial": RucioReason.DATABASE_PARTIAL,
    "behind": RucioReason.SCHEMA_BEHIND,
    "unstamped": RucioReason.SCHEMA_UNSTAMPED,
    "ahead": RucioReason.SCHEMA_AHEAD,
    "not-utf8": RucioReason.DATABASE_ENCODING,
    "no-permission": RucioReason.DATABASE_PERMISSION_MISSING,
    "missing-schema": RucioReason.DATABASE_SCHEMA_MISSING,
    "pooler": RucioReason.TRANSACTION_POOLER,
    "other-schema": RucioReason.OTHER_SCHEMA,
    "not-ours": RucioReason.DATABASE_NOT_OURS,
    "version-mismatch": RucioReason.VERSION_MISMATCH,
    "foreign-writers": RucioReason.FOREIGN_WRITERS,
    "stale-plan": RucioReason.SCHEMA_BEHIND,
}
"""States that a user must mend."""


def unreachable(seen: Seen) -> Blame | None:
    """The database does not answer, or refuses us."""
    found = seen.at.facts.state if seen.at.facts and seen.at.step is Step.BLOCKED else None
    said = found if found in UNREACHABLE else seen.state
    pod = postgres.trouble(seen.server, seen.view) if not _answers(seen) else None
    if said == "wrong-password":
        return Blame(RucioReason.DATABASE_PASSWORD_REFUSED, _words(seen, "the database refuses user or password"))
    if said is None and pod is None:
        return _still(seen)
    if said == "unreachable" or pod is not None:
        text = f"the database does not run: {pod}" if pod else _words(seen, "the database does not answer")
        return Blame(RucioReason.DATABASE_UNREACHABLE, text)
    return None


def _answers(seen: Seen) -> bool:
    """Whether servers found the database well, and its pod was not lost since."""
    one = seen.view.observation
    return seen.state == "current" and one is not None and not postgres.down_since(seen.server, seen.view, one.time)


def _still(seen: Seen) -> Blame | None:
    """What was said before stands while an operator that has just started has not asked servers that are not ready."""
    servers = live.components(seen.view, called.SERVER)
    if seen.view.observation is not None or not servers or any(map(is_ready, servers)):
        return None
    for old in seen.view.previous.get("conditions", ()):
        if old["type"] == "DatabaseReachable" and old["reason"] in UNREACHABLE.values():
            return Blame(old["reason"], old["message"])
    return None


def _words(seen: Seen, head: str) -> str:
    """What was said of it first: later attempts may fail with other words, which are no news."""
    for old in seen.view.previous.get("conditions", ()):
        if old["type"] == "DatabaseReachable" and old["status"] == "False" and old["message"].startswith(head):
            return str(old["message"])
    facts = seen.at.facts
    said = (seen.health or {}).get("message") if seen.state in UNREACHABLE else facts and facts.message
    return f"{head}: {said}" if said else head


def unchecked(seen: Seen) -> Blame | None:
    """Nobody has looked at the database as the spec says now."""
    if seen.at.step is Step.CREDENTIALS:
        return Blame(RucioReason.CREDENTIALS_PENDING, "waits for the Secrets that hold its passwords")
    if seen.at.step is not Step.CHECKING or _routine(seen):
        return None
    # What a Job found before a suspension counts no more: another one follows.
    trouble = None if resumed(seen.server, seen.view) else _job_trouble(seen)
    return trouble or Blame(
        RucioReason.CHECKING_DATABASE, "looks at the database with the version and configuration of the spec"
    )


def _routine(seen: Seen) -> bool:
    """Whether a database that servers find well is looked at again though the spec is served: a Secret changed."""
    said = {old["type"]: old for old in seen.view.previous.get("conditions", ())}.get("Ready", {})
    served = said.get("status") == "True" and said.get("observedGeneration") == seen.server.metadata.generation
    return served and seen.state == "current" and not resumed(seen.server, seen.view)


def _job_trouble(seen: Seen) -> Blame | None:
    """Why the Job that looks at the database will not tell what it finds."""
    name = seen.at.job
    job, pods = seen.view.children.get(("Job", name)), results.pods(seen.view, name)
    if job is not None and live.failed(job):
        text = f"Job {name} was given up; `kubectl delete job {name}` has it tried again"
        return Blame(RucioReason.CHECK_FAILED, text, stalled=True)
    found = [finding for pod in pods if (finding := why_not_ready(pod)) is not None]
    stuck = next((finding for finding in found if not finding.progressing), None)
    if stuck is not None:
        text = f"Job {name}, which looks at the database: {stuck.message}"
        return Blame(stuck.reason, text, progressing=False)
    if job is not None and live.complete(job) and pods:
        text = f"Job {name} ended without a result: check that spec.image is an image made for this operator"
        return Blame(RucioReason.CHECK_FAILED, text, stalled=True)
    return None


def blocked(seen: Seen) -> Blame | None:
    """The database is in a state in which nothing may start."""
    facts = seen.at.facts
    if seen.at.step is not Step.BLOCKED or facts is None or facts.state is None:
        return None
    state = "not-ours" if facts.state == "current" else facts.state
    return _of_state(state, facts.message or f"the database is {state}", seen)


def changed(seen: Seen) -> Blame | None:
    """The database was changed under servers that run."""
    state = seen.state
    if seen.at.step is not Step.RUNNING or state is None or state == "current":
        return None
    said = str((seen.health or {}).get("message") or f"the database is {state}")
    return _of_state(state, said, seen)


def _of_state(state: str, words: str, seen: Seen) -> Blame | None:
    if state in _MENDING:
        return Blame(_MENDING[state], words)
    lost = seen.at.stage.filled or seen.at.step is Step.RUNNING
    if state == "empty" and seen.server.spec.bootstrap == "IfEmpty" and not lost:
        return Blame(RucioReason.CHECKING_DATABASE, words)
    reason = _STALLED.get(state)
    mend = (_LOST if lost else _UNFILLED) if state == "empty" else ""
    return Blame(reason, words + mend + _adoption(state, seen), stalled=True) if reason else None


_UNFILLED = "; set spec.bootstrap to IfEmpty to have it filled, or restore a dump"
_LOST = (
    "; it held a Rucio before, and is not filled anew by itself: find out where that went and restore a dump, or "
    "delete this resource and apply it again to begin anew"
)


def _adoption(state: str, seen: Seen) -> str:
    """How a database is adopted, with the exact words."""
    facts = seen.at.facts
    if state != "not-ours" or facts is None or not facts.name:
        return ""
    if seen.server.spec.database.external is not None:
        how = f"set spec.database.external.adopt to {facts.name}"
    else:
        how = command(seen.server, "adopt-database", facts.name)
    return f"; use another, or, if it shall be this RucioServer's and nobody else uses it: {how}"


def migrating(seen: Seen) -> Blame | None:
    """A migration waits, is under way, or failed."""
    step = _STEPS.get(seen.at.step)
    return step(seen) if step is not None else None


def _pending(seen: Seen) -> Blame:
    facts, name = seen.at.facts, seen.server.metadata.name
    if facts is None or facts.plan is None:
        return Blame(RucioReason.SCHEMA_BEHIND, "the schema is behind", stalled=True)
    plan, given = facts.plan, live.annotation(seen.server, "approve-migration")
    stale = f"the approval {given[:10]}… is for another plan and counts for nothing; " if given else ""
    text = (
        f"the schema is at {plan.from_revision} and Rucio {seen.server.spec.version} needs {plan.to_revision}; "
        f"{stale}read ConfigMap {called.plan_config_map(name)} and approve: "
        f"{command(seen.server, 'approve-migration', plan.hash)}; {_meanwhile(seen)}"
    )
    return Blame(RucioReason.MIGRATION_PENDING, text, stalled=True)


def _meanwhile(seen: Seen) -> str:
    deployments = live.deployments(seen.view).values()
    if not deployments:
        return "nothing runs before"
    if any(map(live.stopped, deployments)):
        return f"servers and daemons stay stopped until then; {_BACK}"
    return "what ran before goes on running until then"


_BACK = "to go back, set spec.version to the one before"


def _impossible(seen: Seen) -> Blame:
    job = called.precheck_job(seen.server.metadata.name, _short(seen))
    text = (
        f"{seen.at.words}; nothing was stopped. Mend it and have it tried again with "
        f"`{_delete(seen, job)}`, or set spec.migrations.backup.disabled"
    )
    return Blame(RucioReason.BACKUP_IMPOSSIBLE, text, stalled=True)


def _dump_failed(seen: Seen) -> Blame:
    job = called.dump_job(seen.server.metadata.name, _short(seen))
    text = (
        f"the dump before the migration failed: {seen.at.words}; servers and daemons stay stopped. Mend it and have it "
        f"tried again with `{_delete(seen, job)}`; {_BACK}"
    )
    return Blame(RucioReason.BACKUP_FAILED, text, stalled=True)


def _foreign(seen: Seen) -> Blame:
    file = seen.at.record.file if seen.at.record else None
    lacks = f"; what they write meanwhile is not in the dump {file}" if file else ""
    goes_on = f"servers and daemons stay stopped, and the migration goes on when they are gone{lacks}"
    text = f"{seen.at.words}; {goes_on}; {_BACK}"
    return Blame(RucioReason.FOREIGN_WRITERS, text)


def _failed(seen: Seen) -> Blame:
    record, name = seen.at.record, seen.server.metadata.name
    job = called.migrate_job(name, _short(seen))
    dump = record.file if record else None
    if dump:
        restore = (
            f"the dump before it is {dump} on claim {called.backup(name)}; to restore it: `postgres-restore --dir "
            f"/backup --file {dump} --replace` as docs/rucio.md (Restore) says, then set spec.version to the one before"
        )
    else:
        restore = "no dump was made by us: restore your own"
    text = (
        f"the migration failed: {seen.at.words}; servers and daemons stay stopped; {restore}. "
        f"To try again instead: `{_delete(seen, job)}`"
    )
    return Blame(RucioReason.MIGRATION_FAILED, text, stalled=True)


def _going(text: str) -> Callable[[Seen], Blame]:
    return lambda seen: Blame(RucioReason.MIGRATING, f"{text}, and waits: {seen.at.words}" if seen.at.words else text)


def _short(seen: Seen) -> str:
    return seen.at.stage.plan.short if seen.at.stage.plan else ""


def _delete(seen: Seen, job: str) -> str:
    return f"kubectl -n {seen.server.metadata.namespace} delete job {job}"


_STEPS: Mapping[Step, Callable[[Seen], Blame]] = {
    Step.PENDING: _pending,
    Step.PRECHECK: _going("finds out whether a dump can be made before the migration; servers still run"),
    Step.IMPOSSIBLE: _impossible,
    Step.STOPPING: _going("stops servers and daemons for the migration"),
    Step.DUMPING: _going("dumps the database before the migration"),
    Step.DUMP_FAILED: _dump_failed,
    Step.MIGRATING: _going("migrates the schema"),
    Step.FOREIGN: _foreign,
    Step.MIGRATION_FAILED: _failed,
}

CHAIN: tuple[Callable[[Seen], Blame | None], ...] = (
    unreachable,  # nothing works without it, and everything fails in its own way
    unchecked,  # nothing is known
    blocked,  # it is known that nothing may start
    migrating,  # it is known what must happen first
    changed,  # what was known holds no more
)
