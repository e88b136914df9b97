import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from datalake_operator.api.rucio import RucioServer
from datalake_operator.api.rucio_status import RucioServerStatus
from datalake_operator.build.rucio.refusals import known
from datalake_operator.status import Assessment, Condition, Observation, View, merge
from datalake_operator.status.rucio import assess as judge
from datalake_operator.status.rucio.catalogue import wanted
from datalake_operator.status.rucio.reasons import RucioReason
from tests.unit.status.conftest import NOW
from tests.unit.status.rucio.conftest import (
    CONTEXT,
    EXTERNAL,
    HEAD,
    OLD,
    PATH,
    PLAN,
    PREFIX,
    deployment,
    dumped,
    ensure,
    found,
    job,
    job_pod,
    pod,
    result,
    secret,
    server,
    view,
)

SHORT = PLAN[:10]
SERVER = ("Deployment", deployment("rucio-server", 2))
STOPPED = ("Deployment", deployment("rucio-server", 0, stopped=True))
HEALTH = {"state": "current", "revision": HEAD, "head": HEAD, "message": "", "version": "41.5.1"}
ONE: dict[str, Any] = {"daemons": {"preset": "None", "instances": [{"name": "reaper"}]}}
"""Only one daemon."""


def assess(one: RucioServer, seen: View, now: datetime = NOW) -> Assessment:
    return judge(one, seen, CONTEXT, now)


def condition(assessment: Assessment, type_: str) -> Condition:
    return next(one for one in assessment.conditions if one.type == type_)


def reasons(assessment: Assessment) -> dict[str, str]:
    return {one.type: f"{one.status}/{one.reason}" for one in assessment.conditions}


