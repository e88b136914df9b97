"""Services of a cache, and the PodMonitor."""

from collections.abc import Mapping
from typing import Any

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import names


def client_service(node: XCacheNode, metadata: Mapping[str, Any], selector: Mapping[str, str]) -> dict[str, Any]:
    """The Service that clients use, named as the resource. Sends only to a ready cache."""
    network = node.spec.network
    fixed = {"root": network.node_ports.root, "http": network.node_ports.http}
    ports = [port | ({"nodePort": fixed[port["name"]]} if fixed[port["name"]] else {}) for port in _ports(node)]
    spec: dict[str, Any] = {"type": network.service_type, **_families(node), "selector": dict(selector), "ports": ports}
    if network.load_balancer_source_ranges:
        spec["loadBalancerSourceRanges"] = list(network.load_balancer_source_ranges)
    annotations = {"annotations": dict(network.annotations)} if network.annotations else {}
    return _service({**metadata, **annotations}, node.metadata.name, spec)


def pod_service(node: XCacheNode, metadata: Mapping[str, Any], selector: Mapping[str, str]) -> dict[str, Any]:
    """The headless Service that gives the pod its name in DNS, ready or not."""
    spec = {
        "clusterIP": "None",
        **_families(node),
        "publishNotReadyAddresses": True,
        "selector": dict(selector),
        "ports": _ports(node),
    }
    return _service(metadata, names.pods(node.metadata.name), spec)


def _families(node: XCacheNode) -> dict[str, Any]:
    network = node.spec.network
    wanted = {"ipFamilies": list(network.ip_families)} if network.ip_families else {}
    return {"ipFamilyPolicy": network.ip_family_policy, **wanted}


def pod_monitor(
    node: XCacheNode, metadata: Mapping[str, Any], selector: Mapping[str, str], *, port: str
) -> dict[str, Any]:
    """Asks Prometheus to scrape the exporter."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {**metadata, "name": node.metadata.name},
        "spec": {
            "selector": {"matchLabels": dict(selector)},
            "podMetricsEndpoints": [{"port": port, "honorLabels": True}],
        },
    }


def _service(metadata: Mapping[str, Any], name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {**metadata, "name": name}, "spec": spec}


def _ports(node: XCacheNode) -> list[dict[str, Any]]:
    protocols = node.spec.protocols
    ports = [("root", protocols.root.port)]
    if protocols.http.enabled:
        ports.append(("http", protocols.http.port))
    return [{"name": name, "port": port, "protocol": "TCP", "targetPort": name} for name, port in ports]
