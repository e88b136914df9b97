from pathlib import Path

import pytest

from tests.cluster import namespaces
from tests.cluster.addresses import Addresses
from tests.cluster.errors import ClusterError


@pytest.fixture
def hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of /sys/fs/cgroup."""
    monkeypatch.setattr(namespaces, "_CGROUPS", tmp_path)
    return tmp_path


def test_version_2_of_control_groups_gets_the_controllers_that_are_there(hierarchies: Path) -> None:
    (hierarchies / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    control = hierarchies / "cgroup.subtree_control"
    control.touch()
    spaces = namespaces.Namespaces("a", hierarchies)
    spaces._make_cgroups()
    assert control.read_text() == "+pids\n", "each one is written by itself, so that one missing spoils no other"
    assert spaces.cgroups() == [hierarchies / "datalake-a"]


def test_version_1_of_control_groups_has_one_for_each_controller(hierarchies: Path) -> None:
    for name in ("cpu", "memory"):
        (hierarchies / name).mkdir()
    (hierarchies / "cpuacct").symlink_to(hierarchies / "cpu")
    spaces = namespaces.Namespaces("a", hierarchies)
    spaces._make_cgroups()
    assert sorted(spaces.cgroups()) == [hierarchies / "cpu/datalake-a", hierarchies / "memory/datalake-a"]


def test_processes_of_pods_are_found_in_control_groups_below(hierarchies: Path) -> None:
    pod = hierarchies / "cpu/datalake-a/kubepods/pod1"
    pod.mkdir(parents=True)
    (pod / "cgroup.procs").write_text("12\n34\n")
    assert namespaces.Namespaces("a", hierarchies).pods() == [12, 34]


@pytest.mark.parametrize("folder", ["/var/cache/x", "/run/x"])
def test_a_run_folder_that_the_node_would_hide_from_itself_is_refused(folder: str, hierarchies: Path) -> None:
    with pytest.raises(ClusterError, match="set XDG_CACHE_HOME"):
        namespaces.Namespaces("a", Path(folder)).make(Addresses(0), "10.244.0.0/24", "10.244.0.1", hierarchies / "log")
    assert list(hierarchies.iterdir()) == []
