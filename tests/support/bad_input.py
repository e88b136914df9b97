"""The table of bad input, `tests/bad_input.yaml`: one row is one mistake, and what everybody says about it."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class BadInput:
    """One row.

    Attributes:
        sentence: What is refused, and why.
        kind: Its kind; the object is the minimal one of `tests/golden/defaults/` with this change:
        name: another name,
        without: fields of the spec taken away,
        spec: fields merged into the spec (objects by field, all else replaced).
        server: What the API server says, as `kubectl apply` prints it: `field: message`, one for each fault; empty
            where it takes the object, and only the operator, in status, refuses it.
        validate: What `datalake validate` says: `field: message; mend`.
    """

    sentence: str
    kind: str
    name: str = "bad"
    without: Sequence[str] = ()
    spec: dict[str, Any] = field(default_factory=dict)
    server: Sequence[str] = ()
    validate: Sequence[str] = ()

    @property
    def manifest(self) -> dict[str, Any]:
        """The bad object."""
        body = minimal(self.kind)
        body["metadata"]["name"] = self.name
        kept = {key: value for key, value in body["spec"].items() if key not in self.without}
        return body | {"spec": _merged(kept, self.spec)}


def minimal(kind: str) -> dict[str, Any]:
    """Return the minimal object of a kind."""
    text = (TESTS / "golden" / "defaults" / kind.lower() / "input.yaml").read_text("utf-8")
    body: dict[str, Any] = yaml.safe_load(text)
    return body


def table() -> list[BadInput]:
    """Return every row."""
    rows: list[dict[str, Any]] = yaml.safe_load((TESTS / "bad_input.yaml").read_text("utf-8"))
    return [BadInput(**row) for row in rows]


def each_row(*, refused_by_server: bool | None = None) -> pytest.MarkDecorator:
    """Return the mark that runs a test for each row, named by its sentence."""
    rows = [row for row in table() if refused_by_server in (None, bool(row.server))]
    return pytest.mark.parametrize("row", rows, ids=[row.sentence for row in rows])


def _merged(old: Any, change: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(change, dict):
        return copy.deepcopy(change)
    return old | {key: _merged(old.get(key), value) for key, value in change.items()}
