from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest

from datalake_operator.build.rucio.stage import Stage, Workloads
from datalake_operator.status import Observation, View
from datalake_operator.status.rucio import assess, refusal, results, spent_jobs, stage
from datalake_operator.status.rucio.situation import Step
from tests.unit.status.conftest import NOW
from tests.unit.status.rucio.conftest import (
    CONTEXT,
    EXTERNAL,
    HEAD,
    MIDDLE,
    OLD,
    PATH,
    PLAN,
    PREFIX,
    ROOT_SECRET,
    deployment,
    dumped,
    ensure,
    found,
    job,
    job_pod,
    machine,
    pod,
    result,
    secret,
    server,
    view,
)

RUNS = ("Deployment", deployment("rucio-server", 3))
STOPPED = ("Deployment", deployment("rucio-server", 0, stopped=True))
SHORT = PLAN[:10]
APPROVED = {"approve-migration": PLAN}
BEHIND = {"hash": PLAN, "fromRevision": OLD, "toRevision": HEAD, "path": list(PATH)}


def of(seen: View, **annotations: str) -> Stage:
    return stage(server({name.replace("_", "-"): value for name, value in annotations.items()}), seen, CONTEXT)


def step(seen: View, **annotations: str) -> Step:
    one = server({name.replace("_", "-"): value for name, value in annotations.items()})
    reached: Step = machine.look(one, seen, CONTEXT).step
    return reached


def behind(*children: Any, pods: tuple[Any, ...] = (), **previous: Any) -> View:
    """A database that is behind, with these Jobs and pods."""
    return found(server(), view(*children, pods=pods, previous=previous), result("behind"))


# --- before a result


def test_without_its_own_secrets_nothing_is_made_of_jobs_and_workloads() -> None:
    seen = view()
    seen = replace(seen, children={key: one for key, one in seen.children.items() if key[1] != "rucio-database"})
    assert of(seen) == Stage(workloads=Workloads.ABSENT, stamps=of(seen).stamps)
    assert not of(seen).credentials


def test_a_secret_that_the_spec_names_must_be_there_as_well() -> None:
    one = server(database=EXTERNAL, rootAccount={"secretRef": {"name": "mine"}})
    missing = View(references={("Secret", "db"): secret("db"), ("Secret", "mine"): None})
    there = View(references={("Secret", "db"): secret("db"), ("Secret", "mine"): secret("mine")})
    assert not stage(one, missing, CONTEXT).credentials
    assert stage(one, there, CONTEXT).credentials
    assert set(stage(one, there, CONTEXT).stamps) == {"Secret/db", "Secret/mine"}


def test_stamps_change_with_what_a_secret_holds() -> None:
    before = of(view())
    changed = view(("Secret", {**ROOT_SECRET, "metadata": {**ROOT_SECRET["metadata"], "resourceVersion": "2"}}))
    assert of(changed).stamps["Secret/rucio-root"] != before.stamps["Secret/rucio-root"]
    assert of(changed).stamps["Secret/rucio-database"] == before.stamps["Secret/rucio-database"]


def test_before_the_first_result_nothing_runs_and_what_runs_stays() -> None:
    assert of(view()).workloads is Workloads.ABSENT
    assert of(view(RUNS)).workloads is Workloads.KEPT


# --- a result


def test_a_current_database_of_ours_lets_everything_run() -> None:
    assert of(found(server(), view(), result())).workloads is Workloads.RUNNING


def test_a_result_outlives_its_pods_in_status() -> None:
    name = ensure(server(), view())
    kept = view(previous={"database": {"job": name, "state": "current", "ours": True}})
    assert of(kept).workloads is Workloads.RUNNING


def test_a_result_for_other_inputs_counts_for_nothing() -> None:
    kept = view(RUNS, previous={"database": {"job": "rucio-db-other", "state": "current", "ours": True}})
    assert of(kept).workloads is Workloads.KEPT


@pytest.mark.parametrize("previous", [{"database": 5}, {"database": {"job": 5}}, {"database": {"job": "x"}}])
def test_a_status_that_others_filled_badly_does_no_harm(previous: dict[str, Any]) -> None:
    assert of(view(previous=previous)).workloads is Workloads.ABSENT


STATES = sorted(set(get_args(results.State)) - {"current", "behind"})


