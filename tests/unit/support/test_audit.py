import asyncio
import json
from pathlib import Path

from tests.support.audit import Audit
from tests.support.client import Client
from tests.support.kubeconfig import Endpoint


def line(verb: str, resource: str, *, user: str = "operator", code: int = 200, **more: object) -> str:
    name, _, subresource = resource.partition("/")
    event = {
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": user},
        "objectRef": {"resource": name, "subresource": subresource, "namespace": "n", "name": "x"},
        "responseStatus": {"code": code},
        "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
        "stageTimestamp": "2026-01-01T00:00:00.000001Z",
        **more,
    }
    return json.dumps(event) + "\n"


def audit(log: Path, lines: list[str]) -> Audit:
    log.write_text("".join(lines))
    return Audit(log, Client(Endpoint("")))


def test_the_budget_counts_writes_without_leases_and_events(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    requests = audit(
        log,
        [
            line("patch", "configmaps", code=201),
            line("patch", "xcachenodes/status"),
            line("update", "leases"),
            line("create", "events", code=201),
            line("get", "services"),
            line("get", "leases"),
            line("list", "services"),
            line("patch", "services", user="somebody"),
        ],
    ).between(0, log.stat().st_size)
    assert requests.writes("operator").counts() == {
        ("operator", "patch", "configmaps", 201): 1,
        ("operator", "patch", "xcachenodes/status", 200): 1,
    }
    assert len(requests.events("operator")) == 1
    assert [entry.resource for entry in requests.gets("operator")] == ["services"]


def test_an_impersonated_user_is_who_asked(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    requests = audit(log, [line("get", "pods", user="admin", impersonatedUser={"username": "operator"})])
    assert [entry.user for entry in requests.between(0, log.stat().st_size)] == ["operator"]


def test_a_watch_counts_when_it_opens_and_no_stage_counts_twice(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    lines = [
        line("get", "pods", stage="RequestReceived"),
        line("watch", "pods", stage="ResponseStarted"),
        line("watch", "pods"),
    ]
    assert [entry.verb for entry in audit(log, lines).between(0, 10_000)] == ["watch"]


async def test_a_mark_stands_behind_what_was_answered_before_it(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(line("patch", "configmaps"))

    class Admin(Client):
        async def find(self, kind: str, name: str, namespace: str = "") -> None:
            async def write_late() -> None:
                with log.open("a") as file:
                    file.write(line("patch", "services") + line("get", "namespaces", user=name))

            self.task = asyncio.create_task(write_late())

    marks = Audit(log, Admin(Endpoint("")))
    start = await marks.mark()
    assert [entry.resource for entry in marks.between(0, start)] == ["configmaps", "services", "namespaces"]
    assert not marks.between(start, log.stat().st_size)
