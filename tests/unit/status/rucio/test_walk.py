"""The whole way, with somebody dying at every step."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Context
from datalake_operator.build.rucio.stage import Stage
from tests.unit.status.rucio.conftest import HEAD, OLD, machine, real_job_name
from tests.unit.status.rucio.simulated import Cluster, plan_hash

APPROVAL = {"approve-migration": plan_hash(OLD, HEAD)}


@pytest.fixture(autouse=True)
def _real_names(_names: None, monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[tuple[Any, ...], str] = {}

    def name(one: RucioServer, context: Context, ground: Stage) -> str:
        key = (one.spec.version, one.spec.migrations.mode, ground.adopt, *sorted(ground.stamps.items()))
        if key not in known:
            known[key] = real_job_name(one, context, ground)
        return known[key]

    monkeypatch.setattr(machine, "_ensure_job", name)


def upgraded(**parts: Any) -> Cluster:
    """An old Rucio with three servers, whose spec has just been given another version."""
    cluster = Cluster(**parts)
    cluster.settle()
    cluster.children["Deployment", "rucio-server"]["spec"]["replicas"] = 3
    cluster.settle()
    assert cluster.replicas == 3
    cluster.version = "41.5.1"
    return cluster


def test_a_fresh_one_runs() -> None:
    cluster = Cluster(version="41.5.1", revision=HEAD)
    cluster.settle()
    assert cluster.ready["reason"] == "NotObserved"  # all that is left is to ask it
    assert cluster.replicas == 2


def test_an_upgrade_waits_for_approval_and_comes_back_with_the_replicas_from_before() -> None:
    cluster = upgraded()
    cluster.settle()
    assert cluster.ready["reason"] == "MigrationPending"
    assert cluster.replicas == 3
    cluster.annotations = APPROVAL
    cluster.settle()
    assert (cluster.revision, cluster.replicas) == (HEAD, 3)
    assert cluster.ready["reason"] == "NotObserved"
    assert cluster.dumps == [OLD]
    assert "migration" not in cluster.status["database"]
    assert not [name for kind, name in cluster.children if kind == "Job" and "-db-" not in name]


def test_a_dump_that_is_impossible_stops_nothing() -> None:
    cluster = upgraded(annotations=APPROVAL, impossible=True)
    cluster.settle()
    assert cluster.ready["reason"] == "BackupImpossible"
    assert cluster.replicas == 3
    cluster.impossible = False
    cluster._delete(next(key for key in cluster.children if "-precheck-" in key[1]))
    cluster.settle()
    assert (cluster.revision, cluster.replicas) == (HEAD, 3)


def test_foreign_writers_hold_it_up_and_going_back_is_possible() -> None:
    cluster = upgraded(annotations=APPROVAL, foreign=True)
    cluster.settle()
    assert cluster.ready["reason"] == "ForeignWriters"
    assert cluster.replicas == 0
    cluster.version = "38.6.4"
    cluster.settle()
    assert (cluster.revision, cluster.replicas) == (OLD, 3)
    cluster.version, cluster.foreign = "41.5.1", False
    cluster.settle()
    assert (cluster.revision, cluster.replicas) == (HEAD, 3)


def test_a_lower_version_is_left_alone() -> None:
    cluster = Cluster(version="41.5.1", revision=HEAD)
    cluster.settle()
    cluster.version = "38.6.4"
    cluster.settle()
    assert cluster.ready["reason"] == "SchemaAhead"
    assert (cluster.revision, cluster.replicas) == (HEAD, 2)


@pytest.mark.parametrize("writes", range(24))
def test_an_operator_that_dies_at_any_write_of_an_upgrade_comes_to_the_same_end(writes: int) -> None:
    cluster = upgraded(annotations=APPROVAL)
    left = writes
    while left >= 0:  # it dies once, at that write, in whichever pass that is
        before = cluster.writes
        cluster.operate(left)
        left -= cluster.writes - before + 1
        for act in (cluster.control, cluster.go, cluster.work):
            act()
    cluster.settle()
    assert (cluster.revision, cluster.replicas, cluster.dumps) == (HEAD, 3, [OLD])


@pytest.mark.parametrize("trouble", ["lose", "collect", "evict"])
@pytest.mark.parametrize("rounds", range(12))
def test_pods_that_are_lost_at_any_moment_of_an_upgrade_change_nothing(rounds: int, trouble: str) -> None:
    cluster = upgraded(annotations=APPROVAL)
    for _ in range(rounds):
        cluster.round()
    getattr(cluster, trouble)()
    cluster.settle()
    assert (cluster.revision, cluster.replicas, cluster.dumps[0]) == (HEAD, 3, OLD)


ACTS = ("round", "round", "operate", "control", "go", "work", "collect", "lose", "evict", "die", "back", "forth")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5)), max_size=40), st.booleans())
def test_whoever_dies_whenever_it_stays_safe_and_comes_to_the_same_end(
    acts: list[tuple[str, int]], automatic: bool
) -> None:
    spec = {"migrations": {"mode": "Automatic"}} if automatic else {}
    cluster = upgraded(spec=spec, annotations={} if automatic else APPROVAL)
    for act, number in acts:
        if act == "die":
            cluster.operate(number)
        elif act == "back":
            cluster.version = "38.6.4"
        elif act == "forth":
            cluster.version = "41.5.1"
        else:
            getattr(cluster, act)()
        cluster.check()
    cluster.version = "41.5.1"
    cluster.settle()
    assert (cluster.revision, cluster.replicas) == (HEAD, 3)
    assert OLD in cluster.dumps