def beat(host: str, executable: str = "reaper", ago: float = 30) -> dict[str, str]:
    return {
        "executable": executable,
        "hostname": host,
        "updatedAt": (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def answer(*beats: Mapping[str, str], health: Mapping[str, Any] = HEALTH, **parts: Any) -> Observation:
    data = {"health": dict(health), "login": "ok", "heartbeats": list(beats), "latencySeconds": {}, **parts}
    return Observation(NOW, None, data)


REAPER = pod("daemon-reaper", "reaper-pod")


def running(one: RucioServer, *children: Any, pods: tuple[Any, ...] | None = None, **parts: Any) -> View:
    """Everything runs: two servers, and a reaper with a fresh heartbeat."""
    some = (pod("server", "server-a"), pod("server", "server-b"), REAPER) if pods is None else pods
    reaper = ("Deployment", deployment("rucio-reaper", 1))
    told = parts.pop("told", None) or result()
    parts = {"observation": answer(beat("reaper-pod")), **parts}
    return found(one, view(SERVER, reaper, *children, pods=some, **parts), told)


def test_a_rucio_that_serves_says_so() -> None:
    one = server(**ONE)
    assessment = assess(one, running(one))
    assert reasons(assessment) == {
        "Ready": "True/Serving",
        "DatabaseReachable": "True/DatabaseAnswers",
        "SchemaCurrent": "True/SchemaIsCurrent",
        "Bootstrapped": "True/Bootstrapped",
        "ServerReady": "True/ServerReady",
        "Authenticated": "True/LoginWorks",
        "DaemonsHealthy": "True/DaemonsAlive",
        "ConnectionsSufficient": "True/ConnectionsSuffice",
    }
    assert not assessment.progressing
    assert not assessment.stalled
    fields = assessment.fields
    assert fields["version"] == "41.5.1"
    assert fields["schema"] == {"revision": HEAD, "head": HEAD}
    assert fields["daemonCount"] == {"desired": 1, "live": 1, "summary": "1/1"}
    assert fields["endpoints"] == {"rest": "http://rucio.demo.svc", "auth": "http://rucio.demo.svc"}
    assert fields["replicas"] == [{"name": "rucio-server", "replicas": 2}]
    assert fields["database"]["lfn2pfn"] == "hash"
    assert fields["database"]["rootUsername"] == "root"


def test_status_is_what_the_schema_of_the_crd_takes() -> None:
    one = server(**ONE)
    RucioServerStatus.model_validate(assess(one, running(one)).fields)
    RucioServerStatus.model_validate(assess(server(), behind(SERVER)).fields)


def test_no_password_is_in_it() -> None:
    one = server(**ONE)
    refused = running(one, observation=answer(login="refused", loginError="HTTP 401 from /auth/userpass"))
    for seen in (running(one), refused):
        assert "-secret" not in json.dumps(assess(one, seen).fields) + repr(assess(one, seen).conditions)


# --- the database: each state has its reason


def told(state: str, **spec: Any) -> tuple[RucioServer, View]:
    one = server(**spec)
    return one, found(one, view(), result(state))


STATES: dict[str, tuple[str, str, bool]] = {
    "unreachable": ("DatabaseUnreachable", "DatabaseReachable", False),
    "wrong-password": ("DatabasePasswordRefused", "DatabaseReachable", False),
    "busy": ("DatabaseBusy", "SchemaCurrent", False),
    "failed": ("CheckFailed", "SchemaCurrent", False),
    "partial": ("DatabasePartial", "Bootstrapped", True),
    "unstamped": ("SchemaUnstamped", "SchemaCurrent", True),
    "ahead": ("SchemaAhead", "SchemaCurrent", True),
    "not-utf8": ("DatabaseEncoding", "SchemaCurrent", True),
    "no-permission": ("DatabasePermissionMissing", "SchemaCurrent", True),
    "missing-schema": ("DatabaseSchemaMissing", "SchemaCurrent", True),
    "pooler": ("TransactionPooler", "SchemaCurrent", True),
    "other-schema": ("OtherSchema", "SchemaCurrent", True),
    "not-ours": ("DatabaseNotOurs", "SchemaCurrent", True),
    "version-mismatch": ("VersionMismatch", "SchemaCurrent", True),
    "behind": ("MigrationPending", "SchemaCurrent", True),
    "empty": ("CheckingDatabase", "SchemaCurrent", False),
}


@pytest.mark.parametrize(("state", "reason", "type_", "stalled"), [(key, *case) for key, case in STATES.items()])
def test_each_state_of_the_database_is_blamed_by_its_name(
    state: str,
    reason: str,
    type_: str,
    stalled: bool,
) -> None:
    assessment = assess(*told(state))
    assert condition(assessment, "Ready").reason == reason
    assert condition(assessment, type_).status != "True"
    assert assessment.stalled is stalled
    assert assessment.progressing is not stalled
    if type_ == "SchemaCurrent":
        assert condition(assessment, "DatabaseReachable").status == "True"


def test_an_empty_database_that_held_a_rucio_is_not_filled_anew_behind_its_users_back() -> None:
    one, seen = told("empty")
    assert reasons(assess(one, seen))["Ready"] == "False/CheckingDatabase"
    assessment = assess(one, replace(seen, previous={"database": {"lfn2pfn": "hash"}}))
    assert reasons(assessment)["Ready"] == "False/DatabaseEmpty"
    assert "held a Rucio before" in condition(assessment, "Ready").message
    assert assessment.stalled


def test_an_empty_database_that_shall_not_be_filled_is_a_users_affair() -> None:
    assessment = assess(*told("empty", bootstrap="Never"))
    assert reasons(assessment)["Ready"] == "False/DatabaseEmpty"
    assert reasons(assessment)["Bootstrapped"] == "False/DatabaseEmpty"
    assert assessment.stalled


def test_a_current_database_of_somebody_else_is_not_ours() -> None:
    one = server()
    assert reasons(assess(one, found(one, view(), result(ours=False))))["Ready"] == "False/DatabaseNotOurs"


def test_how_a_database_is_adopted_is_said_in_full() -> None:
    message = condition(assess(*told("not-ours")), "Ready").message
    assert f"kubectl -n demo annotate rucioserver rucio --overwrite {PREFIX}adopt-database=rucio" in message
    one = server(database=EXTERNAL)
    seen = View(references={("Secret", "db"): secret("db")}, children=view().children)
    message = condition(assess(one, found(one, seen, result("not-ours"))), "Ready").message
    assert "set spec.database.external.adopt to rucio" in message


def test_what_runs_goes_on_being_told_while_the_database_is_blamed() -> None:
    one = server(**ONE)
    assessment = assess(one, running(one, told=result("no-permission")))
    assert reasons(assessment)["Ready"] == "False/DatabasePermissionMissing"
    assert reasons(assessment)["ServerReady"] == "True/ServerReady"


# --- the database: before anything is known


def test_secrets_that_are_being_made_are_waited_for() -> None:
    seen = view()
    seen = replace(seen, children={key: one for key, one in seen.children.items() if key[1] != "rucio-root"})
    assert reasons(assess(server(), seen))["Ready"] == "False/CredentialsPending"
    assert assess(server(), seen).progressing


def test_secrets_that_this_pass_made_ask_for_another_pass_once() -> None:
    first = assess(server(), view())
    assert condition(first, "Ready").reason == RucioReason.CHECKING_DATABASE
    assert first.wake_at == NOW

    def after(reason: str, *more: Condition) -> View:
        said = [Condition("Ready", "False", reason, ""), *more]
        return view(previous={"conditions": merge([], said, 1, NOW)})

    assert assess(server(), after("Serving")).wake_at == NOW  # a Secret was made again
    assert assess(server(), after("CheckingDatabase")).wake_at is None
    assert assess(server(), after("Retrying")).wake_at is None
    assert assess(server(), after("Serving", Condition("Stalled", "True", "UnknownVersion", ""))).wake_at is None


def test_a_job_that_looks_is_waited_for_and_its_pods_trouble_is_told() -> None:
    one, name = server(), ensure(server(), view())
    looks = job_pod(name, "", last=False)
    del looks["status"]["containerStatuses"][0]["lastState"]
    waits = assess(one, view(("Job", job(name)), pods=(looks,)))
    assert reasons(waits)["Ready"] == "False/CheckingDatabase"
    assert waits.progressing
    assert waits.wake_at is None
    stuck = job_pod(name, "", last=False)
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    stuck["status"]["containerStatuses"] = [{"name": "database", "image": "rucio:1", "state": waiting}]
    fails = assess(one, view(("Job", job(name)), pods=(stuck,)))
    assert reasons(fails)["Ready"] == "False/ImagePullFailed"
    assert "rucio:1 cannot be pulled" in condition(fails, "Ready").message


def test_a_job_that_ended_without_a_result_is_a_users_affair() -> None:
    one, name = server(), ensure(server(), view())
    for seen in (
        view(("Job", job(name, failed=True))),
        view(("Job", job(name, complete=True)), pods=(job_pod(name, "hello"),)),
    ):
        assert reasons(assess(one, seen))["Ready"] == "False/CheckFailed"
        assert assess(one, seen).stalled


def test_an_embedded_database_that_does_not_run_is_named() -> None:
    seen = view(("StatefulSet", {"metadata": {"name": "rucio-postgres", "generation": 1}}))
    for pods, words in (
        ((), "pod rucio-postgres-0 is starting"),
        ((pod("postgres", "rucio-postgres-0", ready=False),), "pod rucio-postgres-0 runs and is not ready yet"),
    ):
        assessment = assess(server(), replace(seen, pods=pods))
        assert reasons(assessment)["Ready"] == "False/DatabaseUnreachable"
        assert words in condition(assessment, "Ready").message
        assert assessment.progressing


# --- the database under servers that run


def crashing(component: str, name: str) -> dict[str, Any]:
    ended = {"terminated": {"exitCode": 1, "message": "psycopg.OperationalError"}}
    waits = {"waiting": {"reason": "CrashLoopBackOff"}}
    return pod(
        component,
        name,
        ready=False,
        containerStatuses=[{"name": "daemon", "ready": False, "state": waits, "lastState": ended}],
    )


def down(message: str = "connection refused", **parts: Any) -> Observation:
    health = {**HEALTH, "state": "unreachable", "message": message}
    return Observation(NOW, None, {"health": health, "login": "failed", "loginError": "not tried", **parts})


def test_a_database_that_is_down_is_one_message_whatever_daemons_do() -> None:
    one = server(**ONE)
    pods = (pod("server", "server-a", ready=False), crashing("daemon-reaper", "reaper-pod"))
    assessment = assess(one, running(one, pods=pods, observation=down()))
    assert reasons(assessment) == {
        "Ready": "False/DatabaseUnreachable",
        "DatabaseReachable": "False/DatabaseUnreachable",
        "SchemaCurrent": "Unknown/DatabaseUnreachable",
        "ServerReady": "False/DatabaseUnreachable",
        "Authenticated": "Unknown/DatabaseUnreachable",
        "DaemonsHealthy": "Unknown/DatabaseUnreachable",
        "ConnectionsSufficient": "True/ConnectionsSuffice",
    }
    assert "connection refused" in condition(assessment, "Ready").message
    assert assessment.progressing
    assert not assessment.stalled


def test_other_words_for_the_same_outage_are_no_news() -> None:
    one = server(**ONE)
    first = assess(one, running(one, observation=down("connection refused")))
    said = {"conditions": merge([], first.conditions, 1, NOW)}
    again = assess(one, running(one, observation=down("timeout expired"), previous=said))
    assert again.conditions == first.conditions


def test_an_embedded_database_that_is_down_is_named_under_its_servers() -> None:
    one = server(**ONE)
    seen = running(one, observation=down())
    seen = replace(seen, pods=tuple(one for one in seen.pods if "postgres" not in one["metadata"]["name"]))
    assert "pod rucio-postgres-0" in condition(assess(one, seen), "Ready").message
    silent = replace(seen, observation=Observation(NOW, "TimeoutError", answer().data))
    assert reasons(assess(one, silent))["Ready"] == "False/DatabaseUnreachable"
    well = replace(seen, observation=answer(beat("reaper-pod")))
    assert reasons(assess(one, well))["Ready"] == "True/Serving"  # servers have just used it


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("wrong-password", "DatabasePasswordRefused"),
        ("behind", "SchemaBehind"),
        ("unstamped", "SchemaUnstamped"),
        ("empty", "DatabaseEmpty"),
        ("ahead", "SchemaAhead"),
        ("partial", "DatabasePartial"),
    ],
)
def test_a_schema_that_is_not_current_is_never_ready(state: str, reason: str) -> None:
    one = server(**ONE)
    assessment = assess(one, running(one, observation=answer(beat("reaper-pod"), health={**HEALTH, "state": state})))
    assert reasons(assessment)["Ready"] == f"False/{reason}"


