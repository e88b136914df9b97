"""Which change replaces which pods, and which makes the database be looked at anew."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from datalake_operator.build.rucio import Stage, build, names
from tests.support.mutation import full, put
from tests.unit.build.rucio_cases import RUCIO_CONTEXT, RUNNING, children, parsed, rucio, templates

(BODY, EMBEDDED) = full("RucioServer")
DAEMONS = (
    *("abacus-account", "abacus-rse", "conveyor-finisher", "conveyor-poller", "conveyor-preparer"),
    *("conveyor-submitter", "judge-cleaner", "judge-evaluator", "judge-injector", "judge-repairer", "minos"),
    *("necromancer", "reaper", "reaper-tape", "transmogrifier", "undertaker"),
)
ALL = {*DAEMONS, "server", "auth"}
SERVERS = {"server", "auth"}
STAMPS = {
    "Secret/db": ALL,
    "Secret/db-ca": ALL,
    "Secret/hermes": ALL,
    "Secret/accounts": {"server", "reaper-tape"},
    "Secret/root": set[str](),
    "Secret/other": set[str](),
}

ROLLS: dict[str, tuple[Any, set[str]]] = {
    "image.repository": ("other.example.org/rucio", ALL),
    "image.tag": ("41.5.1-2", ALL),
    "image.pullPolicy": ("Never", ALL),
    "server.processes": (3, SERVERS),
    "server.threads": (5, SERVERS),
    "server.resources": ({"limits": {"memory": "1Gi"}}, SERVERS),
    "server.endpoints.add.0": ("traces", ALL),
    "server.endpoints.remove.0": ("dirac", ALL),
    "database.external.urlSecretRef.name": ("other", ALL),
    "database.external.urlSecretRef.key": ("other", ALL),
    "database.external.caSecretRef.name": ("other", ALL),
    "database.external.caSecretRef.key": ("other", ALL),
    "database.external.schema": ("other", ALL),
    "database.pool.size": (6, SERVERS),
    "database.pool.maxOverflow": (6, SERVERS),
    "daemons.pool.size": (3, {*DAEMONS}),
    "daemons.pool.maxOverflow": (3, {*DAEMONS}),
    "daemons.instances.0.sleepTime": ("61s", {"reaper-tape"}),
    "daemons.instances.0.threads": (2, {"reaper-tape"}),
    "daemons.instances.0.options.0.values.0": ("tape=false", {"reaper-tape"}),
    "daemons.instances.0.resources": ({"limits": {"memory": "2Gi"}}, {"reaper-tape"}),
    "transfers.tools.0": ("mock", ALL),
    "transfers.schemes.0": ("https", ALL),
    "transfers.schemes.1": ("https", ALL),
    "policy.permission": ("atlas", ALL),
    "policy.schema": ("atlas", ALL),
    "policy.lfn2pfn": ("identity", ALL),
    "policy.package": ("other", ALL),
    "config.0.section": ("other", ALL),
    "config.0.option": ("other", ALL),
    "config.0.value": ("DEBUG", ALL),
    "secretConfig.0.section": ("other", ALL),
    "secretConfig.0.option": ("other", ALL),
    "secretConfig.0.secretKeyRef.name": ("other", ALL),
    "secretConfig.0.secretKeyRef.key": ("other", ALL),
    "files.0.name": ("other", {"server", "reaper-tape"}),
    "files.0.secretKeyRef.name": ("other", {"server", "reaper-tape"}),
    "files.0.secretKeyRef.key": ("other", {"server", "reaper-tape"}),
    "files.0.for.0": ("auth", {"server", "auth"}),
    "files.0.for.1": ("minos", {"minos", "reaper-tape"}),
    "resources": ({"limits": {"memory": "2Gi"}}, {*DAEMONS} - {"reaper-tape"}),
    "nodeSelector": ({"disk": "fast"}, ALL),
    "tolerations": ([{"key": "a", "operator": "Exists"}], ALL),
    "affinity": ({"podAffinity": {}}, ALL),
    "priorityClassName": ("other", ALL),
}
"""New value of a field, and the workloads whose pods it replaces."""
STAYS: dict[str, Any] = {
    "suspend": True,
    "replicas": 5,
    "authServer.replicas": 5,
    "database.external.adminUrlSecretRef.name": "other",
    "database.external.adminUrlSecretRef.key": "other",
    "database.external.adopt": "other",
    "bootstrap": "Never",
    "migrations.mode": "Automatic",
    "migrations.backup.disabled": True,
    "migrations.backup.claim.size": "6Gi",
    "migrations.backup.keep": 4,
    "rootAccount.secretRef.name": "other",
    "rootAccount.manage": False,
    "daemons.instances.0.replicas": 5,
    "daemons.instances.0.heartbeatTimeout": "11m",
    "ingress.host": "other.example.org",
    "ingress.className": "other",
    "ingress.tlsSecretName": "other",
    "ingress.annotations": {"a/b": "d"},
    "service.type": "NodePort",
    "service.annotations": {"a/b": "d"},
    "service.ipFamilyPolicy": "SingleStack",
    "monitoring.podMonitor": False,
    "deletionPolicy": "Delete",
    "version": "41.5.1.cms8",  # the image is said
}
ELSEWHERE = {
    "authServer.separate": "more or fewer Deployments",
    "daemons.preset": "more or fewer Deployments",
    "daemons.instances.0.name": "another Deployment",
    "daemons.instances.0.daemon": "has other flags",
    "daemons.instances.0.options.0.flag": "needs values of another kind",
    "daemons.instances.0.options.1.flag": "the same as the first option",
    "migrations.backup.claim.storageClassName": "cannot change",
}
WHOLE = {"resources", "nodeSelector", "tolerations", "affinity", "ingress.annotations", "service.annotations"} | {
    *("server.resources", "daemons.instances.0.resources", "image.pullSecrets", "tolerations"),
    *("daemons.instances.0.options.1.values",),
}
"""Fields whose parts are not told apart here."""


def pods(body: dict[str, Any], stage: Stage = RUNNING) -> dict[str, Any]:
    """The pod template of each Deployment."""
    built = children(parsed(body), stage)
    name = body["metadata"]["name"]
    return {key[1].removeprefix(f"{name}-"): one for key, one in templates(built).items() if key[0] == "Deployment"}


def changed(field: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(BODY)
    path = tuple(int(step) if step.isdecimal() else step for step in field.split("."))
    assert put(body["spec"], path, value)
    return body


def rolled(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(("field", "value", "those"), [(field, *said) for field, said in ROLLS.items()], ids=ROLLS)
def test_a_change_replaces_exactly_the_pods_that_must_heed_it(field: str, value: Any, those: set[str]) -> None:
    assert rolled(pods(BODY), pods(changed(field, value))) == those


@pytest.mark.parametrize(("field", "value"), STAYS.items(), ids=STAYS)
def test_what_needs_no_restart_leaves_all_pods_alone(field: str, value: Any) -> None:
    assert rolled(pods(BODY), pods(changed(field, value))) == set()


@pytest.mark.parametrize(("secret", "those"), STAMPS.items(), ids=STAMPS)
def test_a_secret_that_was_changed_replaces_the_pods_that_mount_it(secret: str, those: set[str]) -> None:
    stamps = dict.fromkeys(STAMPS, "old")
    before, after = (pods(BODY, replace(RUNNING, stamps=one)) for one in (stamps, {**stamps, secret: "new"}))
    assert rolled(before, after) == those


def test_a_daemon_more_or_less_leaves_the_others_alone() -> None:
    more = [*BODY["spec"]["daemons"]["instances"], {"name": "hermes"}]
    before, after = pods(BODY), pods(changed("daemons.instances", more))
    assert after.keys() - before.keys() == {"hermes"}
    assert rolled(before, {name: after[name] for name in before}) == set()


def test_the_operators_own_surroundings_replace_nothing() -> None:
    moved = replace(RUCIO_CONTEXT, operator_namespace="elsewhere", monitoring_namespaces=("other",), cluster="c-2")
    one, other = (
        {
            child["metadata"]["name"]: child["spec"]["template"]
            for child in build(rucio(), context, RUNNING)
            if child["kind"] in ("Deployment", "StatefulSet")
        }
        for context in (RUCIO_CONTEXT, moved)
    )
    assert one == other


@pytest.mark.parametrize(
    ("spec", "stage", "anew"),
    [
        ({}, {}, False),
        ({"replicas": 5}, {}, False),
        ({"daemons": {"preset": "None"}}, {}, False),
        ({"daemons": {"pool": {"size": 9}}}, {}, False),
        ({}, {"held": True, "found_replicas": {"rucio-server": 4}}, False),
        ({"version": "38.6.4"}, {}, True),
        ({"image": {"tag": "other"}}, {}, True),
        ({"bootstrap": "Never"}, {}, True),
        ({"rootAccount": {"manage": False}}, {}, True),
        ({"rootAccount": {"secretRef": {"name": "own"}}}, {}, True),
        ({"config": [{"section": "a", "option": "b", "value": "c"}]}, {}, True),
        ({}, {"adopt": "rucio"}, True),
        ({}, {"stamps": {"Secret/rucio-root": "new"}}, True),
        ({}, {"stamps": {"Secret/rucio-database": "new"}}, True),
        ({}, {"stamps": {"Secret/other": "new"}}, False),
    ],
)
def test_the_database_is_looked_at_anew_when_something_that_the_look_depends_on_changes(
    spec: dict[str, Any], stage: dict[str, Any], anew: bool
) -> None:
    before = names.ensure_job(rucio(), RUCIO_CONTEXT, RUNNING)
    wanted = replace(RUNNING, **stage)
    after = names.ensure_job(rucio(**spec), RUCIO_CONTEXT, wanted)
    assert (before != after) is anew
    assert ("Job", after) in children(rucio(**spec), wanted)


def test_a_database_that_held_a_rucio_is_not_filled_anew_and_not_looked_at_anew_for_that() -> None:
    name = names.ensure_job(rucio(), RUCIO_CONTEXT, RUNNING)
    for filled in (False, True):
        job = children(rucio(), replace(RUNNING, filled=filled))["Job", name]
        assert ("--bootstrap" in job["spec"]["template"]["spec"]["containers"][0]["args"]) is not filled


def test_the_embedded_database_restarts_only_for_what_concerns_it() -> None:
    def template(stage: Stage = RUNNING, **spec: Any) -> Any:
        return children(rucio(**spec), stage)["StatefulSet", "rucio-postgres"]["spec"]["template"]

    assert template(replicas=9, daemons={"preset": "Standard"}, version="38.6.4") == template()
    assert template(database={"embedded": {"size": "9Gi"}}) == template()
    assert template(replace(RUNNING, stamps={"Secret/rucio-root": "new"})) == template()
    assert template(replace(RUNNING, stamps={"Secret/rucio-database": "new"})) != template()


def test_every_field_is_in_one_of_the_tables() -> None:
    said = [*ROLLS, *STAYS, *ELSEWHERE]
    assert sorted(said) == sorted(
        set(leaves(BODY["spec"])) - {"image.pullSecrets", "daemons.instances.0.options.1.values"}
    )


def leaves(value: Any, path: str = "") -> Iterator[str]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if path in WHOLE or not isinstance(value, dict | list):
        yield path
    else:
        for step, child in steps:
            yield from leaves(child, f"{path}.{step}" if path else str(step))
