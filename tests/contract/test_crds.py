"""What a real API server makes of our definitions, and that it says the same as offline validation."""

import json
import random
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from datalake_operator.api.core import schemas
from datalake_operator.api.kinds import KINDS
from datalake_operator.api.parse import parse
from datalake_operator.api.problems import InvalidResource
from tests.support.bad_input import TESTS, BadInput, each_row, minimal
from tests.support.client import DATALAKE, Client, Object, RefusedError, path
from tests.support.mutation import full, mutated
from tests.support.objects import condition
from tests.support.waiting import eventually
from tests.unit.api.extract_core import extract

each_kind = pytest.mark.parametrize("model", KINDS, ids=lambda model: model.kind.kind)


async def ask(admin: Client, body: Object, *, strict: bool = False) -> list[str]:
    """Return what the API server has against an object, as `field: message`; empty if it takes it. Nothing is made."""
    query = "?dryRun=All" + ("&fieldValidation=Strict" if strict else "")
    try:
        await admin.request("POST", path(body["kind"], "default") + query, body)
    except RefusedError as error:
        status = json.loads(str(error).partition(": ")[2])
        causes = status.get("details", {}).get("causes") or [{"message": status["message"]}]
        said = [f"{cause['field']}: {cause['message']}" if "field" in cause else cause["message"] for cause in causes]
        return [text for text in said if not text.startswith("<nil>: ")]
    return []


@each_kind
async def test_a_definition_is_established_structural_and_described(admin: Client, model: Any) -> None:
    name = f"{model.kind.plural}.datalake.projectescape.eu"
    body = await admin.get("CustomResourceDefinition", name)
    assert condition(body, "Established").get("status") == "True"
    assert condition(body, "NamesAccepted").get("status") == "True"
    assert not condition(body, "NonStructuralSchema")

    async def explained() -> Object:
        document = await admin.request("GET", f"/openapi/v3/apis/{DATALAKE}")
        return dict(document["components"]["schemas"][f"eu.projectescape.datalake.v1alpha1.{model.kind.kind}"])

    served = await eventually(explained, 20)
    assert served["properties"]["spec"]["properties"]["suspend"]["description"]


async def test_all_kinds_are_found_by_short_name_and_category(admin: Client) -> None:
    found = await admin.request("GET", f"/apis/{DATALAKE}")
    names = {entry["name"]: (entry.get("shortNames"), entry.get("categories")) for entry in found["resources"]}
    for model in KINDS:
        assert names[model.kind.plural] == ([model.kind.short], ["datalake"])


@each_kind
async def test_a_minimal_object_gets_the_defaults_of_the_golden_file(admin: Client, namespace: str, model: Any) -> None:
    body = minimal(model.kind.kind)
    body["metadata"]["namespace"] = namespace
    made = await admin.create(body)
    expected = yaml.safe_load((TESTS / "golden/defaults" / model.kind.kind.lower() / "output.yaml").read_text("utf-8"))
    assert {"spec": made["spec"], "status": made["status"]} == expected


@each_kind
async def test_every_field_can_be_said(admin: Client, model: Any) -> None:
    for body in full(model.kind.kind):
        assert await ask(admin, body, strict=True) == []


@each_row()
async def test_bad_input_is_refused_as_the_table_says(admin: Client, row: BadInput) -> None:
    assert _as_newest(await ask(admin, row.manifest, strict=True)) == list(row.server)


def _as_newest(said: list[str]) -> list[str]:
    """Take away the type of objects, which Kubernetes before 1.34 shows as if it were their value."""
    return [text.replace('Invalid value: "object": ', "Invalid value: ") for text in said]


@each_kind
async def test_the_server_and_offline_validation_agree_on_random_changes(admin: Client, model: Any) -> None:
    chance = random.Random(model.kind.kind)  # noqa: S311 - the same changes every time
    for _ in range(150):
        body = mutated(model.kind.kind, chance)
        try:
            parse(body)
            offline = ""
        except InvalidResource as invalid:
            offline = str(invalid)
        said = await ask(admin, body)
        if "must be a cron schedule" not in offline:  # only offline does a cron library look at it
            assert bool(said) == bool(offline), (body, said, offline)


def _claim(size: str, **more: str) -> Object:
    return {"name": "d0", "claim": {"size": size, **more}}


