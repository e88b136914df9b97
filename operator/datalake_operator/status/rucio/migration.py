"""The steps of a migration: approval, a look whether a dump is possible, stop, dump, migrate.

Nothing is scaled before a dump is known to be possible, nothing is migrated before it is made and everything is
stopped, and there are never two migrations at a time.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.api.rucio_status import MigrationStatus, PlanStatus
from datalake_operator.build.rucio import called
from datalake_operator.build.rucio.stage import Stage, Workloads
from datalake_operator.status.rucio import facts, live, results
from datalake_operator.status.rucio.results import BackupResult
from datalake_operator.status.rucio.situation import Situation, Step
from datalake_operator.status.view import View

_UNDECIDED = frozenset({"unreachable", "wrong-password", "busy"})
"""States that say nothing about the schema."""


def approved(server: RucioServer, plan: PlanStatus, record: MigrationStatus | None) -> bool:
    """Whether this migration may begin, or go on: an approval holds for one plan, and for what is left of it."""
    if server.spec.migrations.mode == "Automatic":
        return True
    approval = live.annotation(server, "approve-migration")
    return approval == plan.hash or (continues(plan, record) and record is not None and approval == record.hash)


def continues(plan: PlanStatus, record: MigrationStatus | None) -> bool:
    """Whether a plan is what is left of the migration that has begun."""
    if record is None:
        return False
    if record.hash == plan.hash:
        return True
    left = len(plan.path)
    return bool(left) and plan.from_revision in record.path and record.path[-left:] == plan.path


# --- a migration Job that is there


def at_work(server: RucioServer, view: View) -> str | None:
    """Name of a migration Job that has not ended, or of one that is gone and whose pods have not ended."""
    prefix = called.migrate_prefix(server.metadata.name)
    for name, job in live.jobs(view, prefix).items():
        if not live.finished(job):
            return name
    left = [results.job_of(pod) for pod in view.pods if not live.ended(pod)]
    return next((name for name in sorted(left) if name.startswith(prefix)), None)


def under_way(server: RucioServer, view: View, at: Situation, name: str) -> Situation:
    """What to do while a migration Job is at work: wait, whatever the spec says by now, unless it does nothing."""
    plan = _plan_of(at, view, name)
    record = _begun(server, view, plan, at.record if continues(plan, at.record) else None, checked=True)
    at = replace(at, record=record, step=Step.MIGRATING)
    job, told = view.children.get(("Job", name)), results.database(view, name)
    stage = replace(at.stage, workloads=Workloads.STOPPED, plan=facts.plan(plan))
    going = job is None or "deletionTimestamp" in job["metadata"]
    idle = told is not None and told.state != "current"  # it has told why it changes nothing
    if going or (idle and _unwanted(at, plan)):
        return replace(at, stage=stage)
    stage = replace(_keeping(stage, view, plan, server), migrate=True)
    at = replace(at, stage=stage)
    if told is None or not idle:
        return at
    if told.state == "failed":
        return _failed(at, told.message)
    return replace(at, step=Step.FOREIGN if told.state == "foreign-writers" else Step.MIGRATING, words=told.message)


def _unwanted(at: Situation, plan: PlanStatus) -> bool:
    """Whether it is known that the spec asks for something else by now."""
    if at.facts is None or at.facts.state in _UNDECIDED:
        return False
    return at.facts.plan is None or at.facts.plan.hash != plan.hash


def _failed(at: Situation, words: str) -> Situation:
    record = at.record.model_copy(update={"failed": words}) if at.record else None
    return replace(at, step=Step.MIGRATION_FAILED, record=record, words=words)


def _plan_of(at: Situation, view: View, name: str) -> PlanStatus:
    """The plan that a migration Job carries out, from what is known, or else from its own arguments."""
    for plan in (at.facts.plan if at.facts else None, at.record):
        if plan is not None and name.endswith(plan.hash[:10]):
            return plan
    words = [
        word
        for container in _containers(view, name)
        for word in (*(container.get("command") or ()), *(container.get("args") or ()))
    ]
    after = dict(pairwise(words))
    return PlanStatus(hash=str(after.get("--plan", name.rpartition("-")[2])), from_revision="", to_revision="")


def _containers(view: View, name: str) -> list[Mapping[str, Any]]:
    job = view.children.get(("Job", name), {})
    found: list[Mapping[str, Any]] = job.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    return found


# --- the way to one


def next_step(server: RucioServer, view: View, at: Situation) -> Situation:
    """What comes next for a database that is behind, while no migration Job is at work."""
    plan = at.facts.plan if at.facts else None
    if plan is None:
        return at
    found = facts.plan(plan, facts.sql(view, at.job, called.plan_config_map(server.metadata.name), plan))
    at = replace(at, stage=replace(at.stage, plan=found))
    old = at.record if continues(plan, at.record) else None
    given_up = _given_up(server, view, plan, old)
    if given_up is not None:
        return _after_failure(server, view, at, _begun(server, view, plan, old), given_up)
    if not approved(server, plan, old):
        return replace(at, step=Step.PENDING, record=old)
    at = replace(at, record=_begun(server, view, plan, old, failed=None))
    at = replace(at, stage=_keeping(at.stage, view, plan, server))
    steps: tuple[Callable[[Situation], Situation], ...] = (
        lambda at: _check(server, view, at, plan),
        lambda at: _stop(view, at),
        lambda at: _dump(server, view, at, plan),
    )
    for step in steps:
        at = step(at)
        if at.step is not Step.CHECKING:
            return at
    return replace(at, step=Step.MIGRATING, stage=replace(at.stage, migrate=True))


def _begun(
    server: RucioServer, view: View, plan: PlanStatus, record: MigrationStatus | None, **changes: Any
) -> MigrationStatus:
    """The record of this migration, with the dump that its Job may have made without anybody taking note."""
    begun = facts.begun(plan, record, **changes)
    if begun.file is None:
        told = results.backup(view, called.dump_job(server.metadata.name, facts.plan(plan).short))
        begun = begun.model_copy(update={"file": told.file if told and told.state == "done" else None})
    return begun


def spent(server: RucioServer, view: View, at: Situation) -> tuple[str, ...]:
    """Names of Jobs before a migration that ended well, and nobody knows with what."""
    plan = at.facts.plan if at.facts else None
    if plan is None or at.record is None:
        return ()
    name, short = server.metadata.name, facts.plan(plan).short
    jobs = ((called.precheck_job(name, short), at.record.checked), (called.dump_job(name, short), bool(at.record.file)))
    return tuple(
        job
        for job, known in jobs
        if not known and live.complete(view.children.get(("Job", job), {})) and not results.pods(view, job)
    )


def _check(server: RucioServer, view: View, at: Situation, plan: PlanStatus) -> Situation:
    """A dump must be possible before anything is scaled."""
    record = at.record
    if record is None or record.checked or record.file or server.spec.migrations.backup.disabled:
        return at
    wanted = replace(at, stage=replace(at.stage, precheck=True))
    result = _outcome(view, called.precheck_job(server.metadata.name, facts.plan(plan).short))
    if result is None:
        return replace(wanted, step=Step.PRECHECK)
    if result.state != "done":
        return replace(wanted, step=Step.IMPOSSIBLE, words=result.message)
    return replace(wanted, record=record.model_copy(update={"checked": True}))


def _stop(view: View, at: Situation) -> Situation:
    """Nobody of ours may use the database any more, and no controller may be about to start somebody."""
    at = replace(at, stage=replace(at.stage, workloads=Workloads.STOPPED))
    idle = all(live.down(deployment) for deployment in live.deployments(view).values())
    return at if idle and not any(map(live.works, view.pods)) else replace(at, step=Step.STOPPING)


def _dump(server: RucioServer, view: View, at: Situation, plan: PlanStatus) -> Situation:
    """The dump is made once for a migration, however often that is tried."""
    record = at.record
    if record is None or record.file or server.spec.migrations.backup.disabled:
        return at
    wanted = replace(at, stage=replace(at.stage, dump=True))
    result = _outcome(view, called.dump_job(server.metadata.name, facts.plan(plan).short))
    if result is None:
        return replace(wanted, step=Step.DUMPING)
    if result.state != "done" or not result.file:
        return replace(wanted, step=Step.DUMP_FAILED, words=result.message)
    return replace(wanted, record=record.model_copy(update={"file": result.file}))


def _given_up(
    server: RucioServer, view: View, plan: PlanStatus, record: MigrationStatus | None
) -> tuple[str, str] | None:
    """Name and words of the Job of this migration that failed; it is there until somebody deletes it to try again."""
    ours = {facts.plan(one).short for one in (plan, record) if one is not None}
    for name, job in live.jobs(view, called.migrate_prefix(server.metadata.name)).items():
        if live.failed(job) and name.rpartition("-")[2] in ours:
            told = results.database(view, name)
            kept = record.failed if record else None
            return name, told.message if told else kept or _silent(name)
    return None


def _after_failure(
    server: RucioServer, view: View, at: Situation, record: MigrationStatus, given_up: tuple[str, str]
) -> Situation:
    """Everything stays as it is, the Job that failed too."""
    name, words = given_up
    failed = record if name.endswith(record.hash[:10]) or at.facts is None else (at.facts.plan or record)
    stage = replace(at.stage, workloads=Workloads.STOPPED, plan=facts.plan(failed), migrate=True)
    return _failed(replace(at, stage=_keeping(stage, view, failed, server), record=record), words)


def _outcome(view: View, name: str) -> BackupResult | None:
    """How a Job of the backup tool ended, None while it may still end well."""
    result, job = results.backup(view, name), view.children.get(("Job", name), {})
    if result is not None and (result.state != "failed" or live.finished(job)):
        return result
    if live.failed(job) or (live.complete(job) and results.pods(view, name)):
        return BackupResult(version=1, state="failed", message=_silent(name))
    return None


def _silent(job: str) -> str:
    return f"Job {job} ended without a result; `kubectl logs job/{job}` may tell why"


def _keeping(stage: Stage, view: View, plan: PlanStatus, server: RucioServer) -> Stage:
    """The Jobs of this migration that are there stay until it is over."""
    name, short = server.metadata.name, facts.plan(plan).short
    return replace(
        stage,
        precheck=("Job", called.precheck_job(name, short)) in view.children,
        dump=("Job", called.dump_job(name, short)) in view.children,
    )