def test_words_that_no_server_should_say_do_no_harm() -> None:
    one = server(**ONE)
    seen = running(one, observation=answer(beat("reaper-pod"), health={"state": "what"}))
    assert reasons(assess(one, seen))["Ready"] == "True/Serving"


# --- migrations


def behind(*children: Any, pods: tuple[Any, ...] = (), one: RucioServer | None = None, **previous: Any) -> View:
    return found(one or server(), view(*children, pods=pods, previous=previous), result("behind"))


APPROVED = {"approve-migration": PLAN}
CHECK, DUMP, MIGRATE = f"rucio-precheck-{SHORT}", f"rucio-dump-{SHORT}", f"rucio-migrate-{SHORT}"
CHECKED = (("Job", job(CHECK, complete=True)), job_pod(CHECK, dumped()))
FILE = "migration-20261125T110000Z.dump"
DUMPED = (("Job", job(DUMP, complete=True)), job_pod(DUMP, dumped(file=FILE)))


def test_a_migration_that_waits_says_how_to_approve_it_and_keeps_serving() -> None:
    assessment = assess(server(), behind(SERVER, pods=(pod("server"),)))
    ready = condition(assessment, "Ready")
    assert ready.reason == "MigrationPending"
    assert assessment.stalled
    assert f"annotate rucioserver rucio --overwrite {PREFIX}approve-migration={PLAN}" in ready.message
    assert "ConfigMap rucio-plan" in ready.message
    assert "goes on running" in ready.message
    assert reasons(assessment)["ServerReady"] == "True/ServerReady"
    assert assessment.fields["database"]["plan"] == {
        "hash": PLAN,
        "fromRevision": OLD,
        "toRevision": HEAD,
        "path": list(PATH),
    }