SECOND: Object = {"name": "d1", "claim": {"size": "10Gi"}}
CHANGES: Mapping[str, tuple[Object, str]] = {
    "a claim does not shrink": ({"data": [_claim("9Gi"), SECOND]}, "data[0].claim.size: a claim cannot shrink"),
    "a claim keeps its class": (
        {"data": [_claim("10Gi", storageClassName="fast")]},
        "data[0].claim.storageClassName: the class of a claim cannot change",
    ),
    "a claim keeps its access mode": (
        {"data": [_claim("10Gi", accessMode="ReadWriteMany")]},
        "data[0].claim.accessMode: the access mode of a claim cannot change",
    ),
    "a volume keeps its form": (
        {"maxCacheSize": "1Gi", "data": [{"name": "d0", "ephemeral": {"sizeLimit": "10Gi"}}]},
        "data[0]: a volume cannot change between claim, existingClaim and ephemeral",
    ),
    "the first volume stays the first": (
        {"data": [SECOND, _claim("10Gi")]},
        "data: the first entry must stay the first: without meta the tree of names lives there",
    ),
    "the tree of names does not move": (
        {"meta": {"claim": {"size": "1Gi"}}},
        "meta cannot come or go: the tree of names would move and every cached file be lost",
    ),
    "a claim may grow": ({"data": [_claim("20Gi")]}, ""),
    "the last volume may go": ({"data": [_claim("10Gi")]}, ""),
}


@pytest.mark.parametrize("sentence", CHANGES)
async def test_storage_changes_only_as_it_can(admin: Client, namespace: str, sentence: str) -> None:
    storage, said = CHANGES[sentence]
    body = minimal("XCacheNode")
    body["metadata"]["namespace"] = namespace
    body["spec"]["storage"]["data"] = [_claim("10Gi"), SECOND]
    await admin.create(body)
    causes: list[Object] = []
    try:
        await admin.patch("XCacheNode", "minimal", namespace, {"spec": {"storage": storage}})
    except RefusedError as error:
        causes = json.loads(str(error).partition(": ")[2])["details"]["causes"]
    answers = [re.sub('Invalid value: ("[^"]*": )?', "", f"{cause['field']}: {cause['message']}") for cause in causes]
    assert len(answers) == bool(said), answers
    assert all(said in answer for answer in answers), answers


async def test_a_database_stays_embedded_or_external(admin: Client, namespace: str) -> None:
    body = minimal("RucioServer")
    body["metadata"]["namespace"] = namespace
    await admin.create(body)
    external = {"embedded": None, "external": {"urlSecretRef": {"name": "db", "key": "uri"}}}
    with pytest.raises(RefusedError, match="a database cannot change between embedded and external"):
        await admin.patch("RucioServer", "minimal", namespace, {"spec": {"database": external}})


async def test_what_a_user_exports_replaces_the_default_also_when_it_is_applied_later(
    admin: Client, namespace: str
) -> None:
    body = minimal("XCacheNode")
    body["metadata"]["namespace"] = namespace
    assert (await admin.apply(body))["spec"]["exports"] == ["/"]
    body["spec"]["exports"] = ["/escape"]
    assert (await admin.apply(body))["spec"]["exports"] == ["/escape"]


async def test_unknown_fields_are_dropped(admin: Client, namespace: str) -> None:
    body = minimal("XCacheNode")
    body["metadata"]["namespace"] = namespace
    body["spec"]["sit"] = "TEST"
    assert "sit" not in (await admin.create(body))["spec"]


async def test_what_we_took_from_kubernetes_is_still_what_this_server_has(admin: Client) -> None:
    served = extract(await admin.request("GET", "/openapi/v3/api/v1"))
    for name in served:
        assert list(_missing(schemas()[name], served[name], name)) == []


def _missing(ours: Any, theirs: Any, where: str) -> Any:
    if ours.get("type") != theirs.get("type") or set(theirs.get("required", ())) - set(ours.get("required", ())):
        yield where
    for name, child in ours.get("properties", {}).items():
        if name in theirs.get("properties", {}):
            yield from _missing(child, theirs["properties"][name], f"{where}.{name}")
        else:
            yield f"{where}.{name}"
    if "items" in ours:
        yield from _missing(ours["items"], theirs["items"], f"{where}[]")
