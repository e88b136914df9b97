"""Secrets that a resource names: awaited, watched by name, and whoever uses them rolls when they change."""

import base64
from typing import Any

import pytest

from tests.support.client import DATALAKE, Object
from tests.support.lab import Lab
from tests.support.objects import condition, is_ready
from tests.support.operator import Operator
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("kubelet")

PASSWORD = "correct-horse-battery"  # noqa: S105 - to be found nowhere


async def toy_operator(lab: Lab) -> Operator:
    return await lab.operator(module="tests.contract.toy_operator")


async def make(lab: Lab, name: str, secret: str) -> None:
    """Create a resource that names a Secret."""
    reference = {"urlSecretRef": {"name": secret, "key": "url"}}
    meta = {"name": name, "namespace": lab.namespace}
    spec = {"database": {"external": reference}}
    await lab.admin.create({"apiVersion": DATALAKE, "kind": "RucioServer", "metadata": meta, "spec": spec})


async def write_secret(lab: Lab, name: str, value: str) -> None:
    meta = {"name": name, "namespace": lab.namespace}
    await lab.admin.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"url": value}})


async def until(lab: Lab, name: str, holds: Any) -> Object:
    async def check() -> Object | None:
        body = await lab.read(name, "RucioServer")
        assert holds(body), body.get("status")
        return body

    body = await eventually(check, 15)
    assert body is not None
    return body


async def template(lab: Lab, name: str) -> Any:
    return (await lab.admin.get("StatefulSet", name, lab.namespace))["spec"]["template"]


async def pod_uid(lab: Lab, name: str) -> Any:
    pod = await lab.admin.find("Pod", f"{name}-0", lab.namespace)
    return pod and pod["metadata"]["uid"]


async def test_a_missing_secret_is_waited_for(lab: Lab) -> None:
    await toy_operator(lab)
    await make(lab, "r", "db")
    body = await until(lab, "r", lambda body: condition(body, "Ready").get("reason") == "DependencyMissing")
    assert "Secret db" in condition(body, "Ready")["message"]
    assert condition(body, "Reconciling")
    assert not condition(body, "Stalled")
    await write_secret(lab, "db", "one")
    await until(lab, "r", is_ready)


async def test_a_secret_that_rotates_rolls_all_its_users_and_nobody_else(lab: Lab) -> None:
    await toy_operator(lab)
    await write_secret(lab, "shared", "one")
    await write_secret(lab, "own", "one")
    for name, secret in (("a", "shared"), ("b", "shared"), ("c", "own")):
        await make(lab, name, secret)
        await until(lab, name, is_ready)
    before = {name: (await template(lab, name), await pod_uid(lab, name)) for name in "abc"}
    await lab.quiet()
    start = await lab.audit.mark()
    await write_secret(lab, "shared", "two")

    async def rolled() -> bool:
        return all([await pod_uid(lab, name) not in (None, before[name][1]) for name in "ab"])

    await eventually(rolled)
    for name in "ab":
        await until(lab, name, is_ready)
        assert await template(lab, name) != before[name][0]
    assert (await template(lab, "c"), await pod_uid(lab, "c")) == before["c"]
    assert {entry.name for entry in await lab.writes(start)} == {"a", "b"}


async def test_a_secret_that_is_deleted_leaves_its_users_running(lab: Lab) -> None:
    await toy_operator(lab)
    await write_secret(lab, "db", "one")
    await make(lab, "r", "db")
    await until(lab, "r", is_ready)
    pod = await pod_uid(lab, "r")
    await lab.admin.delete("Secret", "db", lab.namespace)
    await until(lab, "r", lambda body: condition(body, "Ready").get("reason") == "DependencyMissing")
    assert await pod_uid(lab, "r") == pod
    await write_secret(lab, "db", "one")
    await until(lab, "r", is_ready)
    assert await pod_uid(lab, "r") == pod


async def test_secrets_are_watched_by_name_once_and_only_while_somebody_names_them(lab: Lab) -> None:
    await toy_operator(lab)
    start = await lab.audit.mark()
    await write_secret(lab, "db", "one")
    await write_secret(lab, "unrelated", "one")
    for name in ("a", "b"):
        await make(lab, name, "db")
        await until(lab, name, is_ready)
    requests = (await lab.audit.since(start)).of(user=lab.user, resource="secrets")
    assert [(entry.verb, entry.name) for entry in requests] == [("list", "db"), ("watch", "db")]
    for name in ("a", "b"):
        await lab.admin.delete("RucioServer", name, lab.namespace)
    await eventually(lambda: not [stream for stream in lab.proxy.streams if stream.call.resource == "secrets"])


async def test_a_secrets_value_is_found_nowhere_else(lab: Lab) -> None:
    operator = await toy_operator(lab)
    await write_secret(lab, "db", PASSWORD)
    await make(lab, "r", "db")
    body = await until(lab, "r", is_ready)
    events = await lab.admin.list("Event", lab.namespace)
    maps = await lab.admin.list("ConfigMap", lab.namespace)
    sets = await lab.admin.list("StatefulSet", lab.namespace)
    said = " ".join(map(str, (body, events, maps, sets, operator.log(), await operator.page("/metrics"))))
    assert PASSWORD not in said
    assert base64.b64encode(PASSWORD.encode()).decode() not in said