def test_a_stale_approval_is_told() -> None:
    message = condition(assess(server({"approve-migration": "2" * 64}), behind(SERVER)), "Ready").message
    assert "2222222222… is for another plan" in message


def test_a_dump_that_is_impossible_is_told_before_anything_is_stopped() -> None:
    failed = (("Job", job(CHECK, failed=True)), job_pod(CHECK, dumped("impossible", message="no room")))
    assessment = assess(server(APPROVED), behind(SERVER, failed[0], pods=(failed[1],)))
    ready = condition(assessment, "Ready")
    assert ready.reason == "BackupImpossible"
    assert "no room" in ready.message
    assert f"kubectl -n demo delete job {CHECK}" in ready.message
    assert assessment.stalled


def test_the_steps_of_a_migration_are_told_and_need_no_hands() -> None:
    one = server(APPROVED)
    waits = job_pod(MIGRATE, result("unreachable", message="no answer"), last=False)
    for seen, words in (
        (behind(SERVER), "whether a dump can be made"),
        (behind(SERVER, CHECKED[0], pods=(CHECKED[1],)), "stops servers and daemons"),
        (behind(STOPPED, CHECKED[0], pods=(CHECKED[1],)), "dumps the database"),
        (behind(STOPPED, CHECKED[0], DUMPED[0], pods=(CHECKED[1], DUMPED[1])), "migrates the schema"),
        (behind(STOPPED, ("Job", job(MIGRATE)), pods=(waits,)), "waits: no answer"),
    ):
        assessment = assess(one, seen)
        assert reasons(assessment)["Ready"] == "False/Migrating"
        assert words in condition(assessment, "Ready").message
        assert assessment.progressing
    assert reasons(assess(one, behind(STOPPED, CHECKED[0], pods=(CHECKED[1],))))["DaemonsHealthy"] == "False/Migrating"


