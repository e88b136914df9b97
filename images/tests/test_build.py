"""The builder, with programs that only write down what they were asked."""

import os
import shutil
from pathlib import Path

import pytest

from images import build, engines

FAKE = """#!/bin/sh
echo "${{0##*/}} $*" >> {log}
case "$1 $2" in
"version "*) exit {docker} ;;
"image inspect" | "inspect --type") [ -e {folder}/label ] && cat {folder}/label || exit 1 ;;
"pull "*) exit {pull} ;;
"build "*)
    previous=
    for word in "$@"; do
        case "$previous $word" in
        "--secret id=pip,src="*) cat "${{word#id=pip,src=}}" > {folder}/pip.conf ;;
        "--file "*) cp -r "$(dirname "$(dirname "$(dirname "$word")")")" {folder}/context ;;
        esac
        previous=$word
    done
    [ ! -e {folder}/broken ] || {{ echo "no such package"; exit 7; }}
    ;;
"save "*) : > "$3" ;;
"push --quiet") file=${{4#docker-archive:}}; : > "${{file%%:*}}" ;;
esac
"""


class Machine:
    """A machine with fake programs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._log = folder / "log"
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        for name in ("REGISTRY", "PUSH", "STORAGE_DRIVER", "BUILDAH_ISOLATION", "http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in build.PIP_VARIABLES:
            monkeypatch.delenv(f"PIP_{name}", raising=False)
        self.install()

    def install(self, *, docker: bool = True, registry: bool = True) -> None:
        """Put the programs there: whether a Docker engine and a registry answer."""
        engines.find.cache_clear()
        script = FAKE.format(log=self._log, folder=self.folder, docker=int(not docker), pull=int(not registry))
        (self.folder / "bin").mkdir(exist_ok=True)
        for name in ("docker", "buildah", "mmdebstrap"):
            program = self.folder / "bin" / name
            program.write_text(script)
            program.chmod(0o755)

    def label(self, value: str) -> None:
        """What every image says of its inputs."""
        (self.folder / "label").write_text(value)

    def asked(self, word: str) -> list[str]:
        """The commands so far that hold a word."""
        return [line for line in self._log.read_text().splitlines() if word in line] if self._log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_docker_builds_where_an_engine_answers(machine: Machine) -> None:
    reference = build.build("xcache")
    assert (
        reference
        == f"ghcr.io/projectescape/datalake-xcache:{(build.ROOT / 'images/xcache/VERSION').read_text().strip()}"
    )
    (command,) = machine.asked("docker build")
    assert f"--tag {reference} " in command
    assert f"--label {build.INPUTS}={build.IMAGES['xcache'].digest()} " in command


def test_buildah_builds_where_only_docker_s_client_is(machine: Machine) -> None:
    machine.install(docker=False)
    build.build("operator")
    assert machine.asked("buildah build --layers")
    assert not machine.asked("docker build")


def test_without_either_the_message_says_what_to_install(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.install(docker=False)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(engines.BuildError, match="apt-get install buildah"):
        build.build("xcache")


def test_an_image_of_the_same_inputs_is_not_built_again(machine: Machine) -> None:
    machine.label(build.IMAGES["xcache"].digest())
    build.build("xcache")
    assert not machine.asked("datalake-xcache:5.8.1-1 ")
    build.build("xcache", force=True)
    assert machine.asked("--no-cache")


def test_where_no_registry_answers_the_base_is_made(machine: Machine) -> None:
    machine.install(registry=False)
    assert build.build("base") == build.BASE
    assert machine.asked("mmdebstrap --variant=minbase")
    assert machine.asked(f"--tag {build.BASE} ")


def test_where_a_registry_answers_the_base_is_pulled(machine: Machine) -> None:
    build.build("base")
    assert machine.asked(f"docker pull {build.BASE}")
    assert not machine.asked("mmdebstrap")


def test_the_context_holds_what_the_image_needs_and_nothing_else(machine: Machine) -> None:
    build.build("xcache")
    context = machine.folder / "context"
    assert sorted(path.name for path in (context / "images/xcache").iterdir()) == [
        "Dockerfile", "bin", "xcache_exporter", "xcache_tools",
    ]  # fmt: skip
    assert not list(context.rglob("__pycache__"))


def test_mirrors_are_mounted_for_the_build_and_named_nowhere(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@mirror.example/simple")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "60")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    build.build("operator")
    (command,) = machine.asked("docker build")
    assert "mirror.example" not in command
    assert "proxy.example" not in command
    assert "--build-arg http_proxy " in command
    expected = "[global]\nindex-url = https://user:secret@mirror.example/simple\ntimeout = 60\n"
    assert (machine.folder / "pip.conf").read_text() == expected


def test_a_failed_build_shows_what_was_said(machine: Machine) -> None:
    (machine.folder / "broken").touch()
    with pytest.raises(engines.BuildError, match=r"docker build failed \(7\):\nno such package"):
        build.build("xcache")


@pytest.mark.parametrize("docker", [True, False])
def test_an_archive_is_written_once_and_older_ones_go(machine: Machine, *, docker: bool) -> None:
    machine.install(docker=docker)
    old = machine.folder / "cache/datalake-operator/images/xcache-0.tar"
    old.parent.mkdir(parents=True)
    old.touch()
    reference, path = build.archive("xcache")
    assert (reference, path.exists(), old.exists()) == (build.IMAGES["xcache"].reference(), True, False)
    before = len(machine.asked(""))
    assert build.archive("xcache") == (reference, path)
    assert len(machine.asked("")) == before


def test_the_digest_changes_with_content_and_permission_and_not_with_tests(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = machine.folder / "repository"
    shutil.copytree(build.ROOT / "images", root / "images", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(build, "ROOT", root)
    image = build.IMAGES["xcache"]
    digests = [image.digest()]
    (root / "images/xcache/xcache_exporter/tests").mkdir()
    (root / "images/xcache/xcache_exporter/tests/test_x.py").touch()
    assert image.digest() == digests[0]
    (root / "images/xcache/bin/xcache-check").chmod(0o644)
    digests.append(image.digest())
    (root / "images/base/slim.cfg").write_text("")
    digests.append(image.digest())
    assert len(set(digests)) == 3


def test_the_command_pushes_when_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY", "registry.example/lake")
    monkeypatch.setenv("PUSH", "1")
    monkeypatch.setattr("sys.argv", ["build.py", "--tag", "t1"])
    assert build.main() == 0
    pushed = [line.split()[-1].removeprefix("registry.example/lake/datalake-") for line in machine.asked("docker push")]
    assert {"xcache:t1", "operator:t1", *(f"rucio:{version}" for version in build.RUCIO)} <= set(pushed)
    assert len(pushed) == len(build.IMAGES)


def test_the_command_refuses_names_that_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["build.py", "nonsense"])
    with pytest.raises(SystemExit):
        build.main()
    assert "no image nonsense" in capsys.readouterr().err


def test_what_ships_names_no_mirror() -> None:
    lock = (build.ROOT / "requirements/operator.lock").read_text()
    assert "://" not in lock
    assert "--index-url" not in lock


def test_each_version_is_an_image_whose_archives_do_not_replace_each_other(machine: Machine) -> None:
    assert build.named(["rucio", "base"]) == ["rucio:41.5.1", "rucio:38.6.4", "base"]
    references, paths = zip(*(build.archive(name) for name in build.named(["rucio"])), strict=True)
    assert references == tuple(f"ghcr.io/projectescape/datalake-rucio:{version}" for version in build.RUCIO)
    assert all(path.exists() for path in paths)
    commands = machine.asked("docker build")
    assert ["--build-arg VERSION=38.6.4 " in command for command in commands if "datalake-rucio" in command] == [
        False, True,
    ]  # fmt: skip
    digests = {build.IMAGES[name].digest() for name in build.named(["rucio"])}
    assert len(digests) == 2
