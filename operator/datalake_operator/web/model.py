"""The page's model, kept as long as nothing changes: only bodies with a new resourceVersion are read again."""

import gzip
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from datalake_operator.web import operands, probe
from datalake_operator.web.bodies import Bodies, Body, Ref
from datalake_operator.web.commands import Check
from datalake_operator.web.details import details
from datalake_operator.web.grid import overview
from datalake_operator.web.probe import Probe

log = logging.getLogger(__name__)

PROBES, CACHES, SERVERS = "QoSProbe", "XCacheNode", "RucioServer"

_READERS: Mapping[str, Callable[[Body], Any]] = {
    PROBES: probe.read,
    CACHES: operands.cache,
    SERVERS: operands.server,
}


@dataclass(frozen=True)
class Document:
    """JSON that is ready to be sent."""

    plain: bytes
    packed: bytes
    """The same, compressed with gzip."""
    tag: str
    """Its ETag, with quotes."""


class Model:
    """What the page and the JSON say.

    Args:
        bodies: of all resources.
    """

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._read: dict[Ref, tuple[int, Any]] = {}
        self._seen: dict[Ref, int] | None = None
        self._overview: Document | None = None

    def overview(self) -> Document:
        """Give what the page draws."""
        fresh = self._refresh()
        if self._overview is None or fresh:
            self._overview = document(
                overview(self.rows(PROBES), self.rows(CACHES), self.rows(SERVERS)),
            )
        return self._overview

    def rows(self, kind: str) -> list[Any]:
        """Give what is known of all resources of a kind, by namespace and name."""
        return [self._read[ref][1] for ref in sorted(self._read) if ref.kind == kind]

    def items(self, kind: str) -> list[Mapping[str, Any]]:
        """Give the rows of all probes, caches or Rucio servers."""
        self._refresh()
        return [one.facts if isinstance(one, Probe) else one for one in self.rows(kind)]

    def probe(self, namespace: str, name: str) -> Mapping[str, Any] | None:
        """Give one probe with its cells, None where there is none."""
        self._refresh()
        known = self._read.get(Ref(PROBES, namespace, name))
        if known is None:
            return None
        one: Probe = known[1]
        return {**one.facts, "endpoints": one.blamed, "cells": one.cells}

    def details(self, namespace: str, check: Check) -> Mapping[str, Any] | None:
        """Give everything that is known of a cell, an endpoint or a target; None where nothing is."""
        self._refresh()
        bodies = [body for body in self._probes_of(namespace, check) if body is not None]
        return details(bodies, check, lambda kind, name: self._bodies.get(Ref(kind, namespace, name)))

    def _probes_of(self, namespace: str, check: Check) -> Iterator[Body | None]:
        """Give the bodies of those probes that know the cell: few, so that few are unpacked."""
        for ref, (_, one) in sorted(self._read.items(), key=lambda item: item[0]):
            if ref.kind == PROBES and ref.namespace == namespace and _knows(one, check):
                yield self._bodies.get(ref)

    def _refresh(self) -> bool:
        """Read what is new; return whether anything is."""
        versions = dict(self._bodies.versions())
        if versions == self._seen:
            return False
        for ref in self._read.keys() - versions.keys():
            del self._read[ref]
        for ref, version in versions.items():
            known = self._read.get(ref)
            if ref.kind in _READERS and (known is None or known[0] != version):
                body = self._bodies.get(ref)
                if body is not None:
                    self._read[ref] = version, _row(ref, body)
        self._seen = versions
        return True


def _row(ref: Ref, body: Body) -> Any:
    """Read one resource. One that cannot be read hides no other."""
    try:
        return _READERS[ref.kind](body)
    except Exception:
        log.exception("%s %s/%s cannot be shown on the page", *ref)
        return (probe if ref.kind == PROBES else operands).unshown(ref.namespace, ref.name)


def _knows(one: Probe, check: Check) -> bool:
    cells = any(cell["source"] == check.source and cell.get("destination") == check.destination for cell in one.cells)
    return cells or (check.destination is None and any(blamed["name"] == check.source for blamed in one.blamed))


def document(value: Any) -> Document:
    """Give a value as JSON, plain and compressed."""
    plain = orjson.dumps(value)
    return Document(plain, gzip.compress(plain, 3, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:32]}"')
