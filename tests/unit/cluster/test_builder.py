import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import binaries, builder
from tests.cluster.errors import ClusterError

FAKE_GO = """#!/bin/sh
# stands for Go: `list` knows no stale package, `build -o FOLDER/` makes one program, as slowly as it is told
[ "$1" = list ] && exit 0
echo built >> "$COUNT"
while [ -e "$HOLD" ]; do sleep 0.01; done
[ -e "$BREAK" ] && { echo "main.go:1: no such thing" >&2; exit 1; }
while [ "$1" != -o ]; do shift; done
echo program > "$2/made"
"""


@pytest.fixture(autouse=True)
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go that does as it is told, and two components of our own."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(FAKE_GO)
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("COUNT", "HOLD", "BREAK"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    components = {}
    for name in ("one", "two", "helm"):
        source = tmp_path / "components" / name
        source.mkdir(parents=True)
        (source / "go.mod").write_text(f"module {name}\n")
        components[name] = builder.Component(name, {name: "."}, source, links={f"{name}ctl": name})
    monkeypatch.setattr(builder, "COMPONENTS", components)
    return tmp_path


def builds(workshop: Path) -> int:
    count = workshop / "count"
    return len(count.read_text().splitlines()) if count.exists() else 0


def test_a_component_is_built_once(workshop: Path) -> None:
    first = builder.folder("one")
    assert (first / "one").read_text() == "program\n"
    assert (first / "onectl").read_text() == "program\n"
    assert builder.folder("one") == first
    assert builds(workshop) == 1


def test_a_change_rebuilds_that_component_and_no_other(workshop: Path) -> None:
    builder.build(["one", "two"])
    before = builder.folder("one")
    (workshop / "components/one/main.go").write_text("package main\n")
    builder.build(["one", "two"])
    assert builder.folder("one") != before
    assert builds(workshop) == 3


def test_what_is_built_is_known_without_building(workshop: Path) -> None:
    assert not builder.is_built("one")
    builder.folder("one")
    assert builder.is_built("one")
    assert builds(workshop) == 1


def test_a_failed_build_leaves_nothing_and_tells_what_go_said(workshop: Path) -> None:
    (workshop / "break").touch()
    with pytest.raises(ClusterError, match=r"building one failed:\nmain\.go:1: no such thing"):
        builder.folder("one")
    assert not builder.is_built("one")
    (workshop / "break").unlink()
    assert (builder.folder("one") / "one").exists()


def test_what_a_killed_build_left_is_removed_by_the_next(workshop: Path) -> None:
    left = workshop / "cache/datalake-operator/.one-abc"
    left.mkdir(parents=True)
    (left / "half").touch()
    builder.folder("one")
    assert not left.exists()


def test_two_builders_at_once_build_once(workshop: Path, eventually: Callable[[Callable[[], object]], None]) -> None:
    (workshop / "hold").touch()
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(builder.folder("one"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    eventually(lambda: builds(workshop))
    (workshop / "hold").unlink()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert builds(workshop) == 1


def test_without_go_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="install Go"):
        builder.folder("one")
    with pytest.raises(ClusterError, match="helm is not installed"):
        binaries.path("helm")


def test_without_go_a_program_that_is_installed_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed = tmp_path / "helm"
    installed.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binaries.path("helm") == installed
