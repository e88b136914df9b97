"""A first Rucio, from one YAML: what a user sees of it, and what becomes of its data. One server, in this order."""

import os
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.cluster import Cluster, waiting
from tests.demo.kubectl import Kubectl, Object
from tests.e2e import catalogues
from tests.e2e.names import OPERATOR, RUCIO
from tests.support.objects import condition, is_ready

NAME, OTHER = "first", "second"
SOON = 60
"""Seconds from nothing to Ready, images present."""
HOSTNAME = "rucio.example.org"
LIMIT = 60
QUICK = {"name": "undertaker", "sleepTime": "3s", "heartbeatTimeout": f"{LIMIT}s"}
SPEC: Object = {
    "replicas": 2,
    "database": {"embedded": {"size": "1Gi", "backup": {"claim": {"size": "1Gi"}}}},
    "daemons": {"instances": [QUICK]},
    "ingress": {"host": HOSTNAME},
}
ONE: Object = {
    **catalogues.SMALL,
    "database": {"embedded": {"size": "1Gi", "backup": {"enabled": False}}},
    "migrations": {"backup": {"disabled": True}},
    "daemons": {"preset": "None", "instances": [QUICK]},
    "rootAccount": {"secretRef": {"name": f"{NAME}-root"}},
    "bootstrap": "Never",
}
"""For a restored dump: a daemon that deletes, and the login that is in the dump."""

FILL = """
client.add_scope("root", "tests")
client.add_rse("TEST-DISK", deterministic=True)
client.add_protocol("TEST-DISK", {
    "scheme": "root", "hostname": "origin.example.org", "port": 1094, "prefix": "/", "impl":
    "rucio.rse.protocols.xrootd.Default", "domains": {"lan": {"read": 1, "write": 1, "delete": 1}, "wan": {"read": 1}},
})
client.add_replica("TEST-DISK", "tests", "file", 1048576, "00000001")
client.set_local_account_limit("root", "TEST-DISK", -1)
rules = client.add_replication_rule([{"scope": "tests", "name": "file"}], copies=1, rse_expression="TEST-DISK")
answer = rules
"""
LOOK = """
answer = {
    "whoami": client.whoami()["account"],
    "scopes": sorted(client.list_scopes()),
    "rses": [one["rse"] for one in client.list_rses()],
    "replicas": [one["name"] for one in client.list_replicas([{"scope": "tests", "name": "file"}])],
    "rules": [(one["state"], one["rse_expression"]) for one in client.list_did_rules("tests", "file")],
}
"""
THERE = {
    "whoami": "root",
    "scopes": ["tests"],
    "rses": ["TEST-DISK"],
    "replicas": ["file"],
    "rules": [["OK", "TEST-DISK"]],
}


@dataclass(frozen=True)
class Fresh:
    """The server when it was Ready for the first time, and the seconds that it took."""

    server: Object
    seconds: float


@pytest.fixture(scope="module")
def fresh(lake: Kubectl, client: None) -> Fresh:  # noqa: ARG001 - it runs before the clock does
    begun = time.monotonic()
    catalogues.apply(lake, NAME, **SPEC)
    server = catalogues.ready(lake, NAME, 240)
    return Fresh(server, time.monotonic() - begun)


@pytest.fixture(scope="module")
def stopped(lake: Kubectl, fresh: Fresh) -> tuple[str, datetime]:  # noqa: ARG001 - of it
    """A pod whose daemon was stopped (SIGSTOP), and when. What follows need not wait until that is noticed."""
    (pod,) = catalogues.pods(lake, NAME, "daemon-undertaker")
    name: str = pod["metadata"]["name"]
    lake.execute(RUCIO, name, "sh", "-c", "kill -STOP $(cat /proc/1/task/1/children)")  # of tini, hence the daemon
    return name, datetime.now(UTC)


@pytest.fixture(scope="module")
def dump(lake: Kubectl, fresh: Fresh) -> str:  # noqa: ARG001 - of it
    """Name of a dump, made now as it would be at night."""
    job = f"{NAME}-backup-now"
    lake("create", "job", job, f"--from=cronjob/{NAME}-backup", "--namespace", RUCIO)
    lake("wait", "--for=condition=Complete", f"job/{job}", "--namespace", RUCIO, "--timeout=120s")
    server = catalogues.until(lake, NAME, lambda server: server["status"].get("backups"), "a backup in its status")
    (found,) = server["status"]["backups"]
    return str(found["name"])


@pytest.fixture(scope="module")
def restored(lake: Kubectl, dump: str) -> Iterator[str]:
    """A new server with what was in the dump: as docs/rucio.md says. What `DatabaseNotOurs` said of it."""
    catalogues.apply(lake, OTHER, **ONE)
    catalogues.says(lake, OTHER, "DatabaseEmpty")
    assert catalogues.working(lake, OTHER) == []
    catalogues.restore(lake, OTHER, dump, claim=f"{NAME}-backup")
    yield catalogues.says(lake, OTHER, "DatabaseNotOurs")
    lake("delete", "rucioserver", NAME, "--namespace", RUCIO)


