"""Builds the components of the cluster from their Go modules, each once for each state of its inputs.

`components/<name>/` holds a pinned Go module (`go.mod`, `go.sum`, `main.go` where the program is ours). What was built
lies in `~/.cache/datalake-operator/<name>-<hash of inputs>/`. An interrupted build goes on where it was, because the
Go build cache keeps every package that was finished; the folder appears by one rename when all of it is there.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster import folders, progress
from tests.cluster.errors import ClusterError

_SOURCES = Path(__file__).parent / "components"
_KUBERNETES = ("1", "36", "3")  # as in components/kube/go.mod; shown by /version and `kubectl version`
_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Component:
    """A Go module and the programs made from it.

    `programs` maps the file's name to the Go package. `links` maps further names to one of the programs.
    """

    name: str
    programs: Mapping[str, str]
    source: Path
    """Folder of the Go module."""
    links: Mapping[str, str] = field(default_factory=dict)
    ldflags: str = "-s -w"


_CONTAINERD = "github.com/containerd/containerd/v2/cmd"
_PLUGINS = "github.com/containernetworking/plugins/plugins"

COMPONENTS: Mapping[str, Component] = {
    component.name: component
    for component in (
        Component("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, _SOURCES / "etcd"),
        Component(
            "kube",
            {"kube": "."},
            _SOURCES / "kube",
            links={"kubectl": "kube"},
            ldflags=f"-s -w -X {_VERSION}.gitVersion=v{'.'.join(_KUBERNETES)}"
            f" -X {_VERSION}.gitMajor={_KUBERNETES[0]} -X {_VERSION}.gitMinor={_KUBERNETES[1]}",
        ),
        Component(
            "containerd",
            {name: f"{_CONTAINERD}/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
            _SOURCES / "containerd",
        ),
        Component(
            "cni",
            {
                name.split("/")[1]: f"{_PLUGINS}/{name}"
                for name in ("main/ptp", "main/loopback", "ipam/host-local", "meta/portmap")
            },
            _SOURCES / "cni",
        ),
        Component("dns", {"dns": "."}, _SOURCES / "dns"),
        Component(
            "local-path-provisioner",
            {"local-path-provisioner": "github.com/rancher/local-path-provisioner"},
            _SOURCES / "local-path-provisioner",
        ),
        Component("tools", {"tools": "."}, _SOURCES / "tools"),
        Component("helm", {"helm": "helm.sh/helm/v4/cmd/helm"}, _SOURCES / "helm"),
    )
}

OF_FLAVOUR: Mapping[str, tuple[str, ...]] = {"control-plane": ("etcd", "kube"), "node": tuple(COMPONENTS)}
"""The components that each flavour needs (node: helm too, since whoever has pods installs charts)."""


def build(names: Iterable[str]) -> None:
    """Build the named components that are not there yet, one after the other (each uses all processors).

    Raises:
        ClusterError: Go is missing, or a build failed.
    """
    for name in names:
        folder(name)


def folder(name: str) -> Path:
    """The folder with the programs of a component, built now if it is not there yet.

    Raises:
        ClusterError: Go is missing, or the build failed.
    """
    return ensure(COMPONENTS[name])


def ensure(component: Component) -> Path:
    """The folder with the programs of any component, built now if it is not there yet.

    Raises:
        ClusterError: Go is missing, or the build failed.
    """
    target = _target(component)
    if not target.exists():
        with folders.locked(folders.cache() / f"{component.name}.lock"):
            if not target.exists():
                _build(component, target)
    return target


def is_built(name: str) -> bool:
    """Whether a component is there as its inputs are now."""
    return _target(COMPONENTS[name]).exists()


def _target(component: Component) -> Path:
    return folders.cache() / f"{component.name}-{fingerprint(component)}"


def fingerprint(component: Component) -> str:
    """Sixteen hexadecimal digits that change when anything changes that goes into the build."""
    digest = hashlib.sha256()
    digest.update(repr((sorted(component.programs.items()), sorted(component.links.items()))).encode())
    digest.update(component.ldflags.encode())
    digest.update(os.uname().machine.encode())
    for file in sorted(component.source.rglob("*")):
        if file.is_file():
            digest.update(f"\0{file.relative_to(component.source)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _build(component: Component, target: Path) -> None:
    if not shutil.which("go"):
        raise ClusterError(f"{component.name} must be built, but there is no Go here: install Go 1.26 or later")
    for left_by_a_killed_build in target.parent.glob(f".{component.name}-*"):
        shutil.rmtree(left_by_a_killed_build, ignore_errors=True)
    with (
        progress.step(f"Building {component.name} (once)") as step,
        tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{component.name}-") as scratch,
    ):
        made = Path(scratch) / "made"
        made.mkdir()
        packages = list(component.programs.values())
        _compile(component, packages, made, step)
        if len(packages) == 1:
            next(made.iterdir()).rename(made / next(iter(component.programs)))
        for link, program in component.links.items():
            (made / link).symlink_to(program)
        made.rename(target)


def _compile(component: Component, packages: list[str], made: Path, step: progress.Step) -> None:
    flags = ["-trimpath", f"-ldflags={component.ldflags}"]
    total = _to_compile(component, packages, flags)
    command = ["go", "build", "-v", *flags, "-o", f"{made}/", *packages]
    said: list[str] = []
    compiled = downloaded = 0
    with subprocess.Popen(
        command, cwd=component.source, env=_environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr or ():
            said.append(line)
            if line.startswith("go: downloading"):
                downloaded += 1
                step.far(f"{downloaded} modules downloaded")
            else:
                compiled += 1
                step.far(f"{compiled} of about {max(total, compiled)} packages compiled")
    if process.returncode:
        raise ClusterError(f"building {component.name} failed:\n" + "".join(said[-20:]))


def _to_compile(component: Component, packages: list[str], flags: list[str]) -> int:
    """How many packages still have to be compiled (0 where that cannot be told); downloads the modules."""
    with progress.step(f"Looking up the modules of {component.name}"):
        listed = subprocess.run(
            ["go", "list", "-deps", *flags, "-f", "{{if .Stale}}{{.StaleReason}}{{end}}", *packages],
            cwd=component.source, env=_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    reasons = [line for line in listed.stdout.splitlines() if line]
    return sum("available in build cache" not in reason for reason in reasons)


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