@pytest.mark.parametrize("state", STATES)
def test_nothing_starts_on_a_database_in_any_other_state_and_nothing_that_runs_is_touched(state: str) -> None:
    for children, expected in (((), Workloads.ABSENT), ((RUNS,), Workloads.KEPT)):
        wanted = of(found(server(), view(*children), result(state)))
        assert wanted.workloads is expected
        assert (wanted.precheck, wanted.dump, wanted.migrate) == (False, False, False)


def test_a_current_database_of_somebody_else_lets_nothing_run() -> None:
    assert of(found(server(), view(), result(ours=False))).workloads is Workloads.ABSENT


def test_a_database_that_is_behind_without_a_plan_is_left_alone() -> None:
    assert of(found(server(), view(RUNS), result("behind", plan=None)), **APPROVED_WORD).workloads is Workloads.KEPT


APPROVED_WORD = {"approve_migration": PLAN}


# --- adoption and holds


def test_what_may_be_adopted_is_in_the_spec_or_an_annotation() -> None:
    assert of(view(), adopt_database="old").adopt == "old"
    external = {"external": {**EXTERNAL["external"], "adopt": "theirs"}}
    seen = View(references={("Secret", "db"): secret("db")}, children=view().children)
    assert stage(server({"adopt-database": "old"}, database=external), seen, CONTEXT).adopt == "theirs"


def test_a_hold_holds_until_it_is_approved_by_its_id() -> None:
    held = found(server(), view(), result(hold="h1"))
    assert of(held).held
    assert of(held, approve_destructive="h0").held
    assert not of(held, approve_destructive="h1").held
    assert not of(found(server(), view(), result()), approve_destructive="h1").held


def test_a_hold_that_a_restore_put_on_a_running_database_is_read_by_its_servers_and_stays_known() -> None:
    one, seen = server(), found(server(), view(RUNS), result())
    told = Observation(NOW, None, {"health": {"state": "current", "hold": "h2"}})
    assert of(replace(seen, observation=told)).held
    status = assess(one, replace(seen, observation=told), CONTEXT, NOW).fields
    for silent in (None, Observation(NOW, "TimeoutError", {"health": {"state": "current", "hold": None}})):
        assert of(replace(seen, observation=silent, previous=status)).held
    assert not of(replace(seen, observation=told, previous=status), approve_destructive="h2").held
    lifted = Observation(NOW, None, {"health": {"state": "current", "hold": None}})
    assert not of(replace(seen, observation=lifted, previous=status)).held


@pytest.mark.parametrize("state", ["unreachable", "wrong-password", "empty", "unstamped", "failed", "not-utf8", "busy"])
def test_a_server_that_could_not_read_the_database_lifts_no_hold(state: str) -> None:
    one, seen = server(), found(server(), view(RUNS), result(hold="h1"))
    known = assess(one, seen, CONTEXT, NOW).fields
    out = Observation(NOW, None, {"health": {"state": state, "hold": None}})
    during = replace(seen, observation=out, previous=known)
    assert of(during).held
    assert assess(one, during, CONTEXT, NOW).fields["database"]["hold"] == "h1"


def test_a_hold_that_a_job_has_just_found_counts_before_status_knows_it() -> None:
    before = {"database": {"job": ensure(server(), view()), "time": "2026-11-25T10:00:00Z", "state": "current"}}
    assert of(found(server(), view(RUNS, previous=before), result(hold="h3"))).held


# --- the steps of a migration


def test_a_migration_waits_for_the_approval_of_its_very_plan() -> None:
    assert step(behind(RUNS)) is Step.PENDING
    assert step(behind(RUNS), approve_migration="2" * 64) is Step.PENDING
    assert of(behind(RUNS)).workloads is Workloads.KEPT
    plan = of(behind(RUNS)).plan
    assert plan is not None
    assert (plan.hash, plan.sql, plan.path) == (PLAN, "ALTER TABLE rules;", PATH)
    assert not of(behind(RUNS)).precheck


def test_automatic_needs_no_approval() -> None:
    one = server(migrations={"mode": "Automatic"})
    assert machine.look(one, found(one, view(RUNS), result("behind")), CONTEXT).step is Step.PRECHECK


