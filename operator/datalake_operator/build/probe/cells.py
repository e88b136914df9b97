"""Every cell of the grid that a probe measures: who with whom, over which protocol."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from datalake_operator.api.probe import QoSProbe, QoSProbeSpec
from datalake_operator.api.probe_checks import TransferCheck
from datalake_operator.api.probe_endpoints import Endpoint
from datalake_operator.api.probe_verdict import MEASUREMENTS
from datalake_operator.build.probe.targets import Targets

CellKey: TypeAlias = tuple[str, str | None, str | None]
"""Source or single target, destination, protocol."""

Pair: TypeAlias = tuple[str, str, tuple[str, ...]]
"""Source, destination, protocols that both have."""

ROOT = frozenset({"root", "roots"})
"""Protocols in which only the destination can be told to fetch."""


def cells(probe: QoSProbe, targets: Targets) -> tuple[CellKey, ...]:
    """Give every cell that is expected, single endpoints before pairs.

    Of a custom probe none: its cells are those that its program writes.
    """
    return tuple(_cells(probe.spec, targets))


def _cells(spec: QoSProbeSpec, targets: Targets) -> Iterator[CellKey]:
    if spec.cache is not None and targets.cache is not None:
        yield targets.cache.name, None, "root"
    elif spec.rucio is not None and targets.rucio is not None:
        yield from ((targets.rucio.name, None, word) for word in map(_check_word, spec.rucio.checks))
    for kind in MEASUREMENTS:  # of a type with targets each is a cell
        yield from ((target.name, None, None) for target in getattr(getattr(spec, kind), "targets", ()))
    for endpoint, protocols in in_use(spec).items():
        yield from ((endpoint, None, protocol) for protocol in protocols)
    for source, destination, protocols in pairs(spec):
        yield from ((source, destination, protocol) for protocol in protocols)


def in_use(spec: QoSProbeSpec) -> Mapping[str, tuple[str, ...]]:
    """Give the protocols over which each endpoint is tested, in the order of spec.endpoints; without any: left out."""
    found: dict[str, set[str]] = {}
    if spec.storage is not None:
        for endpoint in _named(spec, spec.storage.endpoints):
            found[endpoint.name] = set(spec.storage.protocols or _protocols(endpoint))
    for source, destination, protocols in pairs(spec):
        for name in (source, destination):
            found.setdefault(name, set()).update(protocols)
    ordered = {
        endpoint.name: tuple(one for one in _protocols(endpoint) if one in found.get(endpoint.name, ()))
        for endpoint in spec.endpoints
    }
    return {name: protocols for name, protocols in ordered.items() if protocols}


def pairs(spec: QoSProbeSpec) -> tuple[Pair, ...]:
    """Give source, destination and protocols of all pairs of a transfer probe, in the order of the sources.

    A pair without a common protocol is not applicable, so not there.
    """
    check = spec.transfer
    if check is None:
        return ()
    excluded = {(pair.source, pair.destination) for pair in check.exclude}
    spoken = {endpoint.name: _spoken(check, endpoint) for endpoint in spec.endpoints}
    return tuple(
        (source, destination, common)
        for source in check.sources
        for destination in check.destinations
        if not (check.exclude_self and source == destination)
        if (source, destination) not in excluded
        if (common := tuple(protocol for protocol in spoken[source] if protocol in spoken[destination]))
    )


def _spoken(check: TransferCheck, endpoint: Endpoint) -> tuple[str, ...]:
    """Protocols over which an endpoint can have a part in transfers."""
    has = _protocols(endpoint)
    if check.protocols:
        return tuple(protocol for protocol in has if protocol in check.protocols)
    return tuple(protocol for protocol in has if check.mode != "Push" or protocol not in ROOT)


def _named(spec: QoSProbeSpec, names: Iterable[str]) -> Iterator[Endpoint]:
    by_name = {endpoint.name: endpoint for endpoint in spec.endpoints}
    return (by_name[name] for name in names)


def _protocols(endpoint: Endpoint) -> tuple[str, ...]:
    return tuple(url.protocol for url in endpoint.urls)


def _check_word(check: str) -> str:
    return "upload" if check == "UploadDownload" else check.lower()
