"""CustomResourceDefinitions, made from the models."""

import copy
from collections.abc import Mapping
from typing import Any

from datalake_operator.api.core import CORE, schemas
from datalake_operator.api.kinds import KINDS
from datalake_operator.api.meta import GROUP, VERSION, Model
from datalake_operator.api.resource import Column, Kind, Resource
from datalake_operator.api.rules import VALIDATIONS

__all__ = ["KINDS", "crd", "schema"]

CATEGORY = "datalake"


def crd(model: type[Resource]) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind, ready to be applied."""
    kind = model.kind
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "categories": [CATEGORY],
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "shortNames": [kind.short],
                "singular": kind.kind.lower(),
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in kind.columns],
                    "schema": {"openAPIV3Schema": _root(model, kind)},
                }
            ],
        },
    }


def schema(model: type[Model]) -> dict[str, Any]:
    """Return the structural schema of a model: no references, every default, every rule."""
    document = model.model_json_schema(by_alias=True)
    return _structural(document, document.get("$defs", {}))


def _root(model: type[Resource], kind: Kind) -> dict[str, Any]:
    root = schema(model)
    status = schema(kind.status) | {"default": {"observedGeneration": -1}}
    return {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        VALIDATIONS: root[VALIDATIONS],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": root["properties"]["spec"],
            "status": status,
        },
    }


def _column(column: Column) -> dict[str, Any]:
    entry = {"name": column.name, "type": column.type, "jsonPath": column.path, "description": column.description}
    return entry | {"priority": column.priority} if column.priority else entry


def _structural(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Inline references, drop what a structural schema does not know, say "optional" as Kubernetes does."""
    node = _resolved(node, definitions)
    if CORE in node:
        beside = {key: value for key, value in node.items() if key != CORE}
        return {**copy.deepcopy(schemas()[node[CORE]]), **beside}
    result = {key: copy.deepcopy(value) for key, value in node.items() if key not in _NOT_COPIED}
    if "description" in node:
        result["description"] = " ".join(node["description"].split())
    if "const" in node:
        result["enum"] = [node["const"]]
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), Mapping):
            result[key] = _structural(node[key], definitions)
    if "properties" in node:
        required = node.get("required", ())
        result["properties"] = {
            name: _property(child, definitions, required=name in required) for name, child in node["properties"].items()
        }
    return result


_NOT_COPIED = frozenset({"title", "const", "$defs", "items", "additionalProperties", "properties"})


def _property(node: Mapping[str, Any], definitions: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    """Return the schema of a field; an object that may be left out, and is no member of a union, defaults to {}."""
    result = _structural(node, definitions)
    optional = result.get("default", ...) is None
    if optional:
        del result["default"]
    elif result.get("type") == "object" and not required:
        result.setdefault("default", {})
    return result


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a reference or the one member of "this or null"; what stands beside it wins over what it says."""
    members = [member for member in node.get("anyOf", ()) if member != {"type": "null"}]
    if len(members) == 1:
        beside = {key: value for key, value in node.items() if key != "anyOf"}
        return _resolved(members[0], definitions) | beside
    if "$ref" in node:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _resolved(definitions[node["$ref"].rpartition("/")[2]], definitions) | beside
    return dict(node)