def test_the_sql_of_a_plan_outlives_the_pod_in_its_config_map() -> None:
    name = ensure(server(), view())
    shown = {"metadata": {"name": "rucio-plan"}, "data": {"plan.txt": f"hash {PLAN}", "plan.sql": "ALTER"}}
    kept = {"database": {"job": name, "state": "behind", "plan": BEHIND}}
    plan = of(view(("ConfigMap", shown), previous=kept)).plan
    assert plan is not None
    assert plan.sql == "ALTER"
    other = {**shown, "data": {"plan.txt": "hash of another", "plan.sql": "DROP"}}
    plan = of(view(("ConfigMap", other), previous=kept)).plan
    assert plan is not None
    assert plan.sql is None


def test_nothing_is_scaled_before_a_dump_is_known_to_be_possible() -> None:
    looking = of(behind(RUNS), approve_migration=PLAN)
    assert (looking.workloads, looking.precheck, looking.dump) == (Workloads.KEPT, True, False)
    name = f"rucio-precheck-{SHORT}"
    checked = behind(RUNS, ("Job", job(name, failed=True)), pods=(job_pod(name, dumped("impossible")),))
    assert of(checked, approve_migration=PLAN).workloads is Workloads.KEPT
    assert step(checked, approve_migration=PLAN) is Step.IMPOSSIBLE


def checked(*children: Any, pods: tuple[Any, ...] = (), **previous: Any) -> View:
    name = f"rucio-precheck-{SHORT}"
    return behind(("Job", job(name, complete=True)), *children, pods=(job_pod(name, dumped()), *pods), **previous)


def test_then_everything_stops_and_the_dump_waits_for_the_last_pod_and_the_last_controller() -> None:
    for waiting in (
        checked(RUNS),
        checked(STOPPED, pods=(pod("server"),)),
        checked(STOPPED, pods=(pod("daemon-reaper"),)),
        checked(STOPPED, pods=(pod("auth"),)),
        checked(("Deployment", deployment("rucio-server", 0, stopped=True, observedGeneration=2))),
        checked(("Deployment", {**STOPPED[1], "status": {"observedGeneration": 3, "replicas": 1}})),
        checked(STOPPED, ("Deployment", deployment("rucio-old-daemon", 1))),
    ):
        wanted = of(waiting, approve_migration=PLAN)
        assert (wanted.workloads, wanted.dump, wanted.migrate) == (Workloads.STOPPED, False, False)
        assert wanted.precheck
    stopped = of(checked(STOPPED), approve_migration=PLAN)
    assert (stopped.workloads, stopped.dump, stopped.migrate) == (Workloads.STOPPED, True, False)


def test_a_pod_that_has_ended_is_waited_for_by_nobody() -> None:
    over = pod("daemon-reaper", phase="Failed")
    assert step(checked(STOPPED, pods=(over,)), approve_migration=PLAN) is Step.DUMPING


DUMP = f"rucio-dump-{SHORT}"
FILE = "migration-20261125T110000Z.dump"


def dumped_view(*children: Any, pods: tuple[Any, ...] = (), **previous: Any) -> View:
    return checked(
        STOPPED,
        ("Job", job(DUMP, complete=True)),
        *children,
        pods=(job_pod(DUMP, dumped(file=FILE)), *pods),
        **previous,
    )


def test_it_is_migrated_when_the_dump_is_there() -> None:
    wanted = of(dumped_view(), approve_migration=PLAN)
    assert (wanted.workloads, wanted.dump, wanted.migrate) == (Workloads.STOPPED, True, True)
    situation = machine.look(server(APPROVED), dumped_view(), CONTEXT)
    assert situation.record.file == FILE


def test_a_dump_that_failed_leaves_everything_stopped() -> None:
    failed = checked(STOPPED, ("Job", job(DUMP, failed=True)), pods=(job_pod(DUMP, dumped("failed")),))
    assert step(failed, approve_migration=PLAN) is Step.DUMP_FAILED
    assert of(failed, approve_migration=PLAN).workloads is Workloads.STOPPED
    assert not of(failed, approve_migration=PLAN).migrate
    trying = checked(STOPPED, ("Job", job(DUMP)), pods=(job_pod(DUMP, dumped("failed")),))
    assert step(trying, approve_migration=PLAN) is Step.DUMPING


