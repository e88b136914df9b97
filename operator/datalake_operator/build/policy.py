"""The NetworkPolicy around a cache's pod."""

from collections.abc import Iterable, Mapping
from typing import Any

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build.config import EXPORTER_PORT

_NAMESPACE = "kubernetes.io/metadata.name"
"""Label that the API server gives every namespace: its name."""


def network_policy(
    node: XCacheNode, metadata: Mapping[str, Any], selector: Mapping[str, str], watchers: Iterable[str]
) -> dict[str, Any]:
    """Let clients reach the pod's ports for them, and only the watchers its exporter.

    What the pod may reach is restricted only where `originCIDRs` says so, since origins redirect to their disk servers.

    Args:
        node: the cache.
        metadata: labels and owner.
        selector: labels of the pod.
        watchers: namespaces of whoever reads the exporter: the operator's, and those of monitoring.
    """
    policy, protocols = node.spec.network.policy, node.spec.protocols
    client_ports = [protocols.root.port, *([protocols.http.port] if protocols.http.enabled else [])]
    clients = {"from": _networks(policy.allowed_cidrs)} if policy.allowed_cidrs else {}
    there = {"key": _NAMESPACE, "operator": "In", "values": sorted(set(watchers))}
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": dict(selector)},
        "policyTypes": ["Ingress"],
        "ingress": [
            {**clients, "ports": _ports("TCP", client_ports)},
            {"from": [{"namespaceSelector": {"matchExpressions": [there]}}], "ports": _ports("TCP", [EXPORTER_PORT])},
        ],
    }
    if policy.origin_cidrs:
        spec["policyTypes"].append("Egress")
        spec["egress"] = _egress(node)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {**metadata, "name": node.metadata.name},
        "spec": spec,
    }


def _egress(node: XCacheNode) -> list[dict[str, Any]]:
    """The origins, DNS wherever it is answered, and the ports of collectors, whose addresses only DNS knows."""
    collectors = sorted({collector.port for collector in node.spec.monitoring.forward_to})
    return [
        {"to": _networks(node.spec.network.policy.origin_cidrs)},
        {"ports": [*_ports("UDP", [53]), *_ports("TCP", [53])]},
        *([{"ports": _ports("UDP", collectors)}] if collectors else []),
    ]


def _networks(cidrs: Iterable[str]) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _ports(protocol: str, numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [{"protocol": protocol, "port": number} for number in numbers]