def test_a_dump_that_failed_says_how_to_go_on_and_how_to_go_back() -> None:
    failed = (("Job", job(DUMP, failed=True)), job_pod(DUMP, dumped("failed", message="disk full")))
    assessment = assess(server(APPROVED), behind(STOPPED, CHECKED[0], failed[0], pods=(CHECKED[1], failed[1])))
    ready = condition(assessment, "Ready")
    assert ready.reason == "BackupFailed"
    assert "disk full" in ready.message
    assert f"delete job {DUMP}" in ready.message
    assert "set spec.version" in ready.message
    assert assessment.stalled


def test_foreign_writers_are_named_and_waited_for() -> None:
    writer = job_pod(MIGRATE, result("foreign-writers", message="Others use it: host a"), last=False)
    assessment = assess(server(APPROVED), behind(STOPPED, ("Job", job(MIGRATE)), pods=(writer,)))
    assert reasons(assessment)["Ready"] == "False/ForeignWriters"
    assert "host a" in condition(assessment, "Ready").message
    assert "dump" not in condition(assessment, "Ready").message
    assert assessment.progressing
    seen = behind(STOPPED, ("Job", job(MIGRATE)), DUMPED[0], pods=(writer, DUMPED[1]))
    assert f"not in the dump {FILE}" in condition(assess(server(APPROVED), seen), "Ready").message


def test_a_migration_that_failed_names_the_dump_and_how_to_restore_it() -> None:
    broke = job_pod(MIGRATE, result("failed", message="it broke"), last=False)
    seen = behind(STOPPED, ("Job", job(MIGRATE)), DUMPED[0], pods=(broke, DUMPED[1]))
    assessment = assess(server(APPROVED), seen)
    ready = condition(assessment, "Ready")
    assert ready.reason == "MigrationFailed"
    assert all(words in ready.message for words in ("it broke", FILE, "postgres-restore", "rucio-backup"))
    assert assessment.stalled
    assert assessment.fields["database"]["migration"] == {
        "hash": PLAN,
        "fromRevision": OLD,
        "toRevision": HEAD,
        "path": list(PATH),
        "checked": True,
        "file": FILE,
        "failed": "it broke",
    }


def test_replicas_from_before_a_stop_outlive_it() -> None:
    kept = [{"name": "rucio-server", "replicas": 5}]
    assert assess(server(APPROVED), behind(STOPPED, replicas=kept)).fields["replicas"] == kept


# --- servers


def test_servers_are_judged_by_their_pods() -> None:
    one = server(**ONE)
    some = (pod("server", "a", ready=False), pod("server", "b", ready=False), REAPER)
    unready = assess(one, running(one, pods=some, observation=None))
    assert reasons(unready)["Ready"] == reasons(unready)["ServerReady"] == "False/NotReady"
    starting = assess(one, running(one, pods=(), observation=None))
    assert reasons(starting)["Ready"] == "False/Starting"
    crash = assess(one, running(one, pods=(pod("server", "a"), crashing("server", "b"), REAPER)))
    assert reasons(crash)["Ready"] == "False/Crashing"
    assert reasons(crash)["ServerReady"] == "True/ServerReady"
    assert not crash.progressing


def test_a_pod_that_starts_beside_ready_ones_changes_nothing() -> None:
    one = server(**ONE)
    waiting = [{"name": "server", "ready": False, "started": False, "state": {"waiting": {}}}]
    some = (pod("server", "a"), pod("server", "b", ready=False, containerStatuses=waiting), REAPER)
    assert reasons(assess(one, running(one, pods=some)))["Ready"] == "True/Serving"


@pytest.mark.parametrize(
    "status",
    [{"observedGeneration": 2}, {"updatedReplicas": 1}, {"updatedReplicas": 2, "replicas": 3}],
    ids=["not seen", "some are new", "an old one is left"],
)
def test_a_rollout_is_told(status: dict[str, int]) -> None:
    one = server(**ONE)
    rolling = ("Deployment", {**SERVER[1], "status": {**SERVER[1]["status"], **status}})
    assessment = assess(one, running(one, rolling))
    assert reasons(assessment)["Ready"] == "False/RollingOut"
    assert assessment.progressing


