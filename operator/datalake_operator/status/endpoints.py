"""Where clients find a cache: the address that is good for the farthest of those that its Service serves."""

from collections.abc import Mapping
from typing import Any

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.status.view import View

SCHEMES = {"root": "root", "http": "http"}
"""Port of the Service: scheme of its URL."""


def endpoints(node: XCacheNode, view: View) -> dict[str, str]:
    """Give the URL of each protocol.

    That is the Service's name inside the cluster, or with the other types `externalHostname`, the load balancer's
    address, or the address of the pod's node. While such an address is not known, what was said before stands.
    """
    network, name = node.spec.network, node.metadata.name
    service = view.children.get(("Service", name), {})
    if network.service_type == "ClusterIP":
        inside = f"{name}.{node.metadata.namespace}.svc"
        return _urls(network.external_hostname or inside, _ports(node))
    if network.service_type == "LoadBalancer":
        host, ports = network.external_hostname or _load_balancer(service), _ports(node)
    else:
        host, ports = network.external_hostname or _node(node, view), _node_ports(node, service)
    if not host or not ports:
        before = view.previous.get("endpoints") or {}
        return {name: before[name] for name in _ports(node) if name in before}
    return _urls(host, ports)


def _urls(host: str, ports: Mapping[str, int]) -> dict[str, str]:
    shown = f"[{host}]" if ":" in host else host
    return {name: f"{SCHEMES[name]}://{shown}:{port}" for name, port in ports.items()}


def _ports(node: XCacheNode) -> dict[str, int]:
    protocols = node.spec.protocols
    http = {"http": protocols.http.port} if protocols.http.enabled else {}
    return {"root": protocols.root.port, **http}


def _node_ports(node: XCacheNode, service: Mapping[str, Any]) -> dict[str, int]:
    """The node port of each protocol; nothing as long as one of them is not allocated."""
    given = {port.get("name"): port.get("nodePort") for port in service.get("spec", {}).get("ports", ())}
    found = {name: given[name] for name in _ports(node) if given.get(name)}
    return found if found.keys() == _ports(node).keys() else {}


def _load_balancer(service: Mapping[str, Any]) -> str | None:
    addresses = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    address: str | None = addresses[0].get("hostname") or addresses[0].get("ip")
    return address


def _node(node: XCacheNode, view: View) -> str | None:
    """Address of the node that the pod runs on; every other node of the cluster would do as well."""
    pod = next((pod for pod in view.pods if pod["metadata"]["name"] == f"{node.metadata.name}-0"), {})
    address: str | None = pod.get("status", {}).get("hostIP")
    return address