def test_without_a_dump_it_is_migrated_only_where_that_is_said() -> None:
    one = server(APPROVED, migrations={"backup": {"disabled": True}})
    seen = found(one, view(STOPPED), result("behind"))
    wanted = stage(one, seen, CONTEXT)
    assert (wanted.precheck, wanted.dump, wanted.migrate) == (False, False, True)
    running = stage(one, found(one, view(RUNS), result("behind")), CONTEXT)
    assert (running.workloads, running.migrate) == (Workloads.STOPPED, False)


MIGRATE = f"rucio-migrate-{SHORT}"


def told(state: str, **parts: Any) -> dict[str, Any]:
    return result(state, verb="migrate", **parts)


def test_while_a_migration_runs_nothing_else_counts() -> None:
    """Another version in the spec, a database that does not answer, an approval that was taken away."""
    record = {"migration": {**BEHIND, "checked": True, "file": FILE}}
    working = view(STOPPED, ("Job", job(MIGRATE)), previous={"database": record})
    for seen in (
        working,
        found(server(), working, result("unreachable")),
        found(server(), working, result("current")),
        found(server(), working, result("behind", plan={"hash": "2" * 64, "sql": None})),
    ):
        wanted = of(seen)
        assert (wanted.workloads, wanted.migrate) == (Workloads.STOPPED, True)
        assert wanted.plan is not None
        assert wanted.plan.hash == PLAN


def test_the_plan_of_a_migration_that_runs_is_in_its_arguments_too() -> None:
    made = job(MIGRATE)
    made["spec"] = {"template": {"spec": {"containers": [{"args": ["rucio-database", "migrate", "--plan", PLAN]}]}}}
    plan = of(view(STOPPED, ("Job", made))).plan
    assert plan is not None
    assert plan.hash == PLAN


def test_foreign_writers_are_waited_for() -> None:
    seen = dumped_view(("Job", job(MIGRATE)), pods=(job_pod(MIGRATE, told("foreign-writers"), last=False),))
    assert step(seen, approve_migration=PLAN) is Step.FOREIGN
    assert of(seen, approve_migration=PLAN).migrate


def test_a_migration_that_only_waits_can_be_called_off() -> None:
    """With the version from before, whose Job finds the database current."""
    waits = view(STOPPED, ("Job", job(MIGRATE)), pods=(job_pod(MIGRATE, told("foreign-writers"), last=False),))
    off = of(found(server(), waits, result("current")))
    assert (off.workloads, off.migrate) == (Workloads.STOPPED, False)
    leaving = view(STOPPED, pods=(job_pod(MIGRATE, told("foreign-writers"), last=False),))
    gone = of(found(server(), leaving, result("current")))
    assert (gone.workloads, gone.migrate) == (Workloads.STOPPED, False)
    assert of(found(server(), view(STOPPED), result("current"))).workloads is Workloads.RUNNING


def test_there_are_never_two_migrations_at_a_time() -> None:
    """One that is being deleted has to be gone, pods and all, before the next."""
    other = "rucio-migrate-2222222222"
    leaving = job(other)
    leaving["metadata"]["deletionTimestamp"] = "2026-11-25T12:00:00Z"
    for seen in (
        dumped_view(("Job", leaving)),
        dumped_view(pods=(job_pod(other, "", last=False),)),
    ):
        wanted = of(seen, approve_migration=PLAN)
        assert (wanted.workloads, wanted.migrate) == (Workloads.STOPPED, False)
    working = of(dumped_view(("Job", job(other))), approve_migration=PLAN)
    assert working.plan is not None
    assert working.plan.short == "2222222222"


def test_a_migration_that_failed_stays_failed_until_its_job_is_deleted() -> None:
    ended = ("Job", job(MIGRATE, failed=True))
    words = (job_pod(MIGRATE, told("failed", message="it broke")),)
    for seen in (dumped_view(ended, pods=words), dumped_view(ended)):
        assert step(seen, approve_migration=PLAN) is Step.MIGRATION_FAILED
        wanted = of(seen, approve_migration=PLAN)
        assert (wanted.workloads, wanted.migrate) == (Workloads.STOPPED, True)
    situation = machine.look(server(APPROVED), dumped_view(ended, pods=words), CONTEXT)
    assert (situation.record.failed, situation.record.file) == ("it broke", FILE)
    again = machine.look(server(APPROVED), dumped_view(database={"migration": situation.record.model_dump()}), CONTEXT)
    assert (again.step, again.record.failed) == (Step.MIGRATING, None)