def test_pods_that_cannot_be_made_are_told() -> None:
    one = server(**ONE)
    quota = {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}
    refused = ("Deployment", {**SERVER[1], "status": {"observedGeneration": 3, **quota}})
    assessment = assess(one, running(one, refused, pods=(), observation=None))
    assert reasons(assessment)["Ready"] == "False/PodMissing"
    assert "exceeded quota" in condition(assessment, "Ready").message


def test_no_replicas_serve_nobody() -> None:
    one = server(**ONE, replicas=0)
    none = ("Deployment", deployment("rucio-server", 0))
    assessment = assess(one, running(one, none, pods=(REAPER,), observation=None))
    assert reasons(assessment)["Ready"] == "False/ScaledToZero"
    assert not assessment.progressing


def test_a_separate_authentication_server_counts() -> None:
    one = server(**ONE, authServer={"separate": True})
    assert reasons(assess(one, running(one)))["Ready"] == "False/Starting"
    auth = ("Deployment", deployment("rucio-auth", 1))
    some = (pod("server", "a"), pod("auth", "b"), REAPER)
    assessment = assess(one, running(one, auth, pods=some))
    assert reasons(assessment)["Ready"] == "True/Serving"
    assert assessment.fields["endpoints"]["auth"] == "http://rucio-auth.demo.svc"


# --- what the server says


def test_without_any_answer_it_is_not_ready() -> None:
    one = server(**ONE)
    for observation in (None, Observation(NOW, "ClientConnectorError", None)):
        assessment = assess(one, running(one, observation=observation))
        assert reasons(assessment)["Ready"] == "False/NotObserved"
        assert assessment.progressing


def test_a_server_that_was_asked_before_it_was_ready_is_not_blamed() -> None:
    one = server(**ONE)
    early, late = (
        condition(assess(one, running(one, observation=Observation(at, "ClientConnectorError", None))), "Ready").message
        for at in (NOW - timedelta(minutes=1), NOW)
    )
    assert early == "waits for the server's answer"
    assert "ClientConnectorError" in late
    assert "NetworkPolicy" in late


def test_a_database_whose_pod_was_just_lost_is_blamed_before_servers_notice() -> None:
    one, gone = server(**ONE), pod("postgres", "rucio-postgres-0", ready=False)
    seen = running(one)
    seen = replace(seen, pods=(gone, *(one for one in seen.pods if "postgres" not in one["metadata"]["name"])))
    before, after = (
        assess(one, replace(seen, observation=replace(answer(beat("reaper-pod")), time=at)))
        for at in (NOW - timedelta(minutes=1), NOW)
    )
    assert reasons(before)["Ready"] == "False/DatabaseUnreachable"
    assert reasons(after)["Ready"] == "True/Serving"  # servers have used it since


def test_what_is_refused_before_anything_was_made_tells_of_no_pod() -> None:
    assessment = assess(server(database={"embedded": {}}), View())
    assert "endpoints" not in assessment.fields
    assert not [one for one in assessment.conditions if "pod" in one.message]


def test_a_routine_look_at_a_database_that_is_well_is_no_trouble() -> None:
    one = server(**ONE)
    one = one.model_copy(update={"metadata": one.metadata.model_copy(update={"generation": 2})})
    before = view(SERVER, ("Deployment", deployment("rucio-reaper", 1)), pods=tuple(running(one).pods))
    served = Condition("Ready", "True", "Serving", "")
    for judged, ready in ((2, "True/Serving"), (1, "False/CheckingDatabase")):
        said = {"conditions": merge([], [served], judged, NOW), "observedGeneration": 2}
        seen = replace(before, observation=answer(beat("reaper-pod")), previous=said)
        assert reasons(assess(one, seen))["Ready"] == ready


def test_a_start_of_daemons_is_one_step_unless_it_takes_long() -> None:
    one = server(daemons={"preset": "None", "instances": [{"name": "reaper"}, {"name": "undertaker"}]})
    starting = running(one, observation=answer())
    said = assess(one, starting)
    assert reasons(said)["DaemonsHealthy"] == "False/DaemonsStarting"
    before = {**said.fields, "conditions": merge([], said.conditions, 1, NOW)}
    one_lives = replace(starting, observation=answer(beat("reaper-pod")), previous=before)
    soon = assess(one, one_lives, NOW + timedelta(seconds=5))
    assert soon.fields["daemonCount"]["summary"] == "0/2"
    assert soon.wake_at == NOW + timedelta(seconds=31)
    assert assess(one, one_lives, NOW + timedelta(seconds=31)).fields["daemonCount"]["summary"] == "1/2"


