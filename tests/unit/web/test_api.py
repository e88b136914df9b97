"""The page and its JSON over HTTP."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from datalake_operator.metrics import Metrics
from datalake_operator.web import Health, openapi, page, serve
from tests.support.lake import bodies
from tests.support.postgres import free_port
from tests.support.scenes import hostile, troubled


@asynccontextmanager
async def served(found: Any, missing: tuple[str, ...] = ()) -> AsyncIterator[aiohttp.ClientSession]:
    port = free_port()
    async with (
        serve("127.0.0.1", port, Health(lambda: (), lambda: missing), Metrics(), bodies(found)),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


def schema(path: str, status: str) -> Draft202012Validator:
    found = openapi.DOCUMENT["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"]
    return Draft202012Validator({**found, "components": openapi.DOCUMENT["components"]})


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/overview", ""),
        ("/api/v1/probes", ""),
        ("/api/v1/probes/lake/mesh", ""),
        ("/api/v1/details", "?namespace=lake&source=CERN-01&destination=DESY-03"),
        ("/api/v1/details", "?namespace=lake&source=PIC-02"),
        ("/api/v1/details", "?namespace=lake&source=cache"),
        ("/api/v1/details", "?namespace=lake&source=rucio"),
        ("/api/v1/caches", ""),
        ("/api/v1/servers", ""),
    ],
)
async def test_every_answer_is_as_the_openapi_document_says(path: str, query: str) -> None:
    described = path.replace("/lake/mesh", "/{namespace}/{name}")
    async with served(troubled()) as session, session.get(path + query) as answer:
        assert answer.status == 200
        found = await answer.json()
        schema(described, "200").validate(found)
        _knows_every_field(openapi.DOCUMENT["paths"][described]["get"]["responses"]["200"]["content"], found)


def _knows_every_field(content: Any, found: Any) -> None:
    """A field that the document does not name would be a surprise to whoever reads it."""
    names = set(re.findall(r"'([A-Za-z]+)': \{", str(openapi.DOCUMENT["components"]) + str(content)))
    free = {"reasons", "counts", "links", "source", "destination"}

    def walk(value: Any, inside: str) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                assert inside in free or name in names, name
                walk(part, name)
        for part in value if isinstance(value, list) else ():
            walk(part, inside)

    walk(found, "")


async def test_the_document_is_served_and_is_openapi() -> None:
    async with served([]) as session, session.get("/api/v1/openapi.json") as answer:
        found = await answer.json()
    assert found["openapi"] == "3.1.0"
    for name, one in found["components"]["schemas"].items():
        assert Draft202012Validator.check_schema(one) is None, name
    references = set(re.findall(r"#/components/schemas/(\w+)", str(found)))
    assert references <= set(found["components"]["schemas"])


async def test_what_is_not_there_and_what_is_not_said_is_told() -> None:
    async with served(troubled()) as session:
        for path, status in (
            ("/api/v1/probes/lake/nothing", 404),
            ("/api/v1/details?namespace=lake&source=MARS", 404),
            ("/api/v1/details?namespace=lake", 400),
        ):
            async with session.get(path) as answer:
                assert (answer.status, set(await answer.json())) == (status, {"error"})


async def test_nothing_can_be_written() -> None:
    async with served(troubled()) as session:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            async with session.request(method, "/api/v1/overview") as answer:
                assert answer.status == 405


async def test_who_asks_again_is_told_that_nothing_changed_until_something_does() -> None:
    lake = troubled()
    async with served(lake) as session:
        async with session.get("/api/v1/overview") as answer:
            tag = answer.headers["ETag"]
        async with session.get("/api/v1/overview", headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        lake[0]["metadata"]["resourceVersion"] = "2"
        lake[0]["status"]["cells"].pop()
        async with session.get("/api/v1/overview", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 200


async def test_while_it_starts_it_says_so_instead_of_showing_half() -> None:
    async with served(troubled(), ("Pods are not known yet",)) as session:
        async with session.get("/api/v1/overview") as answer:
            found = await answer.json()
            schema("/api/v1/overview", "503").validate(found)
            assert (answer.status, found["missing"]) == (503, ["Pods are not known yet"])
        async with session.get("/") as answer:
            assert answer.status == 503
            assert "Pods are not known yet" in await answer.text()


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


async def test_html_in_any_string_stays_text() -> None:
    plain, evil = Elements(), Elements()
    for parser, lake in ((plain, troubled()), (evil, hostile(troubled()))):
        async with served(lake) as session, session.get("/") as answer:
            text = await answer.text()
            parser.feed(text)
        assert answer.status == 200
    assert "onerror" in text
    assert [tag for tag, _ in evil.found if tag != "li"] == [tag for tag, _ in plain.found if tag != "li"]
    assert "49" not in re.findall(r"<h1[^>]*>(.*?)</h1>", text)[0]


async def test_the_browser_is_told_to_load_and_run_nothing_but_what_is_in_the_page() -> None:
    async with served(troubled()) as session, session.get("/") as answer:
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        text = await answer.text()
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert (script, style) == (page.script(), page.style())
    assert "innerHTML" not in script
    assert not re.findall(r"(?:src|href)=\"(?!data:|#|api/v1/)", text)


async def test_no_secret_is_named_and_no_argument_of_a_custom_probe_is_shown() -> None:
    lake = troubled()
    lake[-2]["spec"]["somewhere"] = "hidden-word"
    for body in lake:
        if "custom" in body["spec"]:
            body["spec"]["custom"]["args"] = ["--token=hidden-word"]
        if "rucio" in body["spec"]:
            body["spec"]["rucio"]["credentialsSecretRef"] = {"name": "hidden-word"}
    async with served(lake) as session:
        for path in (
            "/",
            "/api/v1/overview",
            "/api/v1/probes",
            "/api/v1/caches",
            "/api/v1/details?namespace=lake&source=rucio",
        ):
            async with session.get(path) as answer:
                assert "hidden-word" not in await answer.text()
