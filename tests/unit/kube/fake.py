"""A small API server that misbehaves in every way that a watch must survive. What is true is for contract tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration

from datalake_operator.kube.config import Config
from datalake_operator.kube.resource import CONFIG_MAPS, CUSTOM_RESOURCES, LEASES, SECRETS, Resource
from datalake_operator.kube.session import Api

KINDS = (CONFIG_MAPS, SECRETS, LEASES, *CUSTOM_RESOURCES)
Object = dict[str, Any]


@dataclass(eq=False)
class Stream:
    """An open watch."""

    resource: Resource
    response: web.StreamResponse
    transport: asyncio.Transport
    cut: asyncio.Event = field(default_factory=asyncio.Event)

    async def raw(self, data: bytes) -> None:
        await self.response.write(data)

    async def event(self, kind: str, obj: Object) -> None:
        await self.raw(json.dumps({"type": kind, "object": obj}).encode() + b"\n")


@dataclass
class FakeServer:
    """Objects by kind, a history, and faults.

    Attributes:
        version: the last resourceVersion.
        requests: verb and plural of every request, in order.
        answers: next answers by verb, used before anything else: status, body and headers.
        served: kinds that exist.
        silent: watches are opened and never told anything.
    """

    version: int = 100
    oldest: int = 0
    page: int = 500
    silent: bool = False
    token: str | None = None
    served: set[Resource] = field(default_factory=lambda: set(KINDS))
    requests: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, list[tuple[int, Object, dict[str, str]]]] = field(default_factory=dict)
    history: list[tuple[int, str, Resource, Object]] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    before: Callable[[str, Resource], None] = lambda _verb, _resource: None
    _objects: dict[tuple[Resource, str, str], Object] = field(default_factory=dict)

    async def put(self, resource: Resource, name: str, namespace: str = "ns", **body: Any) -> Object:
        key = (resource, namespace, name)
        self.version += 1
        kind = "MODIFIED" if key in self._objects else "ADDED"
        metadata: Object = {
            "namespace": namespace,
            "name": name,
            "uid": f"u{name}",
            "managedFields": [{"manager": "x"}],
        }
        metadata["resourceVersion"] = str(self.version)
        self._objects[key] = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            **body,
            "metadata": {**body.get("metadata", {}), **metadata},
        }
        await self._tell(kind, resource, self._objects[key])
        return self._objects[key]

    async def remove(self, resource: Resource, name: str, namespace: str = "ns") -> None:
        self.version += 1
        obj = self._objects.pop((resource, namespace, name))
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        await self._tell("DELETED", resource, obj)

    def fail(self, verb: str, code: int, reason: str = "Unknown", **headers: str) -> None:
        """Answer the next request of a verb with a Status."""
        status = {"kind": "Status", "code": code, "reason": reason, "message": f"no {verb} now"}
        self.answers.setdefault(verb, []).append((code, status, {k.replace("_", "-"): v for k, v in headers.items()}))

    async def cut(self) -> None:
        """Cut every open watch."""
        for stream in self.streams:
            stream.transport.abort()
            stream.cut.set()
        self.streams.clear()
        await asyncio.sleep(0)

    def forget(self) -> None:
        """Refuse every watch that begins before now."""
        self.oldest = self.version

    def count(self, verb: str, resource: Resource) -> int:
        return self.requests.count((verb, resource.plural))

    async def _tell(self, kind: str, resource: Resource, obj: Object) -> None:
        self.history.append((self.version, kind, resource, obj))
        for stream in [] if self.silent else list(self.streams):
            if stream.resource == resource and not stream.transport.is_closing():
                await stream.event(kind, obj)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911 - one for each kind of answer
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"kind": "Status", "code": 401, "reason": "Unauthorized"}, status=401)
        resource, namespace, name = self._parse(request.path)
        if resource is None:
            return self._discover(request.path)
        watch = "watch" in request.query
        verb = request.method.lower() if name or request.method != "GET" else "watch" if watch else "list"
        self.requests.append((verb, resource.plural))
        self.before(verb, resource)
        if self.answers.get(verb):
            code, body, headers = self.answers[verb].pop(0)
            return web.json_response(body, status=code, headers=headers)
        if resource not in self.served:
            return web.Response(status=404, text="404 page not found")
        if verb == "watch":
            return await self._watch(request, resource, namespace)
        if verb == "list":
            return self._list(request, resource, namespace)
        return await self._write(request, resource, namespace or "", name)

    def _parse(self, path: str) -> tuple[Resource | None, str | None, str]:
        for resource in KINDS:
            base = resource.path("{}").split("{}")
            if path.startswith(base[0]) and base[1] + "/" in path + "/":
                namespace, rest = path.removeprefix(base[0]).split(base[1], 1)
                return resource, namespace, rest.strip("/")
            if path == resource.path():
                return resource, None, ""
        return None, None, ""

    def _discover(self, path: str) -> web.Response:
        groups = {resource.group: resource.version for resource in self.served if resource.group}
        if path in ("/api", "/version"):
            return web.json_response({"versions": ["v1"]})
        if path == "/apis":
            versions = {g: [{"groupVersion": f"{g}/{v}", "version": v}] for g, v in groups.items()}
            body = [{"name": g, "versions": v, "preferredVersion": v[0]} for g, v in versions.items()]
            body.append(_CRD_GROUP)
            return web.json_response({"groups": body})
        found = [
            r for r in self.served if path in (f"/apis/{r.group}/{r.version}", f"/api/{r.version}" * (not r.group))
        ]
        names = [(r.plural, r.kind, True) for r in found]
        names += [("namespaces", "Namespace", False), ("events", "Event", True)] * (path == "/api/v1")
        names += [("customresourcedefinitions", "CustomResourceDefinition", False)] * ("apiextensions" in path)
        if not names:
            return web.Response(status=404, text="404 page not found")
        verbs = ["list", "watch", "get", "patch"]
        resources = [
            {"name": plural, "kind": kind, "singularName": kind.lower(), "namespaced": namespaced, "verbs": verbs}
            for plural, kind, namespaced in names
        ]
        return web.json_response({"resources": resources})

    def _list(self, request: web.Request, resource: Resource, namespace: str | None) -> web.Response:
        items = [
            obj
            for (kind, where, name), obj in self._objects.items()
            if kind == resource
            and namespace in (None, where)
            and request.query.get("fieldSelector") in (None, f"metadata.name={name}")
        ]
        start, size = int(request.query.get("continue") or 0), min(self.page, int(request.query.get("limit", 500)))
        more = str(start + size) if start + size < len(items) else ""
        metadata = {"resourceVersion": str(self.version), "continue": more}
        return web.json_response(
            {"kind": f"{resource.kind}List", "metadata": metadata, "items": items[start : start + size]}
        )

    async def _watch(self, request: web.Request, resource: Resource, namespace: str | None) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        stream = Stream(resource, response, request.transport)
        since = int(request.query["resourceVersion"])
        if since < self.oldest:
            await stream.event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
            return response
        for version, kind, changed, obj in [] if self.silent else self.history:
            if changed == resource and version > since and namespace in (None, obj["metadata"]["namespace"]):
                await stream.event(kind, obj)
        self.streams.append(stream)
        await stream.cut.wait()
        return response

    async def _write(self, request: web.Request, resource: Resource, namespace: str, name: str) -> web.Response:
        body = await request.json() if request.method in ("POST", "PUT", "PATCH") else {}
        name = name or body["metadata"]["name"]
        old = self._objects.get((resource, namespace, name))
        if old is None and request.method in ("GET", "DELETE", "PUT"):
            return web.json_response({"kind": "Status", "code": 404, "reason": "NotFound"}, status=404)
        if request.method == "GET":
            return web.json_response(old)
        expected = body.get("metadata", {}).get("resourceVersion")
        stale = old is not None and expected is not None and expected != old["metadata"]["resourceVersion"]
        if stale or (request.method == "POST" and old is not None):
            return web.json_response({"kind": "Status", "code": 409, "reason": "Conflict"}, status=409)
        if request.method == "DELETE":
            await self.remove(resource, name, namespace)
            return web.json_response({"kind": "Status", "status": "Success"})
        return web.json_response(await self.put(resource, name, namespace, **body))


_CRD_GROUP = {
    "name": "apiextensions.k8s.io",
    "versions": [{"groupVersion": "apiextensions.k8s.io/v1", "version": "v1"}],
    "preferredVersion": {"version": "v1"},
}


@asynccontextmanager
async def serving(fake: FakeServer) -> AsyncIterator[Config]:
    """Run a fake server and give the configuration for it."""
    server = TestServer(fake.app())
    await server.start_server(shutdown_timeout=0.1)
    configuration = Configuration(host=str(server.make_url("/")))
    configuration.api_key = {"BearerToken": f"Bearer {fake.token}"} if fake.token else {}

    async def load(fresh: Configuration) -> None:
        fresh.host = configuration.host
        fresh.api_key = {"BearerToken": f"Bearer {fake.token}"}

    try:
        yield Config(configuration, load)
    finally:
        await fake.cut()
        await server.close()


@asynccontextmanager
async def connected(fake: FakeServer) -> AsyncIterator[Api]:
    """Run a fake server and give a session with it."""
    async with serving(fake) as config, Api(config) as api:
        yield api


@asynccontextmanager
async def running(*parts: Any) -> AsyncIterator[None]:
    """Run coroutines until the block ends; what fails in them fails the test."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
