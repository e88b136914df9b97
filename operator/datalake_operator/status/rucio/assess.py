"""What the status of a RucioServer says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Context
from datalake_operator.build.rucio import called
from datalake_operator.status.conditions import Condition
from datalake_operator.status.rucio import backups, connections, daemons, facts, live, servers
from datalake_operator.status.rucio.approvals import command
from datalake_operator.status.rucio.blame import CHAIN, UNREACHABLE, Blame, Seen
from datalake_operator.status.rucio.catalogue import removed_options, wanted
from datalake_operator.status.rucio.endpoints import endpoints
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.rucio.situation import Step
from datalake_operator.status.rucio.stage import found_replicas, hold_of, look
from datalake_operator.status.rucio.target import root
from datalake_operator.status.view import Assessment, Observation, View

Manifest: TypeAlias = Mapping[str, Any]

STALE = timedelta(minutes=2)
"""What the server said last about logins and heartbeats stands so long while it gives no new answer."""

OBSERVED = ("Authenticated", daemons.TYPE)
"""Conditions that only the server's own words can change."""


@dataclass(frozen=True)
class _Judged:
    """What the parts of a status are made from."""

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


def assess(server: RucioServer, view: View, context: Context, now: datetime) -> Assessment:
    """Judge a Rucio by what its Jobs found, its pods, and what its server says."""
    judged = _judge(server, view, context, now)
    fresh, backup_due = backups.fresh(server, view, now)
    authenticated, alive = _authenticated(judged), _alive(judged)
    ready = judged.database or _not_serving(judged, authenticated, alive)
    conditions = [
        _ready(server, ready),
        *_database(judged),
        servers.ready(judged.seen, judged.database),
        authenticated,
        *([alive] if alive else []),
        *([fresh] if fresh else []),
        *_warnings(judged),
    ]
    return Assessment(
        conditions=tuple(conditions),
        fields=_fields(judged),
        progressing=ready is not None and ready.progressing and not ready.stalled,
        wake_at=_wake(judged, backup_due),
        stalled=ready is not None and ready.stalled,
    )


def _judge(server: RucioServer, view: View, context: Context, now: datetime) -> _Judged:
    at, one = look(server, view, context), view.observation
    current = one.data if one is not None and one.error is None else None
    seen = Seen(server, view, at, (current or {}).get("health"))
    stopped = at.step in _STOPPED or any(map(live.stopped, live.deployments(view).values()))
    instances = wanted(server, held=at.stage.held)
    beats = (one.data or {}).get("heartbeats") if one is not None else None
    found = [daemons.look(instance, view, beats, now) for instance in instances]
    database = next((blame for step in CHAIN if (blame := step(seen)) is not None), None)
    return _Judged(seen, database, stopped, instances, found, one, now)


_STOPPED = frozenset(
    {Step.STOPPING, Step.DUMPING, Step.DUMP_FAILED, Step.MIGRATING, Step.FOREIGN, Step.MIGRATION_FAILED}
)


# --- Ready


def _ready(server: RucioServer, blame: Blame | None) -> Condition:
    if blame is not None:
        return Condition("Ready", "False", blame.reason, blame.message)
    return Condition("Ready", "True", RucioReason.SERVING, f"serves Rucio {server.spec.version}")


def _not_serving(judged: _Judged, authenticated: Condition, alive: Condition | None) -> Blame | None:
    """With a database that is as wanted: servers first, then the login, then daemons."""
    blame = servers.unready(judged.seen)
    if blame is not None:
        return blame
    if authenticated.reason == RucioReason.NOT_OBSERVED and judged.answer is None and not _judged_before(judged):
        return Blame(authenticated.reason, authenticated.message)
    if authenticated.status == "False":
        refused = authenticated.reason == RucioReason.ROOT_LOGIN_REFUSED
        return Blame(authenticated.reason, authenticated.message, progressing=not refused)
    if alive is not None and alive.status == "False":
        starting = alive.reason == RucioReason.DAEMONS_STARTING
        return Blame(alive.reason, alive.message, progressing=starting)
    return None


