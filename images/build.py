#!/usr/bin/env python3
"""Builds the container images: `python3 images/build.py [NAMES] [--registry R] [--tag T] [--push] [--force]`.

With Docker where an engine answers, else with buildah. Nothing is built whose inputs have not changed. `archive()`
gives an image as a docker-archive, for clusters that cannot pull. From the environment: `REGISTRY` and `PUSH` as the
options; proxies (`http_proxy` and its like) and `PIP_INDEX_URL` and its like for the build only: they, and the
machine's own certificate authorities, never stay in an image.

Needs Python alone, so that it runs before anything is installed.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: its own folder is no place to look for modules
    sys.path[0] = str(ROOT)

from images import engines  # noqa: E402

REGISTRY = "ghcr.io/projectescape"
BASE = "docker.io/library/debian:trixie-slim"
SUITE = "trixie"
RUCIO = ("41.5.1", "38.6.4")
"""Versions of Rucio, the default first: each has a lock file, and a catalogue in the operator."""

INPUTS = "eu.projectescape.datalake.inputs"
"""Label: hash of everything an image was made from."""

HOST_CA = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_VARIABLES = ("INDEX_URL", "EXTRA_INDEX_URL", "TRUSTED_HOST", "DEFAULT_TIMEOUT")
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "tests", "*.egg-info")


@dataclass(frozen=True)
class Image:
    """One image of ours.

    Attributes:
        name: as on the command line, `FOLDER` or, of a program that is kept in several versions, `FOLDER:VERSION`; its
            Dockerfile lies in `images/FOLDER/` and is given the version as the argument VERSION.
        title: for people.
        version_file: holds the version, which is its tag, where the name does not say it.
        inputs: files and folders that the Dockerfile copies, from the root of the repository.
    """

    name: str
    title: str
    version_file: str
    inputs: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Name of its folder, the same for all its versions."""
        return self.name.partition(":")[0]

    @property
    def fixed(self) -> str:
        """The version that its name says; empty where there is one only."""
        return self.name.partition(":")[2]

    @property
    def dockerfile(self) -> str:
        """Path from the root of the repository."""
        return f"images/{self.folder}/Dockerfile"

    def version(self) -> str:
        """That of its name, or the first version number in its version file."""
        if self.fixed:
            return self.fixed
        found = re.search(r"\d[\w.+-]*", (ROOT / self.version_file).read_text())
        return found[0] if found else "0"

    def reference(self, registry: str = REGISTRY, tag: str | None = None) -> str:
        """Registry, repository and tag; a version that its name says is the tag always, for resources ask for it."""
        return f"{registry.rstrip('/')}/datalake-{self.folder}:{self.fixed or tag or self.version()}"

    def digest(self) -> str:
        """Hash of all that goes in, the base's recipe included; the same in every clone."""
        return _digest((self.dockerfile, *self.inputs, "images/base"))


IMAGES: Mapping[str, Image] = {
    image.name: image
    for image in (
        Image(
            "xcache",
            "XRootD caching proxy with its exporter",
            "images/xcache/VERSION",
            ("images/xcache/bin", "images/xcache/xcache_exporter", "images/xcache/xcache_tools"),
        ),
        Image(
            "operator",
            "Operator for scientific data lake services",
            "operator/datalake_operator/__init__.py",
            ("operator", "pyproject.toml", "README.md", "LICENSE", "requirements/operator.lock"),
        ),
        *(
            Image(
                f"rucio:{version}",
                f"Rucio {version}: REST server, daemons and database tool",
                "",
                (
                    f"images/rucio/requirements/{version}.lock",
                    "images/rucio/bin",
                    "images/rucio/datalake_rucio_wsgi",
                    "images/rucio/rucio_config",
                    "images/rucio/rucio_database",
                    "images/rucio/rucio_server",
                    "images/rucio/sitecustomize.py",
                ),
            )
            for version in RUCIO
        ),
        Image(
            "postgres",
            "PostgreSQL for a Rucio, with its backups and restores",
            "images/postgres/VERSION",
            ("images/postgres/bin", "images/postgres/pg_hba.conf", "images/postgres/postgres_tools"),
        ),
        Image(
            "probe",
            "Runner of probes",
            "operator/datalake_operator/__init__.py",
            (
                "images/probe/bin",
                "images/probe/datalake_probe",
                "images/probe/envelope.schema.json",
                "images/probe/plan.schema.json",
                "images/probe/requirements/rucio.lock",
            ),
        ),
    )
}


