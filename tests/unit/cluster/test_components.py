import re

import pytest

from tests.cluster import builder


@pytest.mark.parametrize("component", builder.COMPONENTS.values(), ids=lambda component: component.name)
def test_every_component_is_pinned(component: builder.Component) -> None:
    module = (component.source / "go.mod").read_text()
    assert re.search(r"^go 1\.26\.0$", module, re.MULTILINE), "an older patch release of Go must do"
    if "require" in module:
        assert (component.source / "go.sum").stat().st_size
    for package in component.programs.values():
        ours = package == "." and (component.source / "main.go").exists()
        assert ours or package.rsplit("/v", 1)[0] in module


def test_the_kubernetes_version_that_is_shown_is_the_one_that_is_built() -> None:
    kube = builder.COMPONENTS["kube"]
    required = re.search(r"k8s\.io/kubernetes v(\S+)", (kube.source / "go.mod").read_text())
    assert required
    assert f"gitVersion=v{required.group(1)} " in kube.ldflags + " "


def test_every_component_belongs_to_the_node() -> None:
    assert set(builder.OF_FLAVOUR["node"]) == set(builder.COMPONENTS)
    assert set(builder.OF_FLAVOUR["control-plane"]) < set(builder.COMPONENTS)
