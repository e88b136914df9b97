import os
from pathlib import Path
from typing import Any

import pytest
import yaml

import datalake_operator
from datalake_operator.settings import Settings
from tests.charts.helm import CHART, ROOT, Helm, HelmError, only

GOLDEN = ROOT / "tests" / "golden" / "chart"
CRDS = sorted(file for file in (ROOT / "crds").glob("*.yaml") if file.name != "kustomization.yaml")


def test_helm_lint_finds_nothing(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", CHART)


@pytest.mark.parametrize("case", sorted(GOLDEN.iterdir()), ids=lambda case: case.name)
def test_values_become_exactly_these_objects(helm: Helm, case: Path) -> None:
    documents = helm.template("--values", case / "input.yaml", "--set", "crds.enabled=false")
    golden = case / "output.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(yaml.safe_dump_all(documents, sort_keys=False, width=120))
    assert documents == list(yaml.safe_load_all(golden.read_text()))


def test_the_definitions_in_the_chart_are_the_generated_ones() -> None:
    packaged = sorted((CHART / "files" / "crds").glob("*.yaml"))
    assert [file.name for file in packaged] == [file.name for file in CRDS] != []
    assert [file.read_text() for file in packaged] == [file.read_text() for file in CRDS], "run make crds"


def test_the_definitions_are_rendered_as_generated_and_kept_by_default(helm: Helm) -> None:
    rendered = _definitions(helm)
    for definition in rendered:
        annotations = definition["metadata"].pop("annotations")
        assert annotations.pop("helm.sh/resource-policy") == "keep"
        assert list(annotations) == ["datalake.projectescape.eu/definition-hash"]
    assert rendered == [yaml.safe_load(file.read_text()) for file in CRDS] != []


def test_the_definitions_go_with_the_release_where_that_is_asked_for(helm: Helm) -> None:
    for definition in _definitions(helm, "--set", "crds.keep=false"):
        assert "helm.sh/resource-policy" not in definition["metadata"]["annotations"]
    assert "deletes every RucioServer" in helm.notes("--set", "crds.keep=false")


def test_the_definitions_can_be_left_to_somebody_else(helm: Helm) -> None:
    assert _definitions(helm, "--set", "crds.enabled=false") == []


def test_chart_operator_and_cache_image_have_one_version_each() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == datalake_operator.__version__
    image = yaml.safe_load((CHART / "values.yaml").read_text())["operands"]["xcache"]["image"]
    assert image["tag"] == (ROOT / "images" / "xcache" / "VERSION").read_text().strip()


def test_the_operator_understands_its_environment(helm: Helm) -> None:
    settings = Settings.from_environment(_environment(helm, "--set", "watchNamespaces={a,b}"))
    assert settings.namespaces == ("a", "b")
    assert (settings.namespace, settings.identity) == ("metadata.namespace", "metadata.name")
    assert settings.lease == "datalake-operator"
    ours = Settings.from_environment({"DATALAKE_NAMESPACE": "x"})
    for image in ("xcache_image", "rucio_image", "postgres_image", "probe_image"):
        assert getattr(settings, image) == getattr(ours, image)
    assert Settings.from_environment(_environment(helm, "--set", "watchNamespaces={*}")).namespaces == ()


def test_one_registry_serves_all_images_and_a_digest_wins_over_a_tag(helm: Helm) -> None:
    digest = f"sha256:{'0' * 64}"
    documents = helm.template("--set", f"image.registry=registry.example:5000/mirror,image.digest={digest}")
    container = only(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == f"registry.example:5000/mirror/projectescape/datalake-operator@{digest}"
    images = {entry["name"]: entry["value"] for entry in container["env"] if entry["name"].endswith("_IMAGE")}
    mirror = "registry.example:5000/mirror/projectescape"
    assert images == {
        "DATALAKE_XCACHE_IMAGE": f"{mirror}/datalake-xcache:5.8.1-1",
        "DATALAKE_RUCIO_IMAGE": f"{mirror}/datalake-rucio",
        "DATALAKE_POSTGRES_IMAGE": f"{mirror}/datalake-postgres:17",
        "DATALAKE_PROBE_IMAGE": f"{mirror}/datalake-probe:{datalake_operator.__version__}",
    }


def test_every_resource_chooses_its_version_of_rucio_unless_the_values_do(helm: Helm) -> None:
    rucio = "operands.rucio.image"
    for setting, said in {f"{rucio}.tag=41.5.1-2": ":41.5.1-2", f"{rucio}.digest=sha256:{'0' * 64}": f"@sha256:{'0' * 64}"}.items():  # fmt: skip # noqa: E501
        given = _environment(helm, "--set", setting)["DATALAKE_RUCIO_IMAGE"]
        assert given == f"ghcr.io/projectescape/datalake-rucio{said}"


def test_a_new_chart_version_does_not_restart_the_operator(helm: Helm) -> None:
    documents = helm.template()
    labels = only(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert datalake_operator.__version__ not in labels.values()
    assert only(documents, "Deployment")["spec"]["selector"]["matchLabels"] == labels == only(documents, "Service")["spec"]["selector"]  # fmt: skip # noqa: E501


def test_a_service_account_of_somebody_else_must_have_a_name(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"serviceAccount\.name: name the ServiceAccount to use"):
        helm.template("--set", "serviceAccount.create=false")
    documents = helm.template("--set", "serviceAccount.create=false,serviceAccount.name=mine")
    assert "ServiceAccount" not in {document["kind"] for document in documents}
    assert only(documents, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == "mine"


def _definitions(helm: Helm, *arguments: str) -> list[dict[str, Any]]:
    documents = [document for document in helm.template(*arguments) if document["kind"] == "CustomResourceDefinition"]
    return sorted(documents, key=lambda definition: f"{definition['metadata']['name']}")


def _environment(helm: Helm, *arguments: str) -> dict[str, str]:
    """The container's environment; a reference to a field becomes the field's path."""
    container = only(helm.template(*arguments), "Deployment")["spec"]["template"]["spec"]["containers"][0]
    return {
        entry["name"]: entry.get("value") or entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in container["env"]
    }
