"""Where the XCacheNode and the RucioServer that a probe names can be reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datalake_operator.api.parse import parse
from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.probe_checks import CacheCheck, RucioCheck
from datalake_operator.api.problems import InvalidResource
from datalake_operator.api.rucio import RucioServer
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import names
from datalake_operator.build.config import EXPORTER_PORT
from datalake_operator.build.probe.refusals import ProbeRefusal
from datalake_operator.build.refused import Refused
from datalake_operator.build.rucio import called as rucio_names


@dataclass(frozen=True)
class Cache:
    """A cache."""

    name: str
    """Row of the grid: the XCacheNode, or the host."""

    url: str
    """Where clients read, with the folder below which a generated file is put."""

    origin_url: str
    """The same at the origin."""

    http_url: str | None = None
    """Where it speaks HTTP, without a path; None: not known."""

    exporter_url: str | None = None
    """Our exporter, where the cache has it."""


@dataclass(frozen=True)
class Rucio:
    """A Rucio."""

    name: str
    """Row of the grid: the RucioServer, or the host."""

    url: str
    auth_url: str
    vo: str = "def"


@dataclass(frozen=True)
class Targets:
    """What the references of a probe resolve to; None where the type of the probe needs none."""

    cache: Cache | None = None
    rucio: Rucio | None = None


def resolve(probe: QoSProbe, references: Mapping[tuple[str, str], Mapping[str, Any] | None]) -> Targets:
    """Find out where a probe's cache or Rucio is.

    Args:
        probe: the probe.
        references: bodies of the XCacheNode or RucioServer that it names, by (kind, name).

    Raises:
        KeyError: the object is not among them: asked before it was there.
        Refused: it cannot be used.
    """
    if probe.spec.cache is not None:
        return Targets(cache=_cache(probe, probe.spec.cache, references))
    if probe.spec.rucio is not None:
        return Targets(rucio=_rucio(probe, probe.spec.rucio, references))
    return Targets()


def reference(probe: QoSProbe) -> tuple[str, str] | None:
    """Kind and name of the object of ours that a probe names, None where it names none."""
    spec = probe.spec
    if spec.cache is not None and spec.cache.xcache_ref is not None:
        return XCacheNode.kind.kind, spec.cache.xcache_ref.name
    if spec.rucio is not None and spec.rucio.rucio_server_ref is not None:
        return RucioServer.kind.kind, spec.rucio.rucio_server_ref.name
    return None


def placeholders(probe: QoSProbe) -> Targets:
    """Give targets as far as they are known without a cluster: what a reference names is at its usual addresses."""
    named, namespace = reference(probe), probe.metadata.namespace or ""
    if named is None:
        return resolve(probe, {})
    kind, name = named
    host = f"{name}.{namespace}.svc"
    if kind == RucioServer.kind.kind:
        return Targets(rucio=Rucio(name, f"http://{host}", f"http://{host}"))
    return Targets(cache=Cache(name, f"root://{host}:1094//export", "root://origin.invalid:1094//export"))


def host(url: str) -> str:
    """Host of a URL, an IPv6 address in brackets."""
    authority = url.partition("://")[2].partition("/")[0]
    return authority.partition("]")[0] + "]" if authority.startswith("[") else authority.partition(":")[0]


def _cache(probe: QoSProbe, check: CacheCheck, references: Mapping[tuple[str, str], Mapping[str, Any] | None]) -> Cache:
    if check.node is not None:
        return Cache(host(check.node.url), check.node.url, check.node.origin_url)
    named = reference(probe) or ("", "")
    node = _parsed(references[named], "spec.cache.xcacheRef")
    assert isinstance(node, XCacheNode)  # noqa: S101 - the kind was asked for
    name, namespace = node.metadata.name, node.metadata.namespace
    exports = [path for path in node.spec.exports if path != "/"] or [""]
    if check.generated is not None and exports == [""]:
        raise Refused(
            ProbeRefusal.INVALID_SPEC,
            f"spec.cache.generated: XCacheNode {name} exports / only, and nothing may be written into the root of its "
            "origin; name a folder in its exports, or use spec.cache.file",
        )
    path = exports[0] if check.generated is not None else ""
    service, protocols = f"{name}.{namespace}.svc", node.spec.protocols
    slash = "/" if node.spec.origin.url.startswith("root") else ""  # a path of root begins after the second
    return Cache(
        name,
        f"root://{service}:{protocols.root.port}/{path or '/'}",
        f"{node.spec.origin.url}{slash}{path or '/'}",
        f"http://{service}:{protocols.http.port}" if protocols.http.enabled else None,
        f"http://{names.pods(name)}.{namespace}.svc:{EXPORTER_PORT}",
    )


def _rucio(probe: QoSProbe, check: RucioCheck, references: Mapping[tuple[str, str], Mapping[str, Any] | None]) -> Rucio:
    if check.server is not None:
        return Rucio(
            host(check.server.url), check.server.url, check.server.auth_url or check.server.url, check.server.vo
        )
    named = reference(probe) or ("", "")
    server = _parsed(references[named], "spec.rucio.rucioServerRef")
    assert isinstance(server, RucioServer)  # noqa: S101 - the kind was asked for
    name, namespace = server.metadata.name, server.metadata.namespace
    url = f"http://{rucio_names.server_service(name)}.{namespace}.svc"
    separate = server.spec.auth_server.separate
    return Rucio(name, url, f"http://{rucio_names.auth_service(name)}.{namespace}.svc" if separate else url)


def _parsed(body: Mapping[str, Any] | None, field: str) -> Any:
    if body is None:
        raise KeyError(field)
    try:
        return parse(body)
    except InvalidResource as invalid:
        name = f"{body.get('kind')} {body['metadata']['name']}"
        raise Refused(
            ProbeRefusal.INVALID_SPEC, f"{field}: {name} is invalid: {invalid.problems[0]}; mend it first"
        ) from invalid
