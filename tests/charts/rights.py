"""What the chart grants to the operator, and what `docs/security.md` says about it."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.charts.helm import ROOT

DOCUMENT = ROOT / "docs" / "security.md"


class Right(NamedTuple):
    """One verb on one resource (with its subresource, as RBAC writes it)."""

    group: str
    resource: str
    verb: str


def granted(documents: Iterable[Mapping[str, Any]]) -> set[Right]:
    """Every right in the Roles and ClusterRoles of a rendered chart."""
    return {
        Right(group, resource, verb)
        for document in documents
        if document["kind"] in {"Role", "ClusterRole"}
        for rule in document["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def documented() -> set[Right]:
    """The rights in the table under the heading "What the operator may do"."""
    return _rights("What the operator may do")


def unused() -> set[Right]:
    """The rights in the table under the heading "Rights that the end-to-end tests do not use"."""
    return _rights("Rights that the end-to-end tests do not use")


def _rights(heading: str) -> set[Right]:
    return {
        Right(group, resource, verb)
        for groups, resources, verbs in _rows(DOCUMENT, heading)
        for group in groups
        for resource in resources
        for verb in verbs
    }


def _rows(document: Path, heading: str) -> Iterable[tuple[list[str], list[str], list[str]]]:
    section = document.read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or not cells[1].startswith("`"):
            continue
        names = re.compile(r"`([^`]*)`")
        yield names.findall(cells[0]) or [""], names.findall(cells[1]), names.findall(cells[2])
