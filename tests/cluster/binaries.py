"""Paths of the programs that tests and `make` call: `kubectl`, `helm`, and those of the cluster itself."""

import shutil
from pathlib import Path

from tests.cluster import builder
from tests.cluster.errors import ClusterError

_HOME = {
    name: component.name
    for component in builder.COMPONENTS.values()
    for name in (*component.programs, *component.links)
}


def path(name: str) -> Path:
    """The path of a program by name; where Go is, it is our own pinned one, built on the first call.

    Raises:
        ClusterError: It cannot be built and is not installed.
    """
    if name in _HOME and (shutil.which("go") or builder.is_built(_HOME[name])):
        return builder.folder(_HOME[name]) / name
    if found := shutil.which(name):
        return Path(found)
    raise ClusterError(f"{name} is not installed and cannot be built without Go: install Go 1.26 or later, or {name}")
