"""plan.json: all that a run needs to know (`images/probe/plan.schema.json`), and nothing secret."""

from collections.abc import Container
from typing import Any

from datalake_operator.api.probe import QoSProbe, QoSProbeSpec
from datalake_operator.api.probe_checks import CacheCheck, RucioCheck, StorageCheck, TransferCheck, Upload
from datalake_operator.api.probe_endpoints import Endpoint
from datalake_operator.api.probe_verdict import MEASUREMENTS
from datalake_operator.api.values import parse_quantity
from datalake_operator.build.config import seconds
from datalake_operator.build.context import Context
from datalake_operator.build.probe.cells import in_use, pairs
from datalake_operator.build.probe.shape import Shape
from datalake_operator.build.probe.targets import Cache, Rucio, Targets

_LEFTOVER = 2
"""Times `timeout` after which a file of ours is left over from a run that was killed (specification)."""


def type_of(spec: QoSProbeSpec) -> str:
    """What a probe measures: one of `probe_verdict.TYPES`."""
    return next((name for name in MEASUREMENTS if getattr(spec, name) is not None), "custom")


def plan(probe: QoSProbe, context: Context, targets: Targets, shape: Shape) -> dict[str, Any]:
    """Give the plan of every run of a probe.

    Args:
        probe: the probe.
        context: with the uid of the cluster, which names our folder on storage.
        targets: of what it references.
        shape: how a run is spread over pods and over time.

    Raises:
        Refused: the schedule never runs.
    """
    metadata, spec, kind = probe.metadata, probe.spec, type_of(probe.spec)
    return {
        "version": 1,
        "probe": {"namespace": metadata.namespace, "name": metadata.name},
        "type": kind,
        "deadlineSeconds": shape.deadline,
        "jitterSeconds": shape.jitter,
        "folder": f".datalake-probe/{context.cluster[:8]}.{metadata.namespace}.{metadata.name}",
        "leftoversAfterSeconds": _LEFTOVER * seconds(spec.timeout),
        "trust": {
            "system": spec.trust.system,
            "igtf": spec.trust.igtf,
            "bundles": [bundle.name for bundle in spec.trust.bundles],
        },
        "control": _control(spec),
        "endpoints": _endpoints(spec),
        kind: _section(spec, targets, shape),
    }


def _control(spec: QoSProbeSpec) -> list[dict[str, Any]]:
    """What must work for any verdict: the cluster's DNS and API server, and what the spec adds."""
    return [
        {"name": "cluster-dns", "kind": "dns", "host": "kubernetes.default.svc"},
        {"name": "api-server", "kind": "tcp"},
        *({"name": one.name, "kind": "tcp", "host": one.host, "port": one.port} for one in spec.control.targets),
    ]


def _endpoints(spec: QoSProbeSpec) -> list[dict[str, Any]]:
    """The endpoints that are tested, each with the protocols over which it is."""
    used = in_use(spec)
    return [_endpoint(one, used[one.name]) for one in spec.endpoints if one.name in used]


def _endpoint(endpoint: Endpoint, protocols: tuple[str, ...]) -> dict[str, Any]:
    known = endpoint.read_file
    return {
        "name": endpoint.name,
        "site": endpoint.site,
        "access": endpoint.access,
        "ipFamily": endpoint.ip_family,
        "readFile": {"path": known.path, "size": known.size, "adler32": known.adler32} if known else None,
        "urls": {url.protocol: url.url for url in endpoint.urls if url.protocol in protocols},
    }


def _section(spec: QoSProbeSpec, targets: Targets, shape: Shape) -> dict[str, Any]:
    """The part of the plan that is named like the type: its model as it is, where nothing must be looked up for it."""
    section: dict[str, Any] = {}
    if spec.storage is not None:
        section = _storage(spec.storage, in_use(spec))
    elif spec.transfer is not None:
        section = _transfer(spec.transfer, spec, shape)
    elif spec.cache is not None and targets.cache is not None:
        section = _cache(spec.cache, targets.cache)
    elif spec.rucio is not None and targets.rucio is not None:
        section = _rucio(spec.rucio, targets.rucio)
    elif spec.custom is None:
        section = getattr(spec, type_of(spec)).model_dump(mode="json", by_alias=True)
    return section


def _storage(check: StorageCheck, used: Container[str]) -> dict[str, Any]:
    return {
        "endpoints": [name for name in check.endpoints if name in used],
        "protocols": list(check.protocols),
        "operations": list(check.operations),
        "size": parse_quantity(check.payload.size),
    }


def _transfer(check: TransferCheck, spec: QoSProbeSpec, shape: Shape) -> dict[str, Any]:
    turns = shape.turns
    return {
        "pairs": [[source, destination, list(protocols)] for source, destination, protocols in pairs(spec)],
        "mode": check.mode,
        "size": parse_quantity(check.payload.size),
        "maxConcurrent": shape.concurrent,
        "maxConcurrentPerEndpoint": check.max_concurrent_per_endpoint,
        "rotation": {"groups": turns.groups, "periodSeconds": turns.period},
        "indexed": shape.indexed,
        "sources": list(shape.sources),
    }


def _cache(check: CacheCheck, found: Cache) -> dict[str, Any]:
    return {
        "name": found.name,
        "url": found.url,
        "originUrl": found.origin_url,
        "httpUrl": found.http_url,
        "exporterUrl": found.exporter_url,
        "file": {"path": check.file.path, "adler32": check.file.adler32} if check.file else None,
        "generated": {"size": parse_quantity(check.generated.size)} if check.generated else None,
    }


def _rucio(check: RucioCheck, found: Rucio) -> dict[str, Any]:
    return {
        "name": found.name,
        "url": found.url,
        "authUrl": found.auth_url,
        "vo": found.vo,
        "account": check.account,
        "checks": list(check.checks),
        "upload": _upload(check.upload) if check.upload else None,
    }


def _upload(upload: Upload) -> dict[str, Any]:
    return {
        "rse": upload.rse,
        "scope": upload.scope,
        "size": parse_quantity(upload.size),
        "lifetimeSeconds": seconds(upload.lifetime),
    }
