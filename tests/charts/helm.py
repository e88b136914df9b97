"""The operator's chart, and a real Helm to render and install it."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import builder, folders

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "datalake-operator"
RELEASE = "datalake-operator"
"""The name under which the chart is rendered and installed, unless a test is about names."""
SITE = Path(__file__).parent / "site"
"""A chart that holds one XCacheNode, named as its release, and nothing else."""


class HelmError(Exception):
    """Helm failed; the message is what it said."""


@dataclass(frozen=True)
class Helm:
    """Helm 4, bound to a cluster where a kubeconfig is given."""

    program: Path
    kubeconfig: Path | None = None
    timeout: float = 600
    """Seconds until a hanging Helm is given up."""

    def run(self, *arguments: str | Path) -> str:
        """Run Helm and return its standard output.

        Raises:
            HelmError: Helm ended with an error.
        """
        cluster = ["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []
        done = subprocess.run(
            [self.program, *arguments, *cluster], capture_output=True, text=True, check=False, timeout=self.timeout
        )
        if done.returncode:
            raise HelmError(f"{done.stdout}{done.stderr}".strip())
        return done.stdout

    def template(self, *arguments: str | Path, namespace: str = "datalake-system") -> list[dict[str, Any]]:
        """Render the operator's chart and return its documents."""
        text = self.run("template", RELEASE, CHART, "--namespace", namespace, *arguments)
        return [document for document in yaml.load_all(text, _Loader) if document]

    def notes(self, *arguments: str | Path) -> str:
        """What Helm would tell the person who installs the chart."""
        answer = self.run(
            "install", RELEASE, CHART, "--namespace", "datalake-system", "--dry-run=client", "-o", "json", *arguments
        )
        return str(json.loads(answer)["info"]["notes"])


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # chosen at run time
    """The fast loader where libyaml is."""


def found() -> Path | None:
    """The Helm that was built for the tests, else the installed one; nothing is built here."""
    built = folders.cache() / f"helm-{builder.fingerprint(builder.COMPONENTS['helm'])}" / "helm"
    installed = shutil.which("helm")
    return built if built.exists() else Path(installed) if installed else None


def only(documents: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    """The one document of a kind."""
    (document,) = (document for document in documents if document["kind"] == kind)
    return document