def _judged_before(judged: _Judged) -> bool:
    """Whether the server has answered at some time, so that its pods alone may be believed for now."""
    return judged.observation is not None and judged.observation.data is not None


# --- the database


def _database(judged: _Judged) -> Iterator[Condition]:
    """DatabaseReachable, SchemaCurrent, Bootstrapped."""
    seen, blame = judged.seen, judged.database
    found = seen.at.facts
    known = seen.state or (found.state if found else None)
    if blame is not None and blame.reason in UNREACHABLE.values():
        yield Condition("DatabaseReachable", "False", blame.reason, blame.message)
        yield Condition("SchemaCurrent", "Unknown", blame.reason, "the database does not answer")
        return
    if known is None:
        text = "nobody has looked at the database yet"
        yield Condition("DatabaseReachable", "Unknown", RucioReason.CHECKING_DATABASE, text)
        yield Condition("SchemaCurrent", "Unknown", RucioReason.CHECKING_DATABASE, text)
        return
    yield Condition("DatabaseReachable", "True", RucioReason.DATABASE_ANSWERS, "the database answers")
    if blame is not None and blame.reason == RucioReason.CHECKING_DATABASE:
        yield Condition("SchemaCurrent", "Unknown", blame.reason, blame.message)
    elif blame is not None:
        yield Condition("SchemaCurrent", "False", blame.reason, blame.message)
    else:
        revision = (seen.health or {}).get("revision") or (found and found.revision)
        yield Condition("SchemaCurrent", "True", RucioReason.SCHEMA_IS_CURRENT, f"the schema is at {revision}")
    if known in {"empty", "partial"}:
        reason = RucioReason.DATABASE_EMPTY if known == "empty" else RucioReason.DATABASE_PARTIAL
        yield Condition("Bootstrapped", "False", reason, f"the database is {known}")
    elif known in {"current", "behind"}:
        yield Condition("Bootstrapped", "True", RucioReason.BOOTSTRAPPED, "the database holds a Rucio")


# --- what the server says


def _authenticated(judged: _Judged) -> Condition:
    type_, answer = "Authenticated", judged.answer
    kept = _kept(judged, type_)
    if kept is not None:
        return kept
    if judged.database is not None:
        return Condition(type_, "Unknown", judged.database.reason, "not tried; Ready tells why")
    if answer is None:
        error = judged.observation.error if judged.observation else None
        said = f"the server's pods give the operator no answer ({error}); is a NetworkPolicy in the way?"
        return Condition(type_, "Unknown", RucioReason.NOT_OBSERVED, said if error else "waits for the server's answer")
    login, error = answer.get("login"), answer.get("loginError") or "no reason given"
    if login == "ok":
        return Condition(type_, "True", RucioReason.LOGIN_WORKS, "root can log in")
    if login == "refused":
        text = f"the server refuses the root account's name or password: {error}; {_root_mend(judged.seen)}"
        return Condition(type_, "False", RucioReason.ROOT_LOGIN_REFUSED, text)
    return Condition(type_, "False", RucioReason.LOGIN_FAILED, f"root cannot log in: {error}")


def _root_mend(seen: Seen) -> str:
    given = seen.server.spec.root_account.secret_ref
    secret = given.name if given else called.root_secret(seen.server.metadata.name)
    if seen.server.spec.root_account.manage is True:
        return f"wait until the password of Secret {secret} is set in the database"
    return f"write the right password into Secret {secret}, or set spec.rootAccount.manage to true to have it set"


def _alive(judged: _Judged) -> Condition | None:
    """DaemonsHealthy; None where there are no daemons."""
    if not judged.wanted:
        return None
    if judged.stopped:
        return Condition(daemons.TYPE, "False", RucioReason.MIGRATING, "stopped for the migration")
    if judged.database is not None:
        return Condition(daemons.TYPE, "Unknown", judged.database.reason, "not judged; Ready tells why")
    kept = _kept(judged, daemons.TYPE)
    return kept if kept is not None else daemons.healthy(judged.daemons)