def test_what_was_known_before_a_suspension_is_known_no_more() -> None:
    one = server(**ONE)
    known = assess(one, running(one)).fields
    assert known["database"]["job"]
    suspended = {**known, "conditions": [{"type": "Suspended", "status": "True", "reason": "Suspended", "message": ""}]}
    after = assess(one, running(one, previous=suspended))
    assert "job" not in after.fields["database"]
    assert reasons(after)["Ready"] == "False/CheckingDatabase"


@pytest.mark.parametrize("reason", ["CheckingDatabase", "Migrating", "DatabaseUnreachable"])
def test_what_was_said_before_its_servers_ran_is_no_answer_of_theirs(reason: str) -> None:
    one = server(**ONE)
    said = [Condition(type_, "Unknown", reason, "") for type_ in ("Ready", "Authenticated", "DaemonsHealthy")]
    seen = running(one, observation=None, previous={"conditions": merge([], said, 1, NOW)})
    assert reasons(assess(one, seen))["Ready"] == "False/NotObserved"


def test_an_operator_that_has_just_started_keeps_what_was_said() -> None:
    one = server(**ONE)
    before = assess(one, running(one))
    said = {**before.fields, "conditions": merge([], before.conditions, 1, NOW)}
    after = assess(one, running(one, observation=None, previous=said))
    assert after.conditions == before.conditions
    assert after.fields == before.fields


def test_an_operator_that_starts_during_an_outage_keeps_saying_so() -> None:
    one = server(**ONE, database=EXTERNAL)
    db = {("Secret", "db"): secret("db")}
    pods = (pod("server", "server-a", ready=False), crashing("daemon-reaper", "reaper-pod"))
    before = assess(one, running(one, pods=pods, observation=down(), references=db))
    said = {**before.fields, "conditions": merge([], before.conditions, 1, NOW)}
    after = assess(one, running(one, pods=pods, observation=None, references=db, previous=said))
    assert after.conditions == before.conditions


def test_while_a_job_may_be_setting_the_password_what_was_said_of_the_login_stands() -> None:
    one = server(**ONE)
    before = assess(one, running(one))
    said = {**before.fields, "conditions": merge([], before.conditions, 1, NOW)}
    seen = running(one, observation=answer(login="refused"), previous=said)
    seen = replace(seen, children={key: child for key, child in seen.children.items() if key[0] != "Job"})
    seen = replace(seen, previous={**said, "database": {}})
    after = assess(one, seen)
    assert reasons(after)["Ready"] == "False/CheckingDatabase"
    assert reasons(after)["Authenticated"] == "True/LoginWorks"


def test_daemons_that_are_kept_running_are_judged_as_they_are() -> None:
    one = server(daemons={"preset": "None", "instances": [{"name": "reaper"}, {"name": "hermes"}]})
    stale = running(one, told=result("behind"), observation=answer(beat("reaper-pod", ago=5000)))
    assessment = assess(one, stale)
    assert reasons(assessment)["Ready"] == "False/MigrationPending"
    assert reasons(assessment)["DaemonsHealthy"] == "False/HeartbeatsStale"
    assert [daemon["name"] for daemon in assessment.fields["daemons"]] == ["reaper"]


def test_an_old_answer_stands_for_two_minutes_and_then_pods_are_believed() -> None:
    one = server(**ONE)
    silent = Observation(NOW, "TimeoutError", answer(beat("reaper-pod")).data)
    early, late = (assess(one, running(one, observation=silent), NOW + timedelta(seconds=s)) for s in (60, 121))
    assert reasons(early)["Authenticated"] == "True/LoginWorks"
    assert early.wake_at == NOW + timedelta(seconds=121)
    assert reasons(late)["Authenticated"] == "Unknown/NotObserved"
    assert reasons(late)["DaemonsHealthy"] == "True/DaemonsAlive"
    assert reasons(late)["Ready"] == "True/Serving"


def test_a_login_that_is_refused_says_what_to_do() -> None:
    one = server(**ONE)
    refused = answer(beat("reaper-pod"), login="refused", loginError="HTTP 401")
    assessment = assess(one, running(one, observation=refused))
    assert reasons(assessment)["Authenticated"] == "False/RootLoginRefused"
    assert reasons(assessment)["Ready"] == "False/RootLoginRefused"
    assert "Secret rucio-root" in condition(assessment, "Ready").message
    failed = answer(beat("reaper-pod"), login="failed", loginError="HTTP 500")
    assessment = assess(one, running(one, observation=failed))
    assert reasons(assessment)["Ready"] == "False/LoginFailed"
    assert assessment.progressing


