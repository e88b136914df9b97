"""Faults between pods, and of the cluster's DNS: made in the node's own network, so only where the node is ours."""

import pytest

from tests.cluster import Cluster, binaries, processes
from tests.cluster.node import Node

# Before the rules of the proxy's filter, and after addresses of Services have become those of pods.
_RULES = """
table ip {table} {{
    chain forward {{
        type filter hook forward priority 5;
        {rules}
    }}
}}
"""


def node_of(cluster: Cluster) -> Node:
    """The node, where it is ours; skips the test elsewhere."""
    if not isinstance(cluster, Node):
        pytest.skip("links can be cut and the DNS be stopped only on a node of ours")
    return cluster


def cut(cluster: Cluster, name: str, *, target: str, source: str = "", ports: tuple[int, ...]) -> None:
    """Refuse TCP connections to ports of a pod, from one other pod or from all; what is open ends too.

    Args:
        cluster: Where.
        name: Of this cut.
        target: Address of the pod that cannot be reached.
        source: Address of the pod that cannot reach it; empty: no pod can.
        ports: Of the target.
    """
    origin = f"ip saddr {source} " if source else ""
    listed = ", ".join(map(str, ports))
    rule = f"{origin}ip daddr {target} tcp dport {{ {listed} }} reject with tcp reset"
    _inside(cluster, "nft", _RULES.format(table=name, rules=rule))


def mend(cluster: Cluster, name: str) -> None:
    """Undo a cut."""
    _inside(cluster, "nft", "delete", "table", "ip", name)


def stop_dns(cluster: Cluster) -> None:
    """End the DNS server: whoever asks gets no answer."""
    processes.end(node_of(cluster).run_dir, "dns")


def start_dns(cluster: Cluster) -> None:
    """Start it again, and wait until it answers."""
    node = node_of(cluster)
    node._launch("dns", [binaries.path("dns"), "-conf", node.run_dir / "Corefile"])
    node._await("dns", node._dns_listens, "DNS", seconds=60)


def _inside(cluster: Cluster, *command: str) -> None:
    node_of(cluster).namespaces._inside(*command)
