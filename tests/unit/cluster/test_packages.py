import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster import packages, processes
from tests.cluster.errors import ClusterError


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is searched for programs, alone."""
    monkeypatch.setattr(processes, "search_path", lambda: str(tmp_path))
    return tmp_path


def test_nothing_is_done_when_nothing_is_missing(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (only / "runc").touch(mode=0o755)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("ran something"))
    packages.ensure(["runc"])


@pytest.mark.usefixtures("only")
def test_who_is_not_root_is_told_the_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match=r"as root: apt-get update && apt-get install .* iproute2 runc$"):
        packages.ensure(["runc", "ip"])


@pytest.mark.usefixtures("only")
def test_two_programs_of_one_package_name_it_once() -> None:
    assert packages.missing(["setsid", "nsenter"]) == ["util-linux"]


def test_every_purpose_asks_only_for_programs_whose_package_is_known() -> None:
    for programs in packages.PURPOSES.values():
        assert set(programs) <= set(packages.PROGRAMS)


@pytest.mark.usefixtures("only")
def test_the_service_of_a_package_is_masked_before_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match=r"as root: mkdir .* ln -sfn /dev/null \S+/prometheus\.service && apt-get update && .* prometheus$"):  # fmt: skip # noqa: E501
        packages.ensure(["promtool"])


@pytest.mark.parametrize("there", [True, False], ids=["an administrator's policy", "none"])
def test_no_service_is_started_by_an_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "_POLICY", policy)
    if there:
        policy.write_text("theirs")
    with packages._nothing_is_started():
        asked = policy.read_text() if there else subprocess.run([policy], check=False).returncode
        assert asked == ("theirs" if there else 101)
    assert policy.exists() == there