_NAMES = dict.fromkeys(("base", *IMAGES, *(image.folder for image in IMAGES.values())))


def named(names: Iterable[str]) -> list[str]:
    """Keys of `IMAGES` for names of the command line: a folder's name means all its versions.

    Raises:
        KeyError: of the first name that is none.
    """
    keys = {name: [key for key, image in IMAGES.items() if name in {key, image.folder}] for name in names}
    for name, found in keys.items():
        if not found and name != "base":
            raise KeyError(name)
    return [key for name, found in keys.items() for key in (found or [name])]


def build(name: str, registry: str = REGISTRY, tag: str | None = None, *, force: bool = False) -> str:
    """Make sure that the engine holds an image made from the present inputs.

    Args:
        name: a key of `IMAGES`, or `base`.
        registry: first part of its reference.
        tag: instead of its version.
        force: build even if nothing has changed, with a fresh base and fresh packages.

    Returns:
        Its reference.

    Raises:
        engines.BuildError: with the last lines of output.
    """
    engine = engines.find()
    with _locked():
        _base(engine, force=force)
        if name == "base":
            return BASE
        image = IMAGES[name]
        reference = image.reference(registry, tag)
        if not force and engine.label(reference, INPUTS) == image.digest():
            say(f"{name}: {reference} is up to date")
            return reference
        with _step(f"{name}: building {reference} with {engine.name}"), tempfile.TemporaryDirectory() as folder:
            context = Path(folder, "context")
            _copy((image.dockerfile, *image.inputs), context)
            arguments = {"VERSION": image.fixed} if image.fixed else {}
            engine.build(
                reference, context, image.dockerfile, _labels(image), _secrets(Path(folder)), arguments,
                cached=not force,
            )  # fmt: skip
        return reference


def archive(name: str, registry: str = REGISTRY) -> tuple[str, Path]:
    """Give an image as a file that `ctr images import`, `docker load` and `kind load` take.

    Returns:
        Its reference, and the path under `~/.cache/datalake-operator/images`. A file that is there already is not made
        again, whether the engine still holds the image or not.

    Raises:
        engines.BuildError: see `build`.
    """
    image = IMAGES.get(name)
    reference = image.reference(registry) if image else BASE
    digest = image.digest() if image else _digest(("images/base",))
    key = hashlib.sha256(f"{reference} {digest}".encode()).hexdigest()[:16]
    stem = name.replace(":", "_")
    path = _cache() / f"{stem}-{key}.tar"
    if not path.exists():
        build(name, registry)
        with _locked(), _step(f"{name}: writing {path}"):
            new = path.with_suffix(f".{os.getpid()}.new")
            engines.find().save(reference, new)
            for old in path.parent.glob(f"{stem}-*.tar"):
                old.unlink()
            new.replace(path)
    return reference, path


def _base(engine: engines.Engine, *, force: bool) -> None:
    """Pull the base, or make it where no registry answers."""
    made = engine.label(BASE, INPUTS)
    digest = _digest(("images/base",))
    if not force and made is not None and made in {"", digest}:
        return
    if not made:
        with _step(f"base: pulling {BASE}"):
            if engine.pull(BASE):
                return
            say("  no registry answers")
    if not shutil.which("mmdebstrap"):
        raise engines.BuildError(f"{BASE} cannot be pulled; to make it here: apt-get install mmdebstrap")
    with _step(f"base: making {BASE} with mmdebstrap"), tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        _copy(("images/base",), context)
        _mmdebstrap(context / "images/base", context / "rootfs.tar")
        engine.build(BASE, context, "images/base/Dockerfile", {INPUTS: digest}, {}, {}, cached=False)


