"""Everything that is wrong with a manifest, found offline."""

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from datalake_operator.api.crd import KINDS, crd
from datalake_operator.api.kinds import Resource
from datalake_operator.api.parse import not_implemented, parse
from datalake_operator.api.problems import InvalidResource, Problem
from datalake_operator.cli.children import refusal

INVALID = 1
"""Exit code: something is invalid."""

_METADATA = (
    *("name", "namespace", "labels", "annotations", "finalizers", "generateName", "ownerReferences"),
    *("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields"),
    *("resourceVersion", "selfLink", "uid"),
)
"""Fields of ObjectMeta of Kubernetes 1.36, those first that people write."""


def find(body: Any) -> list[Problem]:
    """Return what is wrong with a manifest: in the schema's eyes, unknown fields, what is not done yet or cannot be."""
    return checked(body)[1]


def checked(body: Any) -> tuple[Resource | None, list[Problem]]:
    """Return the model of a manifest, None if it is invalid, and its problems."""
    unknown = list(unknown_fields(body))
    try:
        resource = parse(body)
    except InvalidResource as invalid:
        return None, [*unknown, *invalid.problems]
    missing = not_implemented(resource)
    refused = None if missing else refusal(resource)
    return resource, [*unknown, *missing, *([refused] if refused else [])]


def unknown_fields(body: Any) -> Iterator[Problem]:
    """Yield fields that the schema does not have; the server drops them, without a word unless asked to be strict."""
    kind = body.get("kind") if isinstance(body, Mapping) else None
    for model in KINDS:
        if model.kind.kind == kind:
            yield from _unknown(body, _schema(model), "")


@cache
def _schema(model: type[Resource]) -> Mapping[str, Any]:
    schema = crd(model)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["metadata"] = {"type": "object", "properties": {name: {} for name in _METADATA}}
    return schema  # type: ignore[no-any-return]


def _unknown(value: Any, schema: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for index, item in enumerate(value):
            yield from _unknown(item, schema["items"], f"{path}[{index}]")
    properties = schema.get("properties")
    if not isinstance(value, Mapping) or not properties:
        return
    for name, child in value.items():
        inner = f"{path}.{name}" if path else str(name)
        if name in properties:
            yield from _unknown(child, properties[name], inner)
        else:
            yield Problem(inner, "is not a field", _nearest(str(name), properties))


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    by_letters = {_letters(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(_letters(name), by_letters, n=1, cutoff=0.5)
    return f"did you mean {by_letters[close[0]]}?" if close else f"known here: {', '.join(known)}"


def _letters(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