REST = {"hash": "3" * 64, "sql": None}
"""What is left of the plan in the middle of it."""


def half(*children: Any, pods: tuple[Any, ...] = (), annotation: str = PLAN, record: bool = True) -> tuple[Any, View]:
    """A database at a revision on the path of the migration that had begun."""
    previous = {"database": {"migration": {**BEHIND, "checked": True, "file": FILE}}} if record else {}
    one = server({"approve-migration": annotation})
    seen = view(STOPPED, *children, pods=pods, previous=previous)
    return one, found(one, seen, result("behind", revision=MIDDLE, path=[HEAD], plan=REST))


def test_what_is_left_of_an_approved_migration_goes_on_with_the_same_dump() -> None:
    one, seen = half()
    situation = machine.look(one, seen, CONTEXT)
    assert situation.step is Step.MIGRATING
    assert situation.record.file == FILE
    assert (situation.stage.plan.hash, situation.stage.migrate) == ("3" * 64, True)
    assert not situation.stage.dump


def test_without_the_record_of_its_beginning_what_is_left_needs_an_approval_of_its_own() -> None:
    assert machine.look(*half(record=False), CONTEXT).step is Step.PENDING
    assert machine.look(*half(record=False, annotation="3" * 64), CONTEXT).step is Step.PRECHECK


def test_a_migration_that_failed_halfway_does_not_go_on_by_itself() -> None:
    for words in ((job_pod(MIGRATE, told("failed", message="it broke")),), ()):
        one, seen = half(("Job", job(MIGRATE, failed=True)), pods=words)
        situation = machine.look(one, seen, CONTEXT)
        assert situation.step is Step.MIGRATION_FAILED
        assert (situation.stage.plan.hash, situation.stage.migrate) == (PLAN, True)  # so that its Job stays


def test_a_job_whose_plan_is_no_longer_true_makes_room_for_what_is_left() -> None:
    """It was killed in the middle, and started again by Kubernetes."""
    one, seen = half(("Job", job(MIGRATE)), pods=(job_pod(MIGRATE, told("stale-plan"), last=False),))
    wanted = stage(one, seen, CONTEXT)
    assert (wanted.workloads, wanted.migrate) == (Workloads.STOPPED, False)


# --- replicas


def test_replicas_that_a_scaler_set_are_found_and_those_from_before_a_stop_are_kept() -> None:
    assert of(view(RUNS)).found_replicas == {"rucio-server": 3}
    kept = {"replicas": [{"name": "rucio-server", "replicas": 5}]}
    assert of(view(STOPPED, previous=kept)).found_replicas == {"rucio-server": 5}
    assert of(view(RUNS, previous=kept)).found_replicas == {"rucio-server": 3}
    assert of(view(STOPPED)).found_replicas == {}
    assert stage(server(replicas=2), view(RUNS), CONTEXT).found_replicas == {}


# --- Jobs that must run again


def test_a_job_that_ended_well_and_nobody_knows_with_what_runs_again() -> None:
    name = ensure(server(), view())
    assert spent_jobs(server(), view(("Job", job(name, complete=True))), CONTEXT) == (name,)
    assert spent_jobs(server(), view(("Job", job(name))), CONTEXT) == ()
    assert spent_jobs(server(), found(server(), view(), result()), CONTEXT) == ()
    known = view(
        ("Job", job(name, complete=True)), previous={"database": {"job": name, "state": "current", "ours": True}}
    )
    assert spent_jobs(server(), known, CONTEXT) == ()


def test_one_whose_pod_is_there_and_told_nonsense_does_not_run_for_ever() -> None:
    name = ensure(server(), view())
    assert spent_jobs(server(), view(("Job", job(name, complete=True)), pods=(job_pod(name, "?"),)), CONTEXT) == ()


def test_so_do_those_before_a_migration() -> None:
    name = f"rucio-precheck-{SHORT}"
    lost = behind(RUNS, ("Job", job(name, complete=True)))
    assert spent_jobs(server(APPROVED), lost, CONTEXT) == (name,)
    lost = checked(STOPPED, ("Job", job(DUMP, complete=True)))
    assert spent_jobs(server(APPROVED), lost, CONTEXT) == (DUMP,)
    assert spent_jobs(server(APPROVED), dumped_view(), CONTEXT) == ()


