"""What is wanted of a RucioServer now: found anew from what is there, each time.

Nothing is remembered here. After a crash of the operator, of a Job or of a node, the same objects and the same
status give the same answer. What must outlive the pods that said it is in `status.database` and `status.replicas`.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.api.rucio_status import DatabaseStatus
from datalake_operator.build import Context, Refused
from datalake_operator.build.render import UnsafeValue
from datalake_operator.build.rucio import called, names
from datalake_operator.build.rucio.stage import Stage, Workloads, stamp
from datalake_operator.status.conditions import parse_time
from datalake_operator.status.rucio import facts, live, migration, results
from datalake_operator.status.rucio.situation import Situation, Step, standing
from datalake_operator.status.view import View

_DOUBT = timedelta(minutes=1)
"""A server that says otherwise than the Job is believed when it speaks so long after the Job has ended: its own check
may be some seconds old."""

_DOUBTED = frozenset({"behind", "unstamped", "ahead", "not-ours"})
"""States in which somebody changed the schema under a running server. An empty one is not among them: it is never
filled anew behind the back of its user."""


_READ = frozenset({"current", "behind", "ahead"})
"""States that servers find by reading the database. In all others, as while it does not answer, they know of no hold,
which must not be taken for a database without one: daemons that delete would be started before it answers again."""


def stage(server: RucioServer, view: View, context: Context) -> Stage:
    """What is wanted now."""
    return look(server, view, context).stage


def look(server: RucioServer, view: View, context: Context) -> Situation:
    """Find out where things stand."""
    ground, record = _ground(server, view), facts.before(view).migration
    if not ground.credentials:
        return Situation(replace(ground, workloads=standing(view)), Step.CREDENTIALS, None, record)
    job = _ensure_job(server, context, ground)
    found = facts.known(view, job)
    if found is not None and (resumed(server, view) or (found.state == "current" and contradicted(view, job))):
        found = None
    ground = replace(ground, held=_held(server, view, found), workloads=standing(view))
    at = Situation(ground, Step.CHECKING, found, record, job)
    active = migration.at_work(server, view)
    if active is not None:
        return migration.under_way(server, view, at, active)
    if found is None:
        return at
    if found.state == "current" and found.ours:
        return replace(at, step=Step.RUNNING, record=None, stage=replace(ground, workloads=Workloads.RUNNING))
    if found.state == "behind" and found.plan is not None:
        return migration.next_step(server, view, at)
    return replace(at, step=Step.BLOCKED)


def _ensure_job(server: RucioServer, context: Context, ground: Stage) -> str:
    """Name of the Job that looks at the database; empty for a spec that no Job can be built from."""
    try:
        return names.ensure_job(server, context, ground)
    except (Refused, UnsafeValue):
        return ""


def contradicted(view: View, job: str) -> bool:
    """Whether servers say, long after the Job ended, that the schema is no longer what it found."""
    seen = view.observation
    if seen is None or seen.error is not None or seen.data is None:
        return False
    if (seen.data.get("health") or {}).get("state") not in _DOUBTED:
        return False
    completed = parse_time(view.children.get(("Job", job), {}).get("status", {}).get("completionTime"))
    return completed is not None and seen.time >= completed + _DOUBT


def resumed(server: RucioServer, view: View) -> bool:
    """Whether this is the first pass after a suspension, during which anything may have become of the database.

    A restore is one such thing: what it holds must be known before a daemon that deletes is started.
    """
    said = {old["type"]: old["status"] for old in view.previous.get("conditions", ())}
    return not server.spec.suspend and said.get("Suspended") == "True"


def spent_jobs(server: RucioServer, view: View, context: Context) -> tuple[str, ...]:
    """Names of Jobs that have ended and must run again: nobody knows any more what they found, or it holds no more."""
    at = look(server, view, context)
    spent = []
    ensure = view.children.get(("Job", at.job), {})
    unknown = at.facts is None and not _pods(view, at.job)
    if live.complete(ensure) and (resumed(server, view) or contradicted(view, at.job) or unknown):
        spent.append(at.job)
    return (*spent, *migration.spent(server, view, at))


def own_secrets(server: RucioServer) -> dict[str, tuple[str, ...]]:
    """Keys of the Secrets that the operator makes for this server, by name."""
    name, spec = server.metadata.name, server.spec
    found: dict[str, tuple[str, ...]] = {}
    if spec.root_account.secret_ref is None:
        found[called.root_secret(name)] = ("username", "password")
    if spec.database.embedded is not None:
        found[called.database_secret(name)] = ("username", "password", "database")
    return found


def _pods(view: View, job: str) -> bool:
    return any(results.job_of(pod) == job for pod in view.pods)


def _ground(server: RucioServer, view: View) -> Stage:
    own = {("Secret", name): view.children.get(("Secret", name)) for name in own_secrets(server)}
    used = {key: found for key, found in {**view.references, **own}.items() if key[0] in {"Secret", "ConfigMap"}}
    return Stage(
        credentials=all(found is not None for found in used.values()),
        stamps={f"{kind}/{name}": stamp(found) for (kind, name), found in sorted(used.items()) if found is not None},
        adopt=_adopt(server),
        filled=facts.filled(view),
        found_replicas=found_replicas(server, view),
    )


def _adopt(server: RucioServer) -> str:
    external = server.spec.database.external
    return external.adopt if external is not None else live.annotation(server, "adopt-database")


def found_replicas(server: RucioServer, view: View) -> dict[str, int]:
    """Replicas of the Deployment that a scaler may set, as it is, or as it was before it was stopped."""
    name = called.server(server.metadata.name)
    deployment = view.children.get(("Deployment", name))
    if server.spec.replicas is not None or deployment is None:
        return {}
    kept = {entry.get("name"): entry.get("replicas") for entry in view.previous.get("replicas") or ()}
    count: Any = kept.get(name) if live.stopped(deployment) else live.replicas(deployment)
    return {name: count} if isinstance(count, int) else {}


def _held(server: RucioServer, view: View, found: DatabaseStatus | None) -> bool:
    hold = hold_of(view, found)
    return bool(hold) and live.annotation(server, "approve-destructive") != hold


def hold_of(view: View, found: DatabaseStatus | None) -> str:
    """Id of the hold that is on the database: as servers read it just now, or as it was known last.

    A restore puts one on a database whose Job has ended long ago, so that what servers read is kept in status, and
    stands until a Job says something newer.
    """
    seen, before = view.observation, facts.before(view)
    health = (seen.data or {}).get("health") or {} if seen is not None and seen.error is None else {}
    if "hold" in health and health.get("state") in _READ:
        told = health["hold"]
    elif found is not None and (found.job, found.time) != (before.job, before.time):
        told = found.hold
    else:
        told = before.hold
    return told if isinstance(told, str) else ""