def _mmdebstrap(recipe: Path, target: Path) -> None:
    parts = (f"debian {SUITE}", f"debian {SUITE}-updates", f"debian-security {SUITE}-security")
    engines.run(
        ["mmdebstrap", "--variant=minbase", f"--dpkgopt={recipe / 'slim.cfg'}", "--aptopt=Acquire::Languages none",
         "--customize-hook=rm -f $1/etc/apt/sources.list $1/etc/apt/sources.list.d/*",
         f"--customize-hook=copy-in {recipe / 'debian.sources'} /etc/apt/sources.list.d",
         "--customize-hook=rm -rf $1/var/log/apt $1/var/log/dpkg.log $1/var/cache/ldconfig/aux-cache",
         SUITE, str(target), *(f"deb http://deb.debian.org/{part} main" for part in parts)],
        re.compile("^I: (.*)"),
    )  # fmt: skip


def _secrets(folder: Path) -> dict[str, Path]:
    """Files that a build may see and must not keep: the machine's authorities, pip's mirrors."""
    secrets = {}
    if HOST_CA.exists():
        secrets["ca"] = HOST_CA
    pip = {variable: os.environ[f"PIP_{variable}"] for variable in PIP_VARIABLES if os.environ.get(f"PIP_{variable}")}
    if pip:
        lines = [f"{variable.lower().replace('_', '-')} = {value}" for variable, value in pip.items()]
        secrets["pip"] = folder / "pip.conf"
        secrets["pip"].write_text("\n".join(["[global]", *lines, ""]).replace("default-timeout", "timeout"))
    return secrets


def _labels(image: Image) -> dict[str, str]:
    label = "org.opencontainers.image"
    labels = {
        INPUTS: image.digest(),
        f"{label}.title": f"datalake-{image.folder}",
        f"{label}.description": image.title,
        f"{label}.version": image.version(),
        f"{label}.licenses": "Apache-2.0",
        f"{label}.base.name": BASE,
    }
    if revision := _revision((image.dockerfile, *image.inputs)):
        labels[f"{label}.revision"] = revision
    return labels


def _revision(inputs: Iterable[str]) -> str:
    """The commit that the inputs are from; empty when they differ from it, or without git."""
    try:
        return "" if _git("status", "--porcelain", "--", *inputs) else _git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def _copy(inputs: Iterable[str], target: Path) -> None:
    for name in inputs:
        source, copy = ROOT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=IGNORED)
        else:
            shutil.copy2(source, copy)


def _digest(inputs: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for path in sorted({file for name in inputs for file in _files(ROOT / name)}):
        content = path.read_bytes()
        executable = "x" if os.access(path, os.X_OK) else "-"
        digest.update(f"{path.relative_to(ROOT)} {executable} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    names = [entry.name for entry in path.iterdir()]
    for name in set(names) - IGNORED(str(path), names):
        yield from _files(path / name)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    path = (Path(base) if base else Path.home() / ".cache") / "datalake-operator" / "images"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One build at a time; the kernel gives the lock back when the process ends, however it ends."""
    with (_cache() / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """Tell a person; standard output stays free."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    say(f"{what} ...")
    begun = monotonic()
    yield
    say(f"  done in {monotonic() - begun:.1f} s")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Build the container images whose inputs changed.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_NAMES)}; default: all")
    parser.add_argument("--registry", default=os.environ.get("REGISTRY") or REGISTRY)
    parser.add_argument("--tag", help="instead of the version of images that have one only")
    parser.add_argument("--push", action="store_true", default=os.environ.get("PUSH", "") not in {"", "0"})
    parser.add_argument("--force", action="store_true", help="build anew, with fresh packages")
    chosen = parser.parse_args()
    try:
        names = named(chosen.names or IMAGES)
    except KeyError as error:
        parser.error(f"no image {error.args[0]}")
    try:
        for name in names:
            reference = build(name, chosen.registry, chosen.tag, force=chosen.force)
            if chosen.push and name != "base":
                with _step(f"{name}: pushing {reference}"):
                    engines.find().push(reference)
            sys.stdout.write(f"{reference}\n")
    except engines.BuildError as error:
        say(f"error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