_ITS_OWN_WORDS = frozenset(
    {
        RucioReason.LOGIN_WORKS,
        RucioReason.ROOT_LOGIN_REFUSED,
        RucioReason.LOGIN_FAILED,
        RucioReason.DAEMONS_FAILING,
        RucioReason.HEARTBEATS_STALE,
        RucioReason.DAEMONS_STARTING,
        RucioReason.DAEMONS_ALIVE,
    }
)
"""Reasons that a server has given by its answers, and none that stood in for them while nobody could be asked."""


def _kept(judged: _Judged, type_: str) -> Condition | None:
    """What was said before, while the operator has not asked yet because it has just started."""
    if judged.observation is not None or not live.components(judged.seen.view, "server"):
        return None
    if judged.seen.at.step is not Step.RUNNING:
        return None
    for old in judged.seen.view.previous.get("conditions", ()):
        if old["type"] == type_ and old["reason"] in _ITS_OWN_WORDS:
            return Condition(old["type"], old["status"], old["reason"], old["message"])
    return None


# --- what does not decide Ready


def _warnings(judged: _Judged) -> Iterator[Condition]:
    seen = judged.seen
    server, found = seen.server, seen.at.facts or facts.before(seen.view)
    if seen.at.stage.held:
        hold, given = hold_of(seen.view, found), live.annotation(server, "approve-destructive")
        stale = f"the approval {given!r} is for another hold; " if given else ""
        text = (
            f"the database was adopted or restored, and daemons that delete or move files have no replicas; {stale}"
            f"when storage and catalogue fit together: {command(server, 'approve-destructive', hold)}"
        )
        yield Condition("DestructiveDaemonsHeld", "True", RucioReason.APPROVAL_AWAITED, text)
    if "mock" in server.spec.transfers.tools:
        text = "spec.transfers.tools has mock: transfers are said to have happened, and no file moves"
        yield Condition("TransfersMocked", "True", RucioReason.MOCK_TOOL, text)
    enough = connections.sufficient(server, _replicas(seen), wanted(server, held=False), found.max_connections)
    if enough is not None:
        yield enough
    removed = removed_options(server)
    if removed:
        text = "; ".join(f"{option}: {mend}" for option, mend in sorted(removed.items()))
        yield Condition("ConfigCurrent", "False", RucioReason.OPTIONS_REMOVED, text)


def _replicas(seen: Seen) -> int:
    asked = seen.server.spec.replicas
    found = seen.at.stage.found_replicas.get(called.server(seen.server.metadata.name), 2)
    return found if asked is None else asked


# --- fields


def _fields(judged: _Judged) -> dict[str, Any]:
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


def _daemon_fields(judged: _Judged) -> dict[str, Any]:
    previous = judged.seen.view.previous
    unheard = judged.observation is None and judged.seen.at.step is Step.RUNNING
    if unheard and "daemons" in previous and len(previous["daemons"]) == len(judged.wanted):
        return {key: previous[key] for key in ("daemons", "daemonCount") if key in previous}
    return daemons.fields(judged.daemons, previous, judged.now)


def _schema(judged: _Judged) -> dict[str, str]:
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
            "hold": hold_of(seen.view, seen.at.facts) or None,
            "migration": seen.at.record,
            "lfn2pfn": seen.server.spec.policy.lfn2pfn if running else before.lfn2pfn,
            "root_username": username if running and username else before.root_username,
        }
    )
    return whole.model_dump(mode="json", by_alias=True, exclude_none=True)


def _counts(seen: Seen) -> list[dict[str, Any]]:
    return [{"name": name, "replicas": count} for name, count in found_replicas(seen.server, seen.view).items()]


# --- when to look again


def _wake(judged: _Judged, backup_due: datetime | None) -> datetime | None:
    seen, now = judged.seen, judged.now
    if _unfinished(seen):
        return now
    one = judged.observation
    moments = [backup_due, *(daemon.due for daemon in judged.daemons)]
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
