from typing import Any

import pytest

from datalake_operator.api.core import faults, schemas


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ResourceRequirements", {"limits": {"cpu": 2, "memory": "1Gi", "nvidia.com/gpu": "1"}, "requests": {}}),
        ("Tolerations", [{"operator": "Exists", "tolerationSeconds": 30}, {"key": "a"}]),
        ("NodeSelector", {"kubernetes.io/arch": "amd64"}),
        (
            "Affinity",
            {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}},
        ),
    ],
)
def test_what_kubernetes_takes_is_taken(name: str, value: Any) -> None:
    assert list(faults(value, schemas()[name])) == []


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("ResourceRequirements", {"limits": {"cpu": "two"}}, (".limits.cpu", "must be a quantity, e.g. 500m or 2Gi")),
        ("ResourceRequirements", {"limits": {"cpu": 1.5}}, (".limits.cpu", "must be a quantity, e.g. 500m or 2Gi")),
        ("ResourceRequirements", [], ("", "must be of type object")),
        ("Tolerations", [{"tolerationSeconds": "30"}], ("[0].tolerationSeconds", "must be of type integer")),
        ("Tolerations", [{"tolerationSeconds": True}], ("[0].tolerationSeconds", "must be of type integer")),
        ("NodeSelector", {"a": 1}, (".a", "must be of type string")),
        (
            "Affinity",
            {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}},
            (".podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey", "is required"),
        ),
    ],
)
def test_what_kubernetes_refuses_is_named(name: str, value: Any, fault: tuple[str, str]) -> None:
    assert list(faults(value, schemas()[name])) == [fault]


def test_nothing_is_offered_that_kubernetes_1_30_would_drop() -> None:
    assert not {"claims", "matchLabelKeys", "mismatchLabelKeys"} & set(_names(schemas()))


def _names(schema: Any) -> Any:
    for key, value in schema.items() if isinstance(schema, dict) else ():
        yield key
        yield from _names(value)
