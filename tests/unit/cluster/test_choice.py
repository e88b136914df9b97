from pathlib import Path

import pytest

from tests.cluster import ClusterError, Flavour, NotPossible, choose
from tests.cluster.control_plane import ControlPlane
from tests.cluster.foreign import Foreign
from tests.cluster.kind import Kind
from tests.cluster.node import Node


def there() -> bool:
    return True


def not_there() -> bool:
    return False


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "datalake-operator"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.touch()
    return path


@pytest.mark.parametrize("flavour", ["control-plane", "node"])
def test_a_kubeconfig_that_is_given_always_wins(flavour: Flavour, kubeconfig: Path) -> None:
    chosen = choose(flavour, "a", environment={"KUBECONFIG": str(kubeconfig)}, docker=there)
    assert isinstance(chosen, Foreign)
    assert chosen.kubeconfig == kubeconfig


def test_docker_is_not_even_asked_when_a_kubeconfig_is_given(kubeconfig: Path) -> None:
    choose("node", "a", environment={"KUBECONFIG": str(kubeconfig)}, docker=lambda: pytest.fail("asked"))


@pytest.mark.parametrize("flavour", ["control-plane", "node"])
def test_where_docker_answers_it_is_kind(flavour: Flavour) -> None:
    assert isinstance(choose(flavour, "a", environment={"KUBECONFIG": ""}, docker=there), Kind)


@pytest.mark.parametrize(("flavour", "expected"), [("control-plane", ControlPlane), ("node", Node)])
def test_otherwise_it_is_what_we_build(flavour: Flavour, expected: type) -> None:
    assert isinstance(choose(flavour, "a", environment={}, docker=not_there), expected)


def test_the_environment_of_the_process_is_looked_at(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert isinstance(choose("node", "a", docker=not_there), Foreign)


def test_a_kubeconfig_that_is_not_there_is_an_error_and_not_another_cluster(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="one file that is there"):
        choose("node", "a", environment={"KUBECONFIG": str(tmp_path / "nowhere")}, docker=there)


@pytest.mark.parametrize("name", ["", "a_b", "A", "1a", "-a", "a-", "thirteen-long", "a/../b"])
def test_a_name_that_cannot_name_an_interface_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="no name for a cluster"):
        choose("node", name, environment={}, docker=not_there)


def test_an_unknown_flavour_is_refused() -> None:
    with pytest.raises(ClusterError, match="choose one of control-plane, node"):
        choose("nodes", "a", environment={}, docker=not_there)  # type: ignore[arg-type]


def test_choosing_writes_nothing(cache: Path) -> None:
    choose("node", "a", environment={}, docker=not_there)
    choose("node", "a", environment={}, docker=there)
    assert not cache.exists()


@pytest.mark.parametrize("method", ["cut_api", "mend_api", "stop_api", "start_api"])
def test_the_api_server_of_somebody_else_is_left_alone(method: str, kubeconfig: Path) -> None:
    with pytest.raises(NotPossible, match="left alone"):
        getattr(Foreign("a", kubeconfig), method)()


def test_nodes_of_somebody_else_pull_from_a_registry_that_is_named(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = Foreign("a", kubeconfig)
    monkeypatch.delenv("IMAGE_REGISTRY", raising=False)
    with pytest.raises(NotPossible, match="IMAGE_REGISTRY"):
        foreign.load_image("a:1", Path("a.tar"))
    monkeypatch.setenv("IMAGE_REGISTRY", "registry.example")
    foreign.load_image("a:1", Path("a.tar"))


def test_a_control_plane_takes_no_images() -> None:
    with pytest.raises(NotPossible, match="no pods"):
        ControlPlane("a").load_image("a:1", Path("a.tar"))
