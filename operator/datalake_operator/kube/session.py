"""Requests to the API server: plain dicts in, plain dicts or the errors of `kube.errors` out."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from datalake_operator.kube.config import Config
from datalake_operator.kube.errors import NotFound, Unreachable, from_status
from datalake_operator.kube.resource import Resource, of
from datalake_operator.kube.transport import OnRequest, Transport, ignore

FIELD_MANAGER = "datalake-operator"
PAGE = 100
"""Objects asked for at once: a page of caches is some MiB while it is taken in, and that memory is never given back."""
WATCH_SECONDS = 300
"""After about so many seconds the server ends a watch; a third is added at random, so that not all end at once."""

Object = dict[str, Any]

_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind, or one page of them."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch: `ADDED`, `MODIFIED`, `DELETED` or `BOOKMARK`."""

    type: str
    object: Object


class Api:
    """The API server. Methods raise the errors of `kube.errors` and no others.

    Attributes:
        config: where the API server is.
        on_request: called after every request.

    A request takes at most 30 s. One log line tells when the server stops to answer, one when it answers again.
    """

    def __init__(self, config: Config, on_request: OnRequest | None = None) -> None:
        self.config = config
        self.on_request = on_request or ignore
        self._transport = Transport(config, self.on_request)
        self._ask = self._transport.ask

    @classmethod
    async def connect(cls, config: Config | None = None, on_request: OnRequest | None = None) -> Self:
        """Open a session; nothing is asked of the server yet.

        Raises:
            InvalidConfig: there is no usable way to the API server.
        """
        return cls(config or await Config.load(), on_request)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def serves(self, resource: Resource) -> bool:
        """Whether discovery, which may lag behind a new CustomResourceDefinition, names the kind."""
        try:
            version = await self._ask("get", "GET", resource, f"/apis/{resource.group}/{resource.version}")
            groups = await self._ask("get", "GET", resource, "/apis")
        except NotFound:
            return False
        named = any(item["name"] == resource.plural for item in version.get("resources") or ())
        return named and any(group["name"] == resource.group for group in groups.get("groups") or ())

    async def get(self, resource: Resource, namespace: str | None, name: str, *, metadata_only: bool = False) -> Object:
        """Read one object, or only its metadata."""
        headers = {"Accept": _METADATA.format("")} if metadata_only else {}
        return await self._ask("get", "GET", resource, resource.path(namespace, name), headers=headers)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> Listing:
        """Read all objects of a kind; `apiVersion` and `kind` are set on each item."""
        items: list[Object] = []
        version = ""
        pages = self.pages(
            resource,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            metadata_only=metadata_only,
        )
        async for page in pages:
            items += page.items
            version = page.resource_version
        return Listing(items, version)

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[Listing]:
        """Read all objects of a kind, `PAGE` at a time; all pages are of one resource version.

        Raises:
            Gone: the server forgot that version between two pages: begin again.
        """
        headers = {"Accept": _METADATA.format("List")} if metadata_only else {}
        params = _selectors(label_selector, field_selector) | {"limit": str(PAGE)}
        while True:
            answer = await self._ask("list", "GET", resource, resource.path(namespace), params=params, headers=headers)
            if "resourceVersion" not in answer.get("metadata", {}):
                raise Unreachable("the answer is no list")
            items = answer.get("items") or []
            for item in items:
                item.update(apiVersion=resource.api_version, kind=resource.kind)
            more = answer["metadata"].get("continue", "")
            yield Listing(items, answer["metadata"]["resourceVersion"])
            if not more:
                return
            params["continue"] = more

    async def apply(self, manifest: Mapping[str, Any], *, force: bool = True, dry_run: bool = False) -> Object:
        """Server-side apply an object and return it as it is now; with `dry_run` as it would be."""
        return await self._apply(manifest, None, force, {"dryRun": "All"} if dry_run else {})

    async def apply_status(self, manifest: Mapping[str, Any], *, force: bool = True) -> Object:
        """Server-side apply the status of an object and return the object as it is now."""
        return await self._apply(manifest, "status", force, {})

    async def create(self, manifest: Mapping[str, Any]) -> Object:
        """Create an object.

        Raises:
            Conflict: the name is taken.
        """
        resource = of(manifest)
        params = {"fieldManager": FIELD_MANAGER}
        path = resource.path(manifest["metadata"].get("namespace"))
        return await self._ask("create", "POST", resource, path, params=params, body=manifest)

    async def update(self, manifest: Mapping[str, Any]) -> Object:
        """Replace an object; with a resourceVersion in its metadata only that version.

        Raises:
            Conflict: it is no longer of that version.
        """
        resource, metadata = of(manifest), manifest["metadata"]
        params = {"fieldManager": FIELD_MANAGER}
        path = resource.path(metadata.get("namespace"), metadata["name"])
        return await self._ask("update", "PUT", resource, path, params=params, body=manifest)

    async def disown(self, resource: Resource, namespace: str, name: str, uid: str, owner_uid: str) -> Object:
        """Take one owner reference, and nothing else, from an object of a uid; return the object as it is now.

        Raises:
            NotFound: there is no such object.
            Conflict: the object of that name has another uid.
        """
        body = {"metadata": {"uid": uid, "ownerReferences": [{"$patch": "delete", "uid": owner_uid}]}}
        headers = {"Content-Type": "application/strategic-merge-patch+json"}
        path, params = resource.path(namespace, name), {"fieldManager": FIELD_MANAGER}
        return await self._ask("patch", "PATCH", resource, path, params=params, headers=headers, body=body)

    async def overwrite(self, manifest: Mapping[str, Any], uid: str) -> Object:
        """Merge everything but the metadata into the object of that uid: lists become exactly those of the manifest.

        Raises:
            Conflict: the object of that name has another uid.
        """
        resource, metadata = of(manifest), manifest["metadata"]
        body = {part: value for part, value in manifest.items() if part not in ("apiVersion", "kind", "metadata")}
        path = resource.path(metadata.get("namespace"), metadata["name"])
        headers, params = {"Content-Type": "application/merge-patch+json"}, {"fieldManager": FIELD_MANAGER}
        body["metadata"] = {"uid": uid}
        return await self._ask("patch", "PATCH", resource, path, params=params, headers=headers, body=body)

    async def delete(self, resource: Resource, namespace: str | None, name: str, uid: str | None = None) -> None:
        """Delete an object in the background; with a uid only the one that has it.

        Raises:
            NotFound: it is already gone.
            Conflict: the object of that name has another uid.
        """
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        await self._ask("delete", "DELETE", resource, resource.path(namespace, name), body=body)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        resource_version: str,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> AsyncIterator[Event]:
        """Follow changes after a resource version, until the server ends the stream as agreed.

        Raises:
            Gone: that version is too old: list again.
            Unreachable: the stream was cut, garbled, or silent for 70 s: go on from the last version seen.
        """
        seconds = int(WATCH_SECONDS * random.uniform(1, 4 / 3))  # noqa: S311 - jitter
        params = _selectors(label_selector, field_selector) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
        }
        headers = {"Accept": _METADATA.format("")} if metadata_only else {}
        async for line in self._transport.lines(resource, resource.path(namespace), params, headers):
            kind, obj = line.get("type", ""), line.get("object") or {}
            if kind == "ERROR":
                raise from_status(obj.get("code", 500), obj)
            if "metadata" not in obj:
                raise Unreachable("the watch sent something that is no event")
            if not metadata_only:
                yield Event(kind, obj)
            else:
                yield Event(kind, obj | {"apiVersion": resource.api_version, "kind": resource.kind})

    async def _apply(
        self, manifest: Mapping[str, Any], subresource: str | None, force: bool, params: Mapping[str, str]
    ) -> Object:
        resource, metadata = of(manifest), manifest["metadata"]
        params = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false", **params}
        headers = {"Content-Type": "application/apply-patch+yaml"}
        path = resource.path(metadata.get("namespace"), metadata["name"], subresource)
        return await self._ask("patch", "PATCH", resource, path, params=params, headers=headers, body=manifest)


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {name: value for name, value in selectors.items() if value}
