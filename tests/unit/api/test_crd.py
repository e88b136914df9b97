"""The conventions that every CRD of ours keeps, and whether crds/ is up to date."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from datalake_operator.api.core import schemas
from datalake_operator.api.crd import KINDS, crd
from datalake_operator.api.parse import parse
from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.rules import VALIDATIONS
from datalake_operator.cli.crds import files
from tests.support.bad_input import TESTS, minimal

ROOT = TESTS.parent
CORE = [schema.get("properties", schema) for schema in schemas().values()]
MADE_BY_KUBERNETES = {"resources", "nodeSelector", "tolerations", "affinity"}

# Functions and macros that CEL has in a CRD of Kubernetes 1.30 (k8s.io/apiserver/pkg/cel/environment, base and 1.28
# to 1.30): a rule that uses anything else would be refused there.
FUNCTIONS = {
    *("has", "all", "exists", "exists_one", "map", "filter", "size", "matches", "startsWith", "lowerAscii", "sum"),
    *("split", "quantity", "asApproximateFloat", "duration", "type", "double", "int"),
}

BEING_THERE_SAYS_YES = {"coldFiles", "meta"}

each_kind = pytest.mark.parametrize("model", KINDS, ids=lambda model: model.kind.kind)


def _version(model: Any) -> dict[str, Any]:
    version: dict[str, Any] = crd(model)["spec"]["versions"][0]
    return version


def _fields(model: Any, *, with_core: bool = False) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], str]]:
    """Yield (path, schema, schema of the object around it, name) of each field and each item."""

    def walk(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], str]]:
        for name, child in node.get("properties", {}).items():
            yield f"{path}.{name}", child, node, name
            if with_core or name not in MADE_BY_KUBERNETES:
                yield from walk(child, f"{path}.{name}")
        if "items" in node:
            yield f"{path}[]", node["items"], node, ""
            yield from walk(node["items"], f"{path}[]")

    root = _version(model)["schema"]["openAPIV3Schema"]
    for name in ("spec", "status"):
        yield f".{name}", root["properties"][name], root, name
        yield from walk(root["properties"][name], f".{name}")


def _rules(model: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    root = _version(model)["schema"]["openAPIV3Schema"]
    for path, schema, _, _ in [("", root, {}, ""), *_fields(model)]:
        for rule in schema.get(VALIDATIONS, ()):
            yield path, rule


def test_the_files_in_crds_are_up_to_date() -> None:
    folder = ROOT / "crds"
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == files(), "run `make crds`"


def test_the_chart_holds_the_same_files() -> None:
    folder = ROOT / "charts" / "datalake-operator" / "files" / "crds"
    wanted = {name: text for name, text in files().items() if name != "kustomization.yaml"}
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == wanted, "run `make crds`"


def test_each_file_says_that_it_is_generated_and_holds_one_kind() -> None:
    for name, content in files().items():
        assert content.startswith("# Generated")
        assert len(list(yaml.safe_load_all(content))) == 1, name


@each_kind
def test_every_field_is_described_for_kubectl_explain(model: Any) -> None:
    silent = [
        path for path, schema, _, name in _fields(model, with_core=True) if name and not schema.get("description")
    ]
    assert silent == []


@each_kind
def test_descriptions_are_sentences(model: Any) -> None:
    bad = [
        path
        for path, schema, _, name in _fields(model)
        if name not in {"", *MADE_BY_KUBERNETES} and not re.fullmatch(r"[A-Z0-9a-z].*[.]", schema["description"])
    ]
    assert bad == []


@each_kind
def test_every_default_is_told(model: Any) -> None:
    """A reader of `kubectl explain` sees no defaults; so a description that hides one is incomplete."""
    hidden = []
    for path, schema, _, name in _fields(model):
        default = schema.get("default") if path.startswith(".spec") else None
        if isinstance(default, bool | dict | list) or default in (None, "") or name in MADE_BY_KUBERNETES:
            continue
        if str(default) not in schema["description"] and str(default) not in _around(model, path):
            hidden.append(f"{path}: {default}")
    assert hidden == []


def _around(model: Any, path: str) -> str:
    return " ".join(s["description"] for p, s, _, n in _fields(model) if n and path.startswith(p))


@each_kind
def test_everything_is_bounded(model: Any) -> None:
    unbounded = []
    for path, schema, parent, name in _fields(model):
        if name in MADE_BY_KUBERNETES:
            continue
        text = schema.get("type") == "string" and not schema.keys() & {"maxLength", "enum", "format"}
        array = schema.get("type") == "array" and "maxItems" not in schema
        mapping = "additionalProperties" in schema and "maxProperties" not in schema
        number = schema.get("type") == "integer" and "minimum" not in schema and parent.get("type") != "array"
        if text or array or mapping or (number and name != "observedGeneration"):
            unbounded.append(path)
    assert unbounded == []


@each_kind
def test_there_are_no_floats(model: Any) -> None:
    assert [path for path, schema, _, _ in _fields(model, with_core=True) if schema.get("type") == "number"] == []


@each_kind
def test_every_list_says_how_it_is_merged(model: Any) -> None:
    for path, schema, _, name in _fields(model):
        if schema.get("type") != "array" or name in MADE_BY_KUBERNETES:
            continue
        kind = schema.get("x-kubernetes-list-type")
        assert kind in {"atomic", "set", "map"}, path
        if kind == "map":
            keys = schema["x-kubernetes-list-map-keys"]
            assert set(keys) <= set(schema["items"]["required"]), path
        if kind == "set":
            assert not schema.get("default"), f"{path}: server-side apply would merge it into what users write"


@each_kind
def test_optional_objects_default_to_empty_and_members_of_unions_never(model: Any) -> None:
    for path, schema, parent, name in _fields(model):
        if schema.get("type") != "object" or not name or not path.startswith(".spec."):
            continue
        in_union = any(f"has(self.{name}) ? 1" in rule["rule"] for rule in parent.get(VALIDATIONS, ()))
        needed = name in parent.get("required", ()) or "required" in schema
        if needed or in_union or name in BEING_THERE_SAYS_YES:
            assert "default" not in schema, path
        elif path != ".spec.monitoring.exporter.resources":
            assert schema["default"] == {}, path


@each_kind
def test_every_default_is_the_one_that_the_models_have(model: Any) -> None:
    resource = parse(minimal(model.kind.kind))
    expected = yaml.safe_load((TESTS / "golden/defaults" / model.kind.kind.lower() / "output.yaml").read_text("utf-8"))
    assert resource.spec.model_dump(mode="json", by_alias=True, exclude_none=True) == expected["spec"]


@each_kind
def test_an_untouched_object_is_never_taken_for_healthy(model: Any) -> None:
    status = _version(model)["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    assert status["properties"]["conditions"]["x-kubernetes-list-map-keys"] == ["type"]
    assert "phase" not in status["properties"]


@each_kind
def test_columns_tell_ready_first_then_facts_then_age(model: Any) -> None:
    columns = _version(model)["additionalPrinterColumns"]
    narrow = [column["name"] for column in columns if not column.get("priority")]
    assert narrow[0] == "Ready"
    assert narrow[-1] == "Age"
    wide = [column["name"] for column in columns if column.get("priority")]
    assert wide == (["Health", "Message"] if model is QoSProbe else ["Message"])


@each_kind
def test_rules_use_only_what_kubernetes_1_30_has(model: Any) -> None:
    for path, rule in _rules(model):
        expression = re.sub(r"'(\\.|[^'\\])*'", "''", rule["rule"])
        assert set(re.findall(r"([A-Za-z_]+)\(", expression)) <= FUNCTIONS, (path, rule)


@each_kind
def test_no_rule_reads_more_quantities_than_kubernetes_1_30_pays_for(model: Any) -> None:
    """There each costs 314,572 of the 10,000,000 of a rule (k8s.io/apiextensions-apiserver v0.30, for int-or-string).

    Newer versions reckon less, so a newer server would not notice.
    """
    entries = {path: schema["maxItems"] for path, schema, _, _ in _fields(model) if "maxItems" in schema}
    for path, rule in _rules(model):
        times = math.prod(most for around, most in entries.items() if path.startswith(f"{around}[]"))
        mapped = re.findall(r"self\.(\w+)\.map\(", rule["rule"])
        times *= max((entries[f"{path}.{name}"] for name in mapped), default=1)
        assert rule["rule"].count("? quantity(") * times <= 31, (path, rule)
        assert "quantity(string(" not in rule["rule"]
        assert not re.search(r"type\([^)]*\) ==", rule["rule"])


@each_kind
def test_every_rule_says_what_is_wrong_and_what_to_do(model: Any) -> None:
    for path, rule in _rules(model):
        message, _, mend = rule["message"].partition("; ")
        assert message, path
        assert mend, (path, rule)
        assert "\n" not in rule["message"]


@each_kind
def test_a_kind_is_found_by_category_and_short_name(model: Any) -> None:
    names = crd(model)["spec"]["names"]
    assert names["categories"] == ["datalake"]
    assert names["shortNames"] == [model.kind.short]
    assert Path(f"{names['plural']}.yaml").name in files()