def test_it_is_ready_in_a_minute_and_says_so_in_one_row(lake: Kubectl, fresh: Fresh) -> None:
    others = os.getloadavg()[0] / (os.cpu_count() or 1)  # this machine may be doing other things
    assert fresh.seconds <= SOON * max(1, others)
    status = fresh.server["status"]
    assert status["endpoints"] == {"rest": f"https://{HOSTNAME}", "auth": f"https://{HOSTNAME}"}
    assert status["schema"]["revision"] == status["schema"]["head"]
    row = next(line for line in lake("get", "datalake", "--namespace", RUCIO).splitlines() if NAME in line)
    count = status["daemonCount"]["summary"]
    assert row.split()[1:5] == ["True", catalogues.NEW, status["schema"]["revision"], count]
    assert count == f"{len(status['daemons'])}/{len(status['daemons'])}"


@pytest.mark.usefixtures("fresh")
def test_a_client_fills_it_and_finds_what_it_wrote(lake: Kubectl) -> None:
    assert catalogues.ask(lake, NAME, FILL)
    assert catalogues.ask(lake, NAME, LOOK) == THERE


@pytest.mark.usefixtures("stopped")
def test_a_dump_is_made_and_told(lake: Kubectl, dump: str) -> None:
    assert dump.startswith("scheduled-")
    assert condition(catalogues.get(lake, NAME), "BackupFresh")["status"] == "True"


def test_the_password_of_root_is_in_its_secret_only(lake: Kubectl, node: Cluster, dump: str) -> None:  # noqa: ARG001
    password = catalogues.secret(lake, f"{NAME}-root")["password"]
    kinds = "rucioservers,configmaps,pods,jobs,cronjobs,deployments,statefulsets,services,ingresses,events"
    seen = {"objects": lake("get", kinds, "--namespace", RUCIO, "--output=json")}
    seen["operator"] = lake("logs", "--namespace", OPERATOR, "deployment/datalake-operator")
    for pod in lake.list("pod", RUCIO):
        name = pod["metadata"]["name"]
        seen[name] = lake("logs", "--namespace", RUCIO, name, "--all-containers")
    if node.audit_log is not None:
        seen["audit log"] = node.audit_log.read_text()
    assert len(password) > 30
    for text in (password, b64encode(password.encode()).decode()):
        assert [where for where, said in seen.items() if text in said] == []


def test_a_dump_is_restored_to_a_new_server_whose_deleting_daemons_wait(lake: Kubectl, restored: str) -> None:
    assert f"{RUCIO}/{NAME}" in restored
    assert catalogues.working(lake, OTHER) == []
    catalogues.obey(lake, restored)
    server = catalogues.ready(lake, OTHER)
    assert catalogues.ask(lake, OTHER, LOOK, f"{NAME}-root") == THERE
    held = condition(server, "DestructiveDaemonsHeld")
    assert (held["status"], held["reason"]) == ("True", "ApprovalAwaited")
    assert "undertaker" in held["message"]
    assert catalogues.working(lake, OTHER) == [f"{OTHER}-server"]

    catalogues.obey(lake, held["message"])
    server = catalogues.until(lake, OTHER, lambda one: is_ready(one) and _lives(one), "its daemon to live")
    assert condition(server, "DestructiveDaemonsHeld") == {}


def test_a_daemon_that_hangs_is_named_and_rows_of_pods_that_are_gone_do_not_count(
    lake: Kubectl, stopped: tuple[str, datetime]
) -> None:
    pod, since = stopped
    assert "undertaker" in catalogues.says(lake, NAME, "HeartbeatsStale", "DaemonsHealthy")
    server = catalogues.get(lake, NAME)
    told = datetime.fromisoformat(condition(server, "DaemonsHealthy")["lastTransitionTime"])
    assert (told - since).total_seconds() < LIMIT + 30
    assert condition(server, "Ready")["reason"] == "HeartbeatsStale"

    lake("delete", "pod", pod, "--namespace", RUCIO, "--force", "--grace-period=0")  # its row stays
    server = catalogues.ready(lake, NAME, 60)
    (daemon,) = (one for one in server["status"]["daemons"] if one["name"] == "undertaker")
    assert (daemon["live"], daemon["desired"]) == (1, 1)


@pytest.mark.usefixtures("restored")
def test_a_server_that_was_deleted_finds_its_data_when_it_is_made_again(lake: Kubectl) -> None:
    catalogues.delete(lake, OTHER)
    for kind, name in (("persistentvolumeclaim", f"{OTHER}-postgres"), ("secret", f"{OTHER}-database")):
        assert "ownerReferences" not in lake.get(kind, name, RUCIO)["metadata"]
    catalogues.apply(lake, OTHER, **ONE)
    catalogues.ready(lake, OTHER)
    assert catalogues.ask(lake, OTHER, LOOK, f"{NAME}-root") == THERE


@pytest.mark.usefixtures("restored")
def test_with_deletion_policy_delete_its_data_goes_with_it(lake: Kubectl) -> None:
    catalogues.apply(lake, OTHER, **ONE, deletionPolicy="Delete")
    catalogues.until(lake, OTHER, lambda _: _owned(lake), "its claim and Secret to be its own")
    catalogues.delete(lake, OTHER)
    waiting.until(lambda: not _kept(lake), "its claim and Secret to go", seconds=60, every=0.3)


def _lives(server: Object) -> bool:
    return bool(server["status"].get("daemonCount", {}).get("summary") == "1/1")


def _kept(lake: Kubectl) -> list[Object]:
    """Claim and Secret of the restored server."""
    labels = f"app.kubernetes.io/name=rucio,app.kubernetes.io/instance={OTHER}"
    return [*lake.list("persistentvolumeclaim", RUCIO, labels), *lake.list("secret", RUCIO, labels)]


def _owned(lake: Kubectl) -> bool:
    return all("ownerReferences" in one["metadata"] for one in _kept(lake))
