"""What holds for the children of every RucioServer, at every moment."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.generated import GENERATED
from datalake_operator.build.rucio import Plan, Stage, Workloads, build, names
from tests.unit.build.rucio_cases import GOLDEN, RUCIO_CONTEXT, RUNNING, children, container, read, rucio, templates

LONGEST, LONGEST_DAEMON = "a" + "b" * 28 + "c", "d" + "e" * 30 + "f"
PLAN = Plan("0" * 64, "a", "b", ("b",), None)
EVERYTHING = replace(RUNNING, plan=PLAN, precheck=True, dump=True, migrate=True)
EXTERNAL = {
    "external": {
        "urlSecretRef": {"name": "db", "key": "uri"},
        "adminUrlSecretRef": {"name": "owner", "key": "url"},
        "caSecretRef": {"name": "ca", "key": "pem"},
        "schema": "prod",
    }
}


def golden() -> Iterator[tuple[RucioServer, Stage]]:
    return map(read, sorted(GOLDEN.iterdir()))


def everything() -> Iterator[tuple[RucioServer, Stage]]:
    """Every golden resource, at every moment."""
    for server, stage in golden():
        for workloads, credentials in itertools.product(Workloads, (False, True)):
            wanted = replace(EVERYTHING, workloads=workloads, credentials=credentials, stamps=stage.stamps)
            yield server, wanted


def kinds(built: dict[tuple[str, str], Any]) -> set[str]:
    return {kind for kind, _ in built}


def test_building_twice_gives_the_same_and_no_part_stands_twice_in_a_child() -> None:
    for server, stage in everything():
        built = build(server, RUCIO_CONTEXT, stage)
        assert built == build(server, RUCIO_CONTEXT, stage)
        assert "&id" not in yaml.safe_dump_all(built)  # `datalake render` would print an alias


def test_they_come_in_the_order_in_which_they_are_needed() -> None:
    order = (
        *("Secret", "PersistentVolumeClaim", "ServiceAccount", "Service", "StatefulSet", "ConfigMap", "Job"),
        *("Service", "PodDisruptionBudget", "PodMonitor", "Ingress", "Deployment", "CronJob"),
    )
    for server, stage in everything():
        found = [kind for kind, _ in itertools.groupby(child["kind"] for child in build(server, RUCIO_CONTEXT, stage))]
        steps = iter(order)
        assert all(kind in steps for kind in found), found


def test_names_and_labels_fit_for_the_longest_name() -> None:
    daemons = {"instances": [{"name": LONGEST_DAEMON, "daemon": "reaper"}]}
    built = children(rucio(LONGEST, daemons=daemons, authServer={"separate": True}), EVERYTHING)
    for (kind, name), child in built.items():
        assert len(name) <= (52 if kind == "CronJob" else 63)
        assert all(len(value) <= 63 for value in child["metadata"]["labels"].values())
    for template in templates(built).values():
        assert all(len(value) <= 63 for value in template["metadata"]["labels"].values())


def test_every_pod_fits_the_restricted_standard_and_has_no_token() -> None:
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
    for server, stage in everything():
        for template in templates(children(server, stage)).values():
            pod = template["spec"]
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert pod["securityContext"]["runAsUser"] in (10941, 10942)
            assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
            assert container(template)["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
            assert all(volume.keys() - {"name"} <= allowed for volume in pod["volumes"])
            assert [volume["name"] for volume in pod["volumes"]] == [
                mount["name"] for mount in container(template)["volumeMounts"]
            ]
            assert "subPath" not in str(pod)


def test_selectors_hold_no_version_and_find_the_pods() -> None:
    for server, stage in everything():
        for (kind, _), child in children(server, stage).items():
            if kind in ("Deployment", "StatefulSet"):
                spec = child["spec"]
                assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
                assert "app.kubernetes.io/version" not in spec["template"]["metadata"]["labels"]


def test_what_is_kept_has_no_owner_unless_it_shall_go_too() -> None:
    for policy, built in (("Retain", children(rucio())), ("Delete", children(rucio(deletionPolicy="Delete")))):
        for (kind, _), child in built.items():
            kept = kind in ("Secret", "PersistentVolumeClaim") and policy == "Retain"
            assert ("ownerReferences" not in child["metadata"]) is kept


def test_passwords_are_made_up_by_whoever_creates_them() -> None:
    secrets = [child for (kind, _), child in children(rucio()).items() if kind == "Secret"]
    assert [secret["stringData"] for secret in secrets] == [
        {"username": "root", "password": GENERATED},
        {"username": "rucio", "database": "rucio", "password": GENERATED},
    ]
    given = children(rucio(database=EXTERNAL, rootAccount={"secretRef": {"name": "own"}}))
    assert "Secret" not in kinds(given)


def test_only_the_job_that_sets_it_sees_the_password_of_root() -> None:
    for given in ({}, {"secretRef": {"name": "own-root"}}):
        built = templates(children(rucio(rootAccount=given), EVERYTHING))
        secret = given.get("secretRef", {}).get("name", "rucio-root")
        users = {name for (_, name), template in built.items() if f"'{secret}'" in str(template["spec"])}
        assert users == {names.ensure_job(rucio(rootAccount=given), RUCIO_CONTEXT, EVERYTHING)}


def test_without_credentials_there_is_nothing_that_runs() -> None:
    for server, stage in golden():
        built = children(server, replace(stage, credentials=False))
        assert not kinds(built) & {"StatefulSet", "Job", "Deployment", "CronJob"}


@pytest.mark.parametrize("workloads", [Workloads.ABSENT, Workloads.KEPT])
def test_until_the_database_is_current_there_are_no_servers_and_no_daemons(workloads: Workloads) -> None:
    built = children(rucio(), replace(RUNNING, workloads=workloads))
    assert "Deployment" not in kinds(built)
    assert {"StatefulSet", "Job", "Service"} <= kinds(built)


def test_a_migration_stops_servers_and_daemons_and_says_so() -> None:
    stage = replace(EVERYTHING, workloads=Workloads.STOPPED, found_replicas={"rucio-server": 7})
    for (kind, _), child in children(rucio(authServer={"separate": True}), stage).items():
        if kind == "Deployment":
            assert child["spec"]["replicas"] == 0
            assert child["metadata"]["annotations"] == {"datalake.projectescape.eu/stopped": "true"}


def test_replicas_that_nobody_said_are_handed_back_as_found() -> None:
    def server(stage: Stage = RUNNING, **spec: Any) -> tuple[int, dict[str, str]]:
        found = children(rucio(**spec), stage)["Deployment", "rucio-server"]
        return found["spec"]["replicas"], found["metadata"].get("annotations", {})

    as_found = {"datalake.projectescape.eu/replicas": "as-found"}
    assert server() == (2, as_found)
    assert server(replace(RUNNING, found_replicas={"rucio-server": 5})) == (5, as_found)
    assert server(replace(RUNNING, found_replicas={"rucio-server": 5}), replicas=3) == (3, {})
    assert server(replicas=0) == (0, {})


def test_one_server_may_always_be_evicted_and_of_several_one_at_a_time() -> None:
    budget = ("PodDisruptionBudget", "rucio-server")
    assert children(rucio())[budget]["spec"]["maxUnavailable"] == 1
    assert budget not in children(rucio(replicas=1))
    assert budget not in children(rucio(), replace(RUNNING, found_replicas={"rucio-server": 1}))


def test_held_daemons_are_those_that_delete_or_move_files() -> None:
    server = rucio(transfers={"tools": ["fts3"]}, daemons={"preset": "Standard"})
    built = children(server, replace(RUNNING, held=True))
    zero = {name for (kind, name), child in built.items() if kind == "Deployment" and child["spec"]["replicas"] == 0}
    assert {f"rucio-{name}" for name in ("undertaker", "reaper", "dark-reaper", "judge-cleaner", "minos")} < zero
    assert {f"rucio-conveyor-{name}" for name in ("submitter", "poller", "finisher", "preparer", "stager")} < zero
    assert not zero & {"rucio-server", "rucio-abacus-rse", "rucio-transmogrifier", "rucio-judge-evaluator"}


def test_a_held_instance_under_another_name_is_held_too() -> None:
    server = rucio(daemons={"preset": "None", "instances": [{"name": "harmless", "daemon": "reaper"}]})
    assert children(server, replace(RUNNING, held=True))["Deployment", "rucio-harmless"]["spec"]["replicas"] == 0


def test_dumps_are_made_except_before_the_database_is_ours_and_during_a_migration() -> None:
    def suspended(workloads: Workloads) -> bool | None:
        found = children(rucio(), replace(RUNNING, workloads=workloads)).get(("CronJob", "rucio-backup"))
        return found["spec"]["suspend"] if found else None

    assert {workloads: suspended(workloads) for workloads in Workloads} == {
        Workloads.ABSENT: None,
        Workloads.KEPT: False,
        Workloads.STOPPED: True,
        Workloads.RUNNING: False,
    }


def test_a_claim_for_dumps_is_there_where_dumps_are_made() -> None:
    def claims(**spec: Any) -> dict[str, str]:
        return {
            name: child["spec"]["resources"]["requests"]["storage"]
            for (kind, name), child in children(rucio(**spec)).items()
            if kind == "PersistentVolumeClaim"
        }

    off = {"backup": {"disabled": True}}
    assert claims() == {"rucio-postgres": "5Gi", "rucio-backup": "5Gi"}
    embedded = {"embedded": {"size": "1024Mi", "backup": {"enabled": False, "claim": {"size": "2Gi"}}}}
    assert claims(database=embedded) == {"rucio-postgres": "1Gi", "rucio-backup": "2Gi"}
    assert claims(database=embedded, migrations=off) == {"rucio-postgres": "1Gi"}
    assert claims(database=EXTERNAL) == {"rucio-backup": "5Gi"}
    assert claims(database=EXTERNAL, migrations=off) == {}


def test_the_owners_url_is_for_jobs_only() -> None:
    built = templates(children(rucio(database=EXTERNAL), EVERYTHING))

    def databases(name: str) -> dict[str, str]:
        (template,) = (template for (_, found), template in built.items() if found.startswith(name))
        return {
            volume["name"]: volume["secret"]["secretName"]
            for volume in template["spec"]["volumes"]
            if volume["name"].endswith("database")
        }

    for name in ("rucio-server", "rucio-reaper"):
        assert databases(name) == {"database": "db"}
    for name in ("rucio-db-", "rucio-migrate-"):
        assert databases(name) == {"database": "db", "admin-database": "owner"}
    for name in ("rucio-precheck-", "rucio-dump-"):
        assert databases(name) == {"database": "owner"}


def test_the_tag_of_the_image_is_the_version_unless_somebody_says_otherwise() -> None:
    def image(default: str, **spec: Any) -> str:
        built = build(rucio(**spec), replace(RUCIO_CONTEXT, rucio_image=default), RUNNING)
        (server,) = (
            child for child in built if child["metadata"]["name"] == "rucio-server" and child["kind"][0] == "D"
        )
        return str(container(server["spec"]["template"])["image"])

    assert image("example.org:5000/rucio") == "example.org:5000/rucio:41.5.1"
    assert image("example.org/rucio", version="38.6.4") == "example.org/rucio:38.6.4"
    assert image("example.org/rucio:own") == "example.org/rucio:own"
    assert image("example.org/rucio@sha256:" + "1" * 64).endswith("1")
    assert image("example.org/rucio", image={"tag": "41.5.1-3"}) == "example.org/rucio:41.5.1-3"
    assert image("example.org/rucio", image={"repository": "other.org/r"}) == "other.org/r:41.5.1"


def test_monitors_are_made_where_the_cluster_has_them_and_the_spec_wants_them() -> None:
    without = {child["kind"] for child in build(rucio(), replace(RUCIO_CONTEXT, pod_monitor=False), RUNNING)}
    assert "PodMonitor" in kinds(children(rucio()))
    assert "PodMonitor" not in without | kinds(children(rucio(monitoring={"podMonitor": False})))


def test_a_plan_is_shown() -> None:
    plan = Plan("f" * 64, "old", "new", ("middle", "new"), "SELECT 1;")
    shown = children(rucio(), replace(RUNNING, plan=plan))["ConfigMap", "rucio-plan"]["data"]
    assert shown["plan.sql"] == "SELECT 1;"
    assert ["f" * 64 in shown["plan.txt"], "  middle\n  new\n" in shown["plan.txt"]] == [True, True]
    assert children(rucio(), replace(RUNNING, plan=PLAN))["ConfigMap", "rucio-plan"]["data"].keys() == {"plan.txt"}
