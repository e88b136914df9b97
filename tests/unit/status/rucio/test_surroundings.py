"""Where a Rucio is found, whom to ask, which pod is stuck."""

import re
from typing import Any

import pytest

from datalake_operator.status import View
from datalake_operator.status.rucio import Target, stuck_pods, target
from datalake_operator.status.rucio.endpoints import endpoints
from datalake_operator.status.rucio.reasons import RucioReason
from tests.unit.status.rucio.conftest import job, pod, secret, server, view


def service(name: str = "rucio", **status: Any) -> tuple[str, dict[str, Any]]:
    ports = [{"name": "http", "port": 80, "nodePort": 30080}]
    return "Service", {"metadata": {"name": name}, "spec": {"ports": ports}, "status": status}


CASES: dict[str, tuple[dict[str, Any], View, dict[str, str]]] = {
    "inside the cluster": ({}, view(), {"rest": "http://rucio.demo.svc", "auth": "http://rucio.demo.svc"}),
    "through an ingress": (
        {"ingress": {"host": "rucio.example.org"}},
        view(),
        {"rest": "https://rucio.example.org", "auth": "https://rucio.example.org"},
    ),
    "a load balancer": (
        {"service": {"type": "LoadBalancer"}},
        view(service(loadBalancer={"ingress": [{"ip": "2001:db8::9"}]})),
        {"rest": "http://[2001:db8::9]", "auth": "http://[2001:db8::9]"},
    ),
    "one that is not there yet": ({"service": {"type": "LoadBalancer"}}, view(service()), {}),
    "one that was there": (
        {"service": {"type": "LoadBalancer"}},
        view(service(), previous={"endpoints": {"rest": "http://a", "auth": "http://a"}}),
        {"rest": "http://a", "auth": "http://a"},
    ),
    "ports of the nodes": (
        {"service": {"type": "NodePort"}, "authServer": {"separate": True}},
        view(
            service(), service("rucio-auth"), pods=(pod("server", hostIP="192.0.2.1"), pod("auth", hostIP="192.0.2.2"))
        ),
        {"rest": "http://192.0.2.1:30080", "auth": "http://192.0.2.2:30080"},
    ),
}


@pytest.mark.parametrize(("spec", "seen", "expected"), CASES.values(), ids=CASES)
def test_the_address_is_the_one_for_the_farthest_clients(
    spec: dict[str, Any], seen: View, expected: dict[str, str]
) -> None:
    assert endpoints(server(**spec), seen) == expected


def test_a_ready_server_is_asked_else_any() -> None:
    ready, not_ready = pod("server", "b", podIP="fd00::2"), pod("server", "a", ready=False, podIP="10.0.0.1")
    expected = Target("http://[fd00::2]:8083", "http://[fd00::2]:8080", "root", "root-secret")
    assert target(server(), view(pods=(not_ready, ready))) == expected
    other = target(server(), view(pods=(not_ready,)))
    assert other is not None
    assert other.health == "http://10.0.0.1:8083"


def test_a_job_that_may_have_set_the_password_makes_another_target() -> None:
    some = (pod("server"),)
    before, after = (
        view(("Job", job("rucio-db-0")), pods=some),
        view(("Job", job("rucio-db-0", complete=True)), pods=some),
    )
    assert target(server(), before) == target(server(), view(pods=some))
    assert target(server(), after) != target(server(), before)


def test_nobody_is_asked_without_an_address_or_a_password() -> None:
    assert target(server(), view()) is None
    assert target(server(), view(pods=(pod("server", podIP=None),))) is None
    broken = secret("rucio-root", username="root")
    assert target(server(), view(("Secret", broken), pods=(pod("server"),))) is None


def test_a_root_account_of_the_users_own_is_used() -> None:
    given = {("Secret", "mine"): secret("mine", username="admin", password="other")}  # noqa: S106 - made up
    found = target(server(rootAccount={"secretRef": {"name": "mine"}}), view(pods=(pod("server"),), references=given))
    assert found is not None
    assert (found.username, found.password) == ("admin", "other")
    assert "other" not in repr(found)


def test_a_database_pod_of_an_old_revision_that_never_started_is_stuck() -> None:
    workload = {
        "metadata": {"name": "rucio-postgres", "generation": 1},
        "status": {"observedGeneration": 1, "updateRevision": "new"},
    }
    waiting = pod("postgres", "rucio-postgres-0", containerStatuses=[{"name": "postgres", "started": False}])
    seen = View(children={("StatefulSet", "rucio-postgres"): workload}, pods=(waiting,))
    assert stuck_pods(server(), seen) == [waiting]
    waiting["metadata"]["labels"]["controller-revision-hash"] = "new"
    assert stuck_pods(server(), seen) == []
    assert stuck_pods(server(), view(pods=(waiting,))) == []


def test_reasons_are_camel_case_and_explained() -> None:
    values = [value for name, value in vars(RucioReason).items() if name.isupper()]
    assert len(values) == len(set(values))
    assert all(re.fullmatch("([A-Z][a-z]+)+", value) for value in values)
