"""Cut the schemas of a pod's resources and scheduling out of Kubernetes' own OpenAPI v3 document.

    kubectl get --raw /openapi/v3/api/v1 | python -m tests.unit.api.extract_core > core.json

The same document lies in the Go module k8s.io/kubernetes under api/openapi-spec/v3/api__v1_openapi.json.
"""

import json
import sys
from typing import Any

from datalake_operator.api.values import QUANTITY_PATTERN

CORE = "io.k8s.api.core.v1."
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
WANTED = ("ResourceRequirements", "Toleration", "Affinity")
# What 1.30 serves only behind a gate would vanish there without a word; claims need a pod's resourceClaims.
LEFT_OUT = {"claims", "matchLabelKeys", "mismatchLabelKeys"}
KEPT = ("type", "format", "description", "required", "enum")


def extract(document: dict[str, Any]) -> dict[str, Any]:
    """Return structural schemas by name, references resolved, defaults dropped."""
    schemas = document["components"]["schemas"]
    return {name: _structural(schemas[CORE + name], schemas) for name in WANTED}


def _structural(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    for part in schema.get("allOf", ()):
        schema = part | {key: value for key, value in schema.items() if key != "allOf"}
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == QUANTITY:
            return {
                "anyOf": [{"type": "integer"}, {"type": "string"}],
                "pattern": QUANTITY_PATTERN,
                "x-kubernetes-int-or-string": True,
            }
        schema = schemas[name] | {key: value for key, value in schema.items() if key != "$ref"}
    result = {key: schema[key] for key in KEPT if key in schema}
    result |= {key: value for key, value in schema.items() if key.startswith("x-kubernetes-list-")}
    result |= {key: value for key, value in schema.items() if key == "x-kubernetes-map-type"}
    if "properties" in schema:
        result["properties"] = {
            name: _structural(child, schemas) for name, child in schema["properties"].items() if name not in LEFT_OUT
        }
    for key in ("items", "additionalProperties"):
        if key in schema:
            result[key] = _structural(schema[key], schemas)
    return result


if __name__ == "__main__":
    json.dump(extract(json.load(sys.stdin)), sys.stdout, indent=1)
    sys.stdout.write("\n")
