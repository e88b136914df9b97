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

    def __call__(
        self, *arguments: str, given: Mapping[str, Any] | str | None = None, within: float | None = None
    ) -> str:
        """Run kubectl and return what it prints.

        Args:
            arguments: Of kubectl.
            given: Its standard input, text or an object.
            within: Seconds until a hanging kubectl is given up.

        Raises:
            ClusterError: With what kubectl said.
        """
        told = f"kubectl {' '.join(arguments)}"
        try:
            done = subprocess.run(
                [binaries.path("kubectl"), "--kubeconfig", self.kubeconfig, *arguments],
                input=given if given is None or isinstance(given, str) else json.dumps(given),
                text=True,
                capture_output=True,
                check=False,
                timeout=within,
            )
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"{told}: no end after {within:g} s") from error
        if done.returncode:
            raise ClusterError(f"{told}: {done.stderr.strip()}")
        return done.stdout
