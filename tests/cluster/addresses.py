"""Gives every cluster on this machine addresses and ports of its own."""

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import folders
from tests.cluster.errors import ClusterError

_NETWORK = ipaddress.ip_network("10.210.0.0/16")  # between the host and the nodes; one /30 each
_FIRST_PORT = 20100  # below the range from which Linux takes the ports of outgoing connections
_MOST = 1000
_FILE = "index"


@dataclass(frozen=True)
class Addresses:
    """What belongs to the cluster with this index."""

    index: int

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The /30 between host and node."""
        start = int(_NETWORK.network_address) + 4 * self.index
        return ipaddress.IPv4Network((start, 30))

    @property
    def host(self) -> str:
        """The host's address in the /30."""
        return str(self.network[1])

    @property
    def node(self) -> str:
        """The node's address in the /30."""
        return str(self.network[2])

    @property
    def api_port(self) -> int:
        """The API server's port on the loopback interface (control plane only)."""
        return _FIRST_PORT + 3 * self.index

    @property
    def etcd_ports(self) -> tuple[int, int]:
        """Ports of etcd for clients and peers on the loopback interface (control plane only)."""
        return self.api_port + 1, self.api_port + 2


def take(run_dir: Path) -> Addresses:
    """Take the lowest index that no other cluster has and whose addresses and ports nobody uses.

    It stays taken as long as `run_dir` is there.

    Raises:
        ClusterError: None is free.
    """
    with folders.locked(run_dir.parent / "addresses.lock"):
        taken = {int(file.read_text()) for file in run_dir.parent.glob(f"*/{_FILE}")}
        routed = _routed()
        for index in range(_MOST):
            candidate = Addresses(index)
            if index not in taken and _unused(candidate, routed):
                (run_dir / _FILE).write_text(f"{index}\n")
                return candidate
    raise ClusterError(f"no free addresses: {len(taken)} clusters in {run_dir.parent}; remove those not needed")


def given(run_dir: Path) -> Addresses:
    """The addresses that the cluster in this run folder has.

    Raises:
        FileNotFoundError: It has none.
    """
    return Addresses(int((run_dir / _FILE).read_text()))


def _routed() -> list[ipaddress.IPv4Network]:
    """The networks to which this machine has routes, but for the default route."""
    networks = []
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        _, destination, _, _, _, _, _, mask, *_ = line.split()
        if int(mask, 16):
            numbers = [int.from_bytes(bytes.fromhex(text), "little") for text in (destination, mask)]
            networks.append(ipaddress.ip_network((numbers[0], numbers[1].bit_count())))
    return [network for network in networks if isinstance(network, ipaddress.IPv4Network)]


def _unused(candidate: Addresses, routed: list[ipaddress.IPv4Network]) -> bool:
    if any(candidate.network.overlaps(network) for network in routed):
        return False
    for port in (candidate.api_port, *candidate.etcd_ports):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