def test_a_schema_that_was_changed_under_its_servers_is_looked_at_again() -> None:
    name = ensure(server(), view())
    ended = job(name, complete=True, completionTime="2026-11-25T11:00:00Z")
    seen = view(RUNS, ("Job", ended), pods=(job_pod(name, result()),))
    other = Observation(NOW, None, {"health": {"state": "behind"}})
    assert spent_jobs(server(), replace(seen, observation=other), CONTEXT) == (name,)
    assert of(replace(seen, observation=other)).workloads is Workloads.KEPT
    for observation in (
        Observation(NOW - timedelta(hours=1), None, other.data),  # its check is older than the Job's
        Observation(NOW, "TimeoutError", other.data),
        Observation(NOW, None, {"health": {"state": "unreachable"}}),
        Observation(NOW, None, {"health": {"state": "empty"}}),  # never filled anew by itself
    ):
        assert spent_jobs(server(), replace(seen, observation=observation), CONTEXT) == ()
        assert of(replace(seen, observation=observation)).workloads is Workloads.RUNNING


def test_after_a_suspension_the_database_is_looked_at_before_anything_starts() -> None:
    name = ensure(server(), view())
    ended = job(name, complete=True, completionTime="2026-11-25T11:00:00Z")
    said = {
        "database": {"job": name, "state": "current", "ours": True},
        "conditions": [{"type": "Suspended", "status": "True"}],
    }
    seen = view(RUNS, ("Job", ended), pods=(job_pod(name, result()),), previous=said)
    assert of(seen).workloads is Workloads.KEPT
    assert spent_jobs(server(), seen, CONTEXT) == (name,)
    assert stage(server(suspend=True), seen, CONTEXT).workloads is Workloads.RUNNING
    assert spent_jobs(server(suspend=True), seen, CONTEXT) == ()


def test_what_a_job_said_that_is_being_deleted_does_not_count() -> None:
    name = ensure(server(), view())
    ended = job(name, complete=True)
    going = {**ended, "metadata": {**ended["metadata"], "deletionTimestamp": "2026-11-25T11:59:59Z"}}
    seen = view(RUNS, ("Job", going), pods=(job_pod(name, result()),), previous={"database": {"state": "current"}})
    assert of(seen).workloads is Workloads.KEPT


# --- refusals


def test_the_way_from_names_to_paths_is_immutable_once_the_database_is_filled() -> None:
    filled = view(previous={"database": {"lfn2pfn": "hash"}})
    one = server(policy={"lfn2pfn": "identity"})
    refused = refusal(one, filled, CONTEXT)
    assert refused is not None
    assert refused.reason == "PathAlgorithmChanged"
    assert f"{PREFIX}allow-lfn2pfn=identity" in refused.message
    assert refusal(one, view(), CONTEXT) is None
    assert refusal(server(), filled, CONTEXT) is None
    assert refusal(server({"allow-lfn2pfn": "identity"}, policy={"lfn2pfn": "identity"}), filled, CONTEXT) is None


def test_the_database_itself_says_how_it_was_filled_to_a_resource_that_was_made_again() -> None:
    one = server(policy={"lfn2pfn": "identity"})
    refused = refusal(one, found(one, view(), result(lfn2pfn="hash")), CONTEXT)
    assert refused is not None
    assert "filled with 'hash'" in refused.message
    assert refusal(server(policy={"lfn2pfn": ""}), found(server(), view(), result(lfn2pfn="hash")), CONTEXT) is None
    theirs = found(one, view(), result("not-ours", ours=False, lfn2pfn="hash"))
    assert refusal(one, theirs, CONTEXT) is None, "whose it is comes first"
    assert assess(one, found(one, view(), result(lfn2pfn="hash")), CONTEXT, NOW).fields["database"]["lfn2pfn"] == "hash"


def test_the_username_of_root_is_immutable_once_the_database_is_filled() -> None:
    refused = refusal(server(), view(previous={"database": {"rootUsername": "admin"}}), CONTEXT)
    assert refused is not None
    assert refused.reason == "RootUsernameChanged"
    assert "root-secret" not in refused.message
    assert refusal(server(), view(previous={"database": {"rootUsername": "root"}}), CONTEXT) is None