# --- what does not decide Ready


@pytest.mark.parametrize("daemon", ["dark-reaper", "hermes"])
def test_what_a_daemon_ends_without_is_told(daemon: str) -> None:
    words = {"dark-reaper": "there is an RSE", "hermes": "spec.config has hermes.services_list"}
    one = server(daemons={"preset": "None", "instances": [{"name": "mine", "daemon": daemon}]})
    seen = running(one, pods=(pod("server", "server-a"), crashing("daemon-mine", "mine-pod")))
    assert reasons(assess(one, seen))["DaemonsHealthy"] == "False/DaemonsFailing"
    assert f"mine ends until {words[daemon]}" in condition(assess(one, seen), "Ready").message
    config = [{"section": "hermes", "option": "services_list", "value": "influx"}]
    configured = server(daemons={"preset": "None", "instances": [{"name": "mine", "daemon": daemon}]}, config=config)
    seen = running(configured, pods=(pod("server", "server-a"), crashing("daemon-mine", "mine-pod")))
    assert ("ends until" in condition(assess(configured, seen), "Ready").message) == (daemon == "dark-reaper")


def test_held_daemons_are_told_with_the_command_that_lets_them_go() -> None:
    one = server(**ONE)
    reaper = ("Deployment", deployment("rucio-reaper", 0))
    some = (pod("server", "a"), pod("server", "b"))
    seen = running(one, reaper, pods=some, told=result(hold="h1"), observation=answer())
    assessment = assess(one, seen)
    assert reasons(assessment)["DestructiveDaemonsHeld"] == "True/ApprovalAwaited"
    message = condition(assessment, "DestructiveDaemonsHeld").message
    assert f"{PREFIX}approve-destructive=h1" in message
    assert "no replicas: reaper; " in message
    assert reasons(assessment)["Ready"] == "True/Serving"
    assert "wait for approval" in condition(assessment, "Ready").message
    assert assessment.fields["daemons"] == [{"name": "reaper", "desired": 0, "live": 0}]
    stale = assess(server({"approve-destructive": "h0"}, **ONE), seen)
    assert "'h0' is for another hold" in condition(stale, "DestructiveDaemonsHeld").message
    free = assess(server({"approve-destructive": "h1"}, **ONE), running(one, told=result(hold="h1")))
    assert "DestructiveDaemonsHeld" not in reasons(free)
    assert "approval" not in condition(free, "Ready").message


def test_mocked_transfers_are_told() -> None:
    one = server(**ONE, transfers={"tools": ["mock"]})
    assert reasons(assess(one, running(one)))["TransfersMocked"] == "True/MockTool"
    assert condition(assess(one, running(one)), "Ready").message.endswith("; transfers are mocked: no file moves")


def test_connections_are_counted_for_the_worst_case() -> None:
    one = server(**ONE)  # 2 pods x (2 processes x 11 + 1) + 1 daemon x 4 + 3, of which PostgreSQL keeps 3
    enough = assess(one, running(one, told=result(maxConnections=56)))
    assert reasons(enough)["ConnectionsSufficient"] == "True/ConnectionsSuffice"
    few = assess(one, running(one, told=result(maxConnections=55)))
    assert reasons(few)["ConnectionsSufficient"] == "False/ConnectionsExceeded"
    assert reasons(few)["Ready"] == "True/Serving"
    assert "ConnectionsSufficient" not in reasons(assess(one, running(one, told=result(maxConnections=None))))


def test_options_that_this_version_does_not_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = replace(known(server()), removed_options={"common.old": "use new", "other.old": "remove it"})
    monkeypatch.setattr("datalake_operator.status.rucio.catalogue.known", lambda _: gone)
    one = server(**ONE, config=[{"section": "common", "option": "old", "value": "1"}])
    assessment = assess(one, running(one))
    assert reasons(assessment)["ConfigCurrent"] == "False/OptionsRemoved"
    assert condition(assessment, "ConfigCurrent").message == "common.old: use new"


def test_a_version_that_is_not_known_is_judged_all_the_same() -> None:
    """The build refuses it; what runs goes on being told."""
    one = server(version="1.2.3")
    assert wanted(one, held=False) == ()
    assert reasons(assess(one, running(one)))["ServerReady"] == "True/ServerReady"
