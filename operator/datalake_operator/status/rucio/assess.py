"""What the status of a RucioServer says."""

from datetime import datetime, timedelta
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Context
from datalake_operator.build.rucio.config import lfn2pfn
from datalake_operator.status.conditions import Condition, parse_time
from datalake_operator.status.rucio import backups, daemons, domain, facts, servers
from datalake_operator.status.rucio.blame import Blame, Seen
from datalake_operator.status.rucio.endpoints import endpoints
from datalake_operator.status.rucio.judged import STALE, Judged, judge, unheard
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.rucio.situation import Step
from datalake_operator.status.rucio.stage import found_replicas, hold_of, resumed
from datalake_operator.status.rucio.target import root
from datalake_operator.status.view import Assessment, View

STARTING = timedelta(seconds=30)
"""Daemons come up one after the other; status counts them when all are there, or when that takes longer than this."""


def assess(server: RucioServer, view: View, context: Context, now: datetime) -> Assessment:
    """Judge a Rucio by what its Jobs found, its pods, and what its server says."""
    judged = judge(server, view, context, now)
    fresh, backup_due = backups.fresh(server, view, now)
    login, alive = domain.authenticated(judged), domain.alive(judged)
    ready = judged.database or _not_serving(judged, login, alive)
    conditions = [
        _ready(judged, ready),
        *domain.database(judged),
        servers.ready(judged.seen, judged.database),
        login,
        *(condition for condition in (alive, fresh) if condition is not None),
        *domain.warnings(judged),
    ]
    return Assessment(
        conditions=tuple(conditions),
        fields=_fields(judged),
        progressing=ready is not None and ready.progressing and not ready.stalled,
        wake_at=_wake(judged, backup_due),
        stalled=ready is not None and ready.stalled,
    )


# --- Ready


def _ready(judged: Judged, blame: Blame | None) -> Condition:
    if blame is not None:
        return Condition("Ready", "False", blame.reason, blame.message)
    server = judged.seen.server
    held = "; daemons that delete or move files wait for approval: see DestructiveDaemonsHeld"
    mocked = "; transfers are mocked: no file moves"
    more = (held if judged.seen.at.stage.held else "") + (mocked if domain.mocked(server) else "")
    return Condition("Ready", "True", RucioReason.SERVING, f"serves Rucio {server.spec.version}{more}")


def _not_serving(judged: Judged, login: Condition, alive: Condition | None) -> Blame | None:
    """With a database that is as wanted: servers first, then the login, then daemons."""
    blame = servers.unready(judged.seen)
    if blame is not None:
        return blame
    if login.reason == RucioReason.NOT_OBSERVED and not _answered(judged):
        return Blame(login.reason, login.message)
    if login.status == "False":
        return Blame(login.reason, login.message, progressing=login.reason != RucioReason.ROOT_LOGIN_REFUSED)
    if alive is not None and alive.status == "False":
        return Blame(alive.reason, alive.message, progressing=alive.reason == RucioReason.DAEMONS_STARTING)
    return None


def _answered(judged: Judged) -> bool:
    """Whether the server has answered at some time, so that its pods alone may be believed for now."""
    return judged.observation is not None and judged.observation.data is not None


# --- fields


def _fields(judged: Judged) -> dict[str, Any]:
    seen, previous = judged.seen, judged.seen.view.previous
    found = {
        "version": (seen.health or {}).get("version") or previous.get("version"),
        "schema": _schema(judged) or previous.get("schema"),
        "backups": backups.listed(seen.server, seen.view),
        "endpoints": endpoints(seen.server, seen.view),
        "database": _remembered(seen),
        "replicas": _counts(seen),
        **_daemon_fields(judged),
    }
    return {key: value for key, value in found.items() if value}


def _daemon_fields(judged: Judged) -> dict[str, Any]:
    previous = judged.seen.view.previous
    same = len(previous.get("daemons") or ()) == len(judged.wanted)
    if same and (unheard(judged) or _start_ends(judged) is not None):
        return {key: previous[key] for key in ("daemons", "daemonCount") if key in previous}
    return daemons.fields(judged.daemons, previous, judged.now)


def _start_ends(judged: Judged) -> datetime | None:
    """Until when a start of daemons that is under way is one step, None where there is none, or it has taken long."""
    alive = domain.alive(judged)
    before = {old["type"]: old for old in judged.seen.view.previous.get("conditions", ())}.get(daemons.TYPE, {})
    if alive is None or not alive.reason == before.get("reason") == RucioReason.DAEMONS_STARTING:
        return None
    began = parse_time(before.get("lastTransitionTime"))
    return began + STARTING if began is not None and judged.now < began + STARTING else None


def _schema(judged: Judged) -> dict[str, str]:
    """The revision that is there, and the one that the spec needs."""
    found, health = judged.seen.at.facts, judged.seen.health or {}
    revision = health.get("revision") or (found and found.revision)
    head = (found and found.head) or health.get("head")
    return {key: value for key, value in (("revision", revision), ("head", head)) if value}


def _remembered(seen: Seen) -> dict[str, Any]:
    """What outlives the pods that said it."""
    before = facts.before(seen.view)
    found = seen.at.facts or before
    running = seen.at.step is Step.RUNNING
    username = (root(seen.server, seen.view) or (None,))[0]
    whole = found.model_copy(
        update={
            **({"job": None} if resumed(seen.server, seen.view) else {}),
            "hold": hold_of(seen.view, seen.at.facts) or None,
            "migration": seen.at.record,
            "lfn2pfn": found.lfn2pfn or before.lfn2pfn or (lfn2pfn(seen.server) if running else None),
            "root_username": username if running and username else before.root_username,
        }
    )
    return whole.model_dump(mode="json", by_alias=True, exclude_none=True)


def _counts(seen: Seen) -> list[dict[str, Any]]:
    return [{"name": name, "replicas": count} for name, count in found_replicas(seen.server, seen.view).items()]


# --- when to look again


def _wake(judged: Judged, backup_due: datetime | None) -> datetime | None:
    seen, now = judged.seen, judged.now
    if _unfinished(seen):
        return now
    one = judged.observation
    moments = [backup_due, _start_ends(judged), *(daemon.due for daemon in judged.daemons)]
    if one is not None and one.error is not None and one.data is not None and now < one.time + STALE:
        moments.append(one.time + STALE)
    # A heartbeat is stale after its limit, not at it.
    return min((moment + timedelta(seconds=1) for moment in moments if moment is not None), default=None)


def _unfinished(seen: Seen) -> bool:
    """Whether this pass made the Secrets that its own build still missed, so that another one is due at once.

    Asked for once only: what keeps the Job from being made then is not mended by haste.
    """
    if not seen.at.job or ("Job", seen.at.job) in seen.view.children or seen.at.facts is not None:
        return False
    said = {old["type"]: old["reason"] for old in seen.view.previous.get("conditions", ())}
    ours = {value for name, value in vars(RucioReason).items() if name.isupper()} - {RucioReason.CHECKING_DATABASE}
    return "Stalled" not in said and said.get("Ready", RucioReason.SERVING) in ours
