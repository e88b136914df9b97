"""Calls kubectl with one kubeconfig."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster import binaries
from tests.cluster.errors import ClusterError


class Kubectl:
    """Calls kubectl with one kubeconfig: `Kubectl(path)("get", "nodes")`."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def __call__(self, *arguments: str, given: Mapping[str, Any] | None = None) -> str:
        """Run kubectl, with an object as its standard input where one is given; what it prints.

        Raises:
            ClusterError: With what kubectl said.
        """
        done = subprocess.run(
            [binaries.path("kubectl"), "--kubeconfig", self.kubeconfig, *arguments],
            input=None if given is None else json.dumps(given),
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout
