import socket
from pathlib import Path

import pytest

from tests.cluster import addresses


def run_dir(runs: Path, name: str) -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    return folder


def test_each_cluster_gets_addresses_and_ports_of_its_own(tmp_path: Path) -> None:
    taken = [addresses.take(run_dir(tmp_path, f"c{number}")) for number in range(20)]
    assert len({one.network for one in taken}) == 20
    assert not any(a.network.overlaps(b.network) for a in taken for b in taken if a is not b)
    ports = [port for one in taken for port in (one.api_port, *one.etcd_ports)]
    assert len(set(ports)) == 60
    assert max(ports) < 32768, "Linux takes ports from there for outgoing connections"


def test_host_and_node_are_the_two_hosts_of_the_network() -> None:
    assert (addresses.Addresses(0).host, addresses.Addresses(0).node) == ("10.210.0.1", "10.210.0.2")
    assert (addresses.Addresses(64).host, addresses.Addresses(64).node) == ("10.210.1.1", "10.210.1.2")


def test_what_was_taken_is_found_again_and_free_once_the_run_folder_is_gone(tmp_path: Path) -> None:
    first, second = run_dir(tmp_path, "first"), run_dir(tmp_path, "second")
    taken = addresses.take(first)
    assert addresses.given(first) == taken
    (first / "index").unlink()
    assert addresses.take(second) == taken


def test_a_port_that_somebody_uses_is_passed_over(tmp_path: Path) -> None:
    free = addresses.take(run_dir(tmp_path, "first"))
    with socket.create_server(("127.0.0.1", free.etcd_ports[0])):
        assert addresses.take(run_dir(tmp_path / "others", "second")).index > free.index


def test_a_network_that_the_host_has_a_route_to_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    occupied = addresses.take(run_dir(tmp_path, "first")).network
    monkeypatch.setattr(addresses, "_routed", lambda: [occupied])
    assert addresses.take(run_dir(tmp_path / "others", "second")).network != occupied


def test_routes_of_the_host_are_read_as_networks() -> None:
    assert all(network.prefixlen for network in addresses._routed())
