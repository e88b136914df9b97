"""Fields that are the same as in a pod: their schemas come from Kubernetes' own OpenAPI document.

`core.json` is cut out of it by `tests/unit/api/extract_core.py` (Kubernetes 1.36, without what 1.30 does not serve).
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from datalake_operator.api.values import is_int_or_string

CORE = "x-core"  # stands in for such a schema until the CRD is made

_TYPES: Mapping[str, Any] = {
    "object": Mapping,
    "array": (list, tuple),
    "string": str,
    "integer": int,
    "boolean": bool,
}


@cache
def schemas() -> dict[str, Any]:
    """Return the structural schemas by name."""
    text = files(__package__).joinpath("core.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    loaded["NodeSelector"] = {"type": "object", "additionalProperties": {"type": "string"}}
    loaded["Tolerations"] = {
        "type": "array",
        "items": loaded["Toleration"],
        "x-kubernetes-list-type": "atomic",
    }
    return loaded


class core:  # noqa: N801 - reads as a marker beside a field
    """Marks a plain dict (or list of dicts) whose schema is that of Kubernetes itself.

    Args:
        name: A key of `core.json`, or ``NodeSelector`` or ``Tolerations``.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any) -> Any:
            for path, message in faults(value, schemas()[self.name]):
                raise PydanticCustomError("core", "{message}", {"message": message, "path": path})
            return value

        return core_schema.no_info_plain_validator_function(check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {CORE: self.name}


def faults(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield where a value does not conform to a structural schema: (path below the value, what is wrong).

    Knows what `core.json` uses: types, required fields, patterns of quantities. Unknown fields are no fault.
    """
    if schema.get("x-kubernetes-int-or-string"):
        if not is_int_or_string(value) or not re.fullmatch(schema["pattern"], str(value)):
            yield path, "must be a quantity, e.g. 500m or 2Gi"
        return
    wanted = schema["type"]
    if not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        yield path, f"must be of type {wanted}"
        return
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name}", "is required"
    for step, child, inner in _children(value, schema):
        yield from faults(child, inner, path + step)


def _children(value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Yield what a value holds: (path below it, the part, its schema)."""
    if "items" in schema:
        for index, item in enumerate(value):
            yield f"[{index}]", item, schema["items"]
        return
    for name, child in value.items() if schema["type"] == "object" else ():
        inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        if inner is not None:
            yield f".{name}", child, inner
