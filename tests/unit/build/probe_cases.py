"""QoSProbes to build: from the golden files and the examples, or small ones made for a test."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from datalake_operator.api.parse import parse
from datalake_operator.api.probe import QoSProbe
from datalake_operator.build import probe
from datalake_operator.build.probe import Targets
from tests.unit.build.conftest import CONTEXT, ROOT

GOLDEN = ROOT / "tests" / "golden" / "qosprobe"
PROBE_CONTEXT = replace(
    CONTEXT, cluster="4f2a91c0-0000-4000-8000-000000000000", probe_image="ghcr.io/projectescape/datalake-probe:1.2.3"
)


def read(file: Path) -> tuple[QoSProbe, Targets]:
    """The probe of a file, and where its references are: further documents are what it may refer to."""
    body, *others = yaml.safe_load_all(file.read_text())
    found = parsed(body)
    references = {(other["kind"], other["metadata"]["name"]): other for other in others}
    if probe.reference(found) and probe.reference(found) not in references:
        return found, probe.placeholders(found)
    return found, probe.resolve(found, references)


def parsed(body: Mapping[str, Any]) -> QoSProbe:
    """The model of a manifest."""
    found = parse(body)
    assert isinstance(found, QoSProbe)
    return found


def made(uid: str = "u-1", name: str = "mesh", **spec: Any) -> QoSProbe:
    """A probe by interval 15m unless the spec says otherwise."""
    timing = {} if "schedule" in spec or "interval" in spec else {"interval": "15m"}
    return parsed(
        {
            "apiVersion": "datalake.projectescape.eu/v1alpha1",
            "kind": "QoSProbe",
            "metadata": {"name": name, "namespace": "demo", "uid": uid},
            "spec": {**timing, **spec},
        }
    )


def tcp(uid: str = "u-1", name: str = "mesh", **spec: Any) -> QoSProbe:
    """A probe of one port."""
    return made(uid, name, tcp={"targets": [{"name": "origin", "host": "origin.example.org", "port": 1094}]}, **spec)


def mesh(
    size: int, *, protocols: tuple[str, ...] = ("root",), transfer: Mapping[str, Any] | None = None, **spec: Any
) -> QoSProbe:
    """A probe of `size` endpoints with each other."""
    names = [f"SITE-{number:02}" for number in range(size)]
    endpoints = [
        {
            "name": name,
            "site": name,
            "urls": [{"protocol": one, "url": f"{one}://{name.lower()}.example.org/probe"} for one in protocols],
        }
        for name in names
    ]
    return made(endpoints=endpoints, transfer={"sources": names, "destinations": names, **(transfer or {})}, **spec)
