import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from tests.charts.helm import CHART, Helm, HelmError

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
FREE = ("serviceAccount.annotations", "service.annotations", "serviceMonitor.labels", "prometheusRule.labels", "dashboard.labels", "dashboard.annotations", "nodeSelector", "podLabels", "podAnnotations")  # fmt: skip # noqa: E501
"""Where any key is right: labels and annotations."""


def _fixed(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and ".".join(path) not in FREE and path[:1] != ("resources",):
        yield path
        for key, inner in value.items():
            yield from _fixed(inner, (*path, key))


@pytest.mark.parametrize("path", list(_fixed(VALUES)), ids=".".join)
def test_a_key_that_is_not_in_values_yaml_is_refused_at_every_level(path: tuple[str, ...]) -> None:
    values: dict[str, object] = {"watchNamspaces": []}
    for key in reversed(path):
        values = {key: values}
    with pytest.raises(jsonschema.ValidationError, match="watchNamspaces"):
        jsonschema.validate(values, SCHEMA)


def test_every_key_of_the_schema_stands_in_values_yaml() -> None:
    def compare(schema: dict[str, Any], value: dict[str, Any], path: str) -> None:
        if "$ref" in schema:
            schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
        if "properties" not in schema or not value:
            return
        assert set(schema["properties"]) - {"global"} == set(value), path
        for key, inner in value.items():
            if isinstance(inner, dict):
                compare(schema["properties"][key], inner, f"{path}.{key}")

    compare(SCHEMA, VALUES, "")


def test_helm_refuses_a_mistyped_key_and_names_it(helm: Helm) -> None:
    with pytest.raises(HelmError, match="additional properties 'watchNamspaces' not allowed"):
        helm.template("--set", "watchNamspaces={a}")


def test_a_parent_chart_may_pass_its_global_values(helm: Helm) -> None:
    assert helm.template("--set", "global.anything=1")


@pytest.mark.parametrize(
    ("setting", "where"),
    [
        ("watchNamespaces={a,*}", "/watchNamespaces"),
        ("watchNamespaces={a,a}", "/watchNamespaces"),
        ("watchNamespaces={Not_A_Name}", "/watchNamespaces/0"),
        ("replicas=-1", "/replicas"),
        ("image.tag=latest", "/image/tag"),
        ("image.digest=sha256:abc", "/image/digest"),
        ("image.registry=https://ghcr.io", "/image/registry"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("operands.xcache.image.tag=", "/operands/xcache/image/tag"),
        ("operands.rucio.image.tag=latest", "/operands/rucio/image/tag"),
        ("operands.postgres.image.tag=", "/operands/postgres/image/tag"),
        ("logging.level=verbose", "/logging/level"),
        ("resync=10", "/resync"),
        ("workers=0", "/workers"),
        ("resources.limits.memory=lots", "/resources/limits/memory"),
        ("service.port=70000", "/service/port"),
    ],
)
def test_a_bad_value_is_refused_and_its_place_named(helm: Helm, setting: str, where: str) -> None:
    with pytest.raises(HelmError, match=f"at '{where}'"):
        helm.template("--set", setting)
