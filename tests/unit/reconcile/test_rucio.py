"""What a RucioServer names, lacks and looks at."""

from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Context
from datalake_operator.reconcile.outcome import Postponed
from datalake_operator.reconcile.rucio import RucioKind
from datalake_operator.status import View
from tests.support.objects import rucio

KIND = RucioKind()
EXTERNAL: dict[str, Any] = {
    "database": {
        "external": {
            "urlSecretRef": {"name": "db", "key": "uri"},
            "adminUrlSecretRef": {"name": "db", "key": "admin"},
            "caSecretRef": {"name": "ca", "key": "ca.crt"},
        }
    },
    "rootAccount": {"secretRef": {"name": "root"}},
    "secretConfig": [{"section": "a", "option": "b", "secretKeyRef": {"name": "tokens", "key": "t"}}],
    "files": [
        {"name": "one", "secretKeyRef": {"name": "tokens", "key": "f"}, "for": ["server"]},
        {"name": "two", "configMapKeyRef": {"name": "map", "key": "m"}, "for": ["server"]},
    ],
}


def server(**spec: Any) -> RucioServer:
    body = rucio("x", "ns", **spec)
    body["metadata"]["uid"] = "u"
    model = parse(body)
    assert isinstance(model, RucioServer)
    return model


def test_every_object_that_the_spec_names_is_a_reference_once() -> None:
    found = [(one.resource.kind, one.name) for one in KIND.references(server(**EXTERNAL))]
    assert found == [("Secret", "db"), ("Secret", "ca"), ("Secret", "root"), ("Secret", "tokens"), ("ConfigMap", "map")]
    assert not KIND.references(server())


def test_every_key_that_is_not_there_is_named() -> None:
    whole: dict[tuple[str, str], Any] = {
        ("Secret", "db"): {"data": {"uri": "eA==", "admin": "eA=="}},
        ("Secret", "ca"): {"data": {"ca.crt": "eA=="}},
        ("Secret", "root"): {"data": {"username": "eA==", "password": "eA=="}},
        ("Secret", "tokens"): {"data": {"t": "eA==", "f": ""}},
        ("ConfigMap", "map"): {"binaryData": {"m": "eA=="}},
    }
    assert KIND.lacking(server(**EXTERNAL), View(references=whole)) == ()
    part = whole | {("Secret", "root"): {"data": {"username": "eA=="}}, ("ConfigMap", "map"): {"data": {}}}
    assert KIND.lacking(server(**EXTERNAL), View(references=part)) == (
        "key password of Secret root",
        "key m of ConfigMap map",
    )


def test_a_key_that_somebody_took_out_of_a_secret_of_ours_is_named() -> None:
    live = {"metadata": {"name": "x-database"}, "data": {"username": "eA==", "database": "eA=="}}
    assert KIND.lacking(server(), View(children={("Secret", "x-database"): live})) == (
        "key password of Secret x-database",
    )
    assert KIND.lacking(server(), View()) == (), "they are just being made"


def test_without_the_identity_of_the_cluster_nothing_is_built() -> None:
    context = Context(xcache_image="x", operator_namespace="o", cluster_trouble="403 Forbidden: no right")
    with pytest.raises(Postponed, match="403 Forbidden: no right"):
        KIND.build(server(), context, View())


def deployment(name: str, status: dict[str, int] | None = None, owner: str | None = "u") -> dict[tuple[str, str], Any]:
    references = [{"uid": owner, "controller": True}] if owner else []
    known = {"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2} | (status or {})
    body = {
        "kind": "Deployment",
        "metadata": {"name": name, "generation": 2, "ownerReferences": references},
        "spec": {"replicas": 2},
        "status": known,
    }
    return {("Deployment", name): body}


@pytest.mark.parametrize("status", [{"observedGeneration": 1}, {"updatedReplicas": 1}, {"replicas": 3}])
def test_old_configuration_stays_while_one_workload_of_ours_is_not_rolled(status: dict[str, int]) -> None:
    assert KIND.rolled(server(), View(children=deployment("a")))
    assert not KIND.rolled(server(), View(children=deployment("a") | deployment("b", status)))
    assert not KIND.rolled(server(), View(children=deployment("b", status, None)))
    assert KIND.rolled(server(), View(children=deployment("a") | deployment("b", status, "stranger")))


def test_roots_password_is_not_sent_to_a_pod_that_merely_carries_our_labels() -> None:
    labels = {"app.kubernetes.io/component": "server"}
    status = {"podIP": "10.0.0.7", "phase": "Running"}
    secret = {"kind": "Secret", "metadata": {"name": "x-root"}, "data": {"username": "cm9vdA==", "password": "eA=="}}

    def asked(*owners: dict[str, Any]) -> object:
        metadata = {"name": "p", "labels": labels, "ownerReferences": list(owners)}
        return KIND.observed_at(
            server(), View(children={("Secret", "x-root"): secret}, pods=({"metadata": metadata, "status": status},))
        )

    assert asked({"uid": "rs", "controller": True}) is not None
    assert asked() is None
