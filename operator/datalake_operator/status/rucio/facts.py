"""What is known about the database: from the Job that looks at it as the spec says now, or from what status kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from datalake_operator.api.rucio_status import DatabaseStatus, MigrationStatus, OwnerStatus, PlanStatus
from datalake_operator.build.rucio.stage import Plan
from datalake_operator.status.conditions import rfc3339
from datalake_operator.status.rucio import results
from datalake_operator.status.rucio.results import DatabaseResult
from datalake_operator.status.view import View


def before(view: View) -> DatabaseStatus:
    """What status holds; nothing where there is none, or where somebody wrote nonsense into it."""
    try:
        return DatabaseStatus.model_validate(view.previous.get("database") or {})
    except ValidationError:
        return DatabaseStatus()


def filled(view: View) -> bool:
    """Whether this resource has run on a database that held a Rucio."""
    return before(view).lfn2pfn is not None


def known(view: View, job: str) -> DatabaseStatus | None:
    """What the Job of this name found out, though its pods may be gone; None for nothing yet.

    One that is being deleted is to be asked anew: what it said does not count any more.
    """
    going = "deletionTimestamp" in view.children.get(("Job", job), {}).get("metadata", {})
    told = None if going else results.told_database(view, job)
    if told is not None:
        return _from_result(job, *told)
    kept = before(view)
    return kept if kept.job == job and kept.state is not None else None


def _from_result(job: str, at: datetime, result: DatabaseResult) -> DatabaseStatus:
    return DatabaseStatus(
        job=job,
        time=rfc3339(at),
        state=result.state,
        message=result.message,
        name=result.database,
        revision=result.revision,
        head=result.head,
        ours=result.ours,
        owner=OwnerStatus(**result.owner.model_dump()) if result.owner else None,
        hold=result.hold,
        server_major=result.server_major,
        database_bytes=result.database_bytes,
        max_connections=result.max_connections,
        plan=_plan(result),
        lfn2pfn=result.lfn2pfn if result.ours else None,
    )


def _plan(result: DatabaseResult) -> PlanStatus | None:
    if result.state != "behind" or result.plan is None or result.revision is None or result.head is None:
        return None
    return PlanStatus(
        hash=result.plan.hash, from_revision=result.revision, to_revision=result.head, path=tuple(result.path)
    )


def plan(found: PlanStatus, sql: str | None = None) -> Plan:
    """A migration as a build takes it."""
    return Plan(found.hash, found.from_revision, found.to_revision, found.path, sql)


def begun(found: PlanStatus, record: MigrationStatus | None, **changes: Any) -> MigrationStatus:
    """The record of a migration, as it was unless it is another one, with parts replaced."""
    start = record or MigrationStatus(**found.model_dump())
    return start.model_copy(update=changes)


def sql(view: View, job: str, config_map: str, found: PlanStatus) -> str | None:
    """What a plan runs: told by the Job, or kept in the ConfigMap that shows the plan."""
    result = results.database(view, job)
    if result is not None and result.plan is not None and result.plan.hash == found.hash:
        return result.plan.sql
    shown: Mapping[str, str] = view.children.get(("ConfigMap", config_map), {}).get("data") or {}
    return shown.get("plan.sql") if found.hash in shown.get("plan.txt", "") else None
