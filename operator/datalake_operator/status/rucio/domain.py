"""The conditions that tell of one thing each."""

from collections.abc import Iterator

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.rucio import called
from datalake_operator.build.rucio.stage import Workloads
from datalake_operator.status import pods as podview
from datalake_operator.status.conditions import Condition, parse_time
from datalake_operator.status.rucio import connections, daemons, facts, live
from datalake_operator.status.rucio.approvals import command
from datalake_operator.status.rucio.blame import UNREACHABLE, Seen
from datalake_operator.status.rucio.catalogue import removed_options, wanted
from datalake_operator.status.rucio.judged import Judged, kept, unheard
from datalake_operator.status.rucio.reasons import RucioReason
from datalake_operator.status.rucio.situation import Step
from datalake_operator.status.rucio.stage import hold_of


def database(judged: Judged) -> Iterator[Condition]:
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


def authenticated(judged: Judged) -> Condition:
    """Whether root can log in. While a Job may be setting the password, what was said last stands."""
    type_, answer, blame = "Authenticated", judged.answer, judged.database
    checking = judged.seen.at.step in {Step.CREDENTIALS, Step.CHECKING}
    old = kept(judged, type_) if checking or unheard(judged) else None
    if blame is not None and (checking or answer is None or blame.reason in UNREACHABLE.values()):
        return old or Condition(type_, "Unknown", blame.reason, "not tried; Ready tells why")
    if answer is None:
        return old or _silent(judged)
    login, error = answer.get("login"), answer.get("loginError") or "no reason given"
    if login == "ok":
        return Condition(type_, "True", RucioReason.LOGIN_WORKS, "root can log in")
    if login == "refused":
        text = f"the server refuses the root account's name or password: {error}; {_root_mend(judged.seen)}"
        return Condition(type_, "False", RucioReason.ROOT_LOGIN_REFUSED, text)
    return Condition(type_, "False", RucioReason.LOGIN_FAILED, f"root cannot log in: {error}")


def _silent(judged: Judged) -> Condition:
    error = judged.observation.error if judged.observation else None
    text = f"the server's pods give the operator no answer ({error}); is a NetworkPolicy in the way?"
    said = text if error and _asked_in_vain(judged) else "waits for the server's answer"
    return Condition("Authenticated", "Unknown", RucioReason.NOT_OBSERVED, said)


def _asked_in_vain(judged: Judged) -> bool:
    """Whether a server was asked after it had become ready; before, no answer is no fault."""
    pods = [pod for pod in live.components(judged.seen.view, "server") if podview.is_ready(pod)]
    times = [parse_time(podview.condition(pod, "Ready").get("lastTransitionTime")) for pod in pods]
    known = [time for time in times if time is not None]
    return judged.observation is not None and bool(known) and judged.observation.time > min(known)


def _root_mend(seen: Seen) -> str:
    given = seen.server.spec.root_account.secret_ref
    secret = given.name if given else called.root_secret(seen.server.metadata.name)
    if seen.server.spec.root_account.manage is True:
        return f"wait until the password of Secret {secret} is set in the database"
    return f"write the right password into Secret {secret}, or set spec.rootAccount.manage to true to have it set"


def alive(judged: Judged) -> Condition | None:
    """DaemonsHealthy; None where there are no daemons."""
    blame, type_ = judged.database, daemons.TYPE
    if not judged.wanted:
        return None
    if judged.stopped:
        return Condition(type_, "False", RucioReason.MIGRATING, "stopped for the migration")
    kept_running = judged.seen.at.stage.workloads is Workloads.KEPT
    if blame is not None and (not kept_running or blame.reason in UNREACHABLE.values()):
        return Condition(type_, "Unknown", blame.reason, "not judged; Ready tells why")
    old = kept(judged, type_) if unheard(judged) else None
    return old or daemons.healthy(judged.daemons)


def warnings(judged: Judged) -> Iterator[Condition]:
    """What does not decide Ready, where there is something to say."""
    seen = judged.seen
    server, found = seen.server, seen.at.facts or facts.before(seen.view)
    if seen.at.stage.held:
        hold, given = hold_of(seen.view, found), live.annotation(server, "approve-destructive")
        stale = f"the approval {given!r} is for another hold; " if given else ""
        text = (
            "the database was adopted or restored, and daemons that delete or move files have no replicas"
            f"{_named(server)}; {stale}"
            f"when storage and catalogue fit together: {command(server, 'approve-destructive', hold)}"
        )
        yield Condition("DestructiveDaemonsHeld", "True", RucioReason.APPROVAL_AWAITED, text)
    if mocked(server):
        text = "spec.transfers.tools has mock: transfers are said to have happened, and no file moves"
        yield Condition("TransfersMocked", "True", RucioReason.MOCK_TOOL, text)
    enough = connections.sufficient(server, _replicas(seen), wanted(server, held=False), found.max_connections)
    if enough is not None:
        yield enough
    removed = removed_options(server)
    if removed:
        text = "; ".join(f"{option}: {mend}" for option, mend in sorted(removed.items()))
        yield Condition("ConfigCurrent", "False", RucioReason.OPTIONS_REMOVED, text)


def mocked(server: RucioServer) -> bool:
    """Whether transfers are said to have happened, and no file moves."""
    return "mock" in server.spec.transfers.tools


def _named(server: RucioServer) -> str:
    """The daemons that are held, for a message."""
    held = {one.name for one in wanted(server, held=True) if not one.replicas}
    names = [one.name for one in wanted(server, held=False) if one.replicas and one.name in held]
    return f": {', '.join(names)}" if names else ""


def _replicas(seen: Seen) -> int:
    asked = seen.server.spec.replicas
    found = seen.at.stage.found_replicas.get(called.server(seen.server.metadata.name), 2)
    return found if asked is None else asked
