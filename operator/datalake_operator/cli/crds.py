"""`datalake crds`: write the CRDs, or say which are out of date."""

from functools import cache
from pathlib import Path

import click

from datalake_operator.api.crd import KINDS, crd
from datalake_operator.cli.dump import dump
from datalake_operator.cli.generated import keep

_HEADER = """\
# Generated from the models in operator/datalake_operator/api/ by `datalake crds` (`make crds`). Do not edit.
"""


@cache
def files() -> dict[str, str]:
    """Return name and content of each file: one CRD per kind, and a kustomization that names them."""
    names = {model: f"{model.kind.plural}.yaml" for model in KINDS}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(names.values()),
    }
    contents = {name: _HEADER + dump([crd(model)]) for model, name in names.items()}
    return contents | {"kustomization.yaml": _HEADER + dump([kustomization])}


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("crds"),
    show_default=True,
    help="Folder of the files.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file is missing or out of date.")
def crds(output: Path, *, check: bool) -> None:
    """Write the CustomResourceDefinitions, one file per kind, and a kustomization."""
    keep(output, files(), check=check, command="datalake crds")
