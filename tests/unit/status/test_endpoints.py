from typing import Any

import pytest

from datalake_operator.status.endpoints import endpoints
from tests.unit.status.conftest import MakeNode, MakeView, pod

INSIDE = {"root": "root://cache.demo.svc:1094", "http": "http://cache.demo.svc:8080"}
BEFORE = {"endpoints": {"root": "root://192.0.2.1:31094", "http": "http://192.0.2.1:31080"}}
NODE_PORTS = {"spec": {"ports": [{"name": "root", "nodePort": 31094}, {"name": "http", "nodePort": 31080}]}}


def balancer(**address: str) -> dict[str, Any]:
    return {"status": {"loadBalancer": {"ingress": [address]}}}


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str]]] = {
    "inside the cluster": ({}, {}, INSIDE),
    "a name of the user's own": (
        {"externalHostname": "x.example.org"},
        {},
        {"root": "root://x.example.org:1094", "http": "http://x.example.org:8080"},
    ),
    "a load balancer with a name": (
        {"serviceType": "LoadBalancer"},
        balancer(hostname="lb.example.org"),
        {"root": "root://lb.example.org:1094", "http": "http://lb.example.org:8080"},
    ),
    "a load balancer with an address": (
        {"serviceType": "LoadBalancer"},
        balancer(ip="2001:db8::9"),
        {"root": "root://[2001:db8::9]:1094", "http": "http://[2001:db8::9]:8080"},
    ),
    "a load balancer behind a name of the user's own": (
        {"serviceType": "LoadBalancer", "externalHostname": "x.example.org"},
        balancer(ip="192.0.2.9"),
        {"root": "root://x.example.org:1094", "http": "http://x.example.org:8080"},
    ),
    "a load balancer that is not there yet": ({"serviceType": "LoadBalancer"}, {}, {}),
    "ports of the nodes": (
        {"serviceType": "NodePort"},
        NODE_PORTS,
        {"root": "root://192.0.2.7:31094", "http": "http://192.0.2.7:31080"},
    ),
    "ports of the nodes behind a name": (
        {"serviceType": "NodePort", "externalHostname": "nodes.example.org"},
        NODE_PORTS,
        {"root": "root://nodes.example.org:31094", "http": "http://nodes.example.org:31080"},
    ),
    "ports that are not given yet": ({"serviceType": "NodePort"}, {"spec": {"ports": [{"name": "root"}]}}, {}),
}


@pytest.mark.parametrize(("network", "service", "expected"), CASES.values(), ids=CASES)
def test_the_address_is_the_one_for_the_farthest_clients(
    node: MakeNode, view: MakeView, network: dict[str, Any], service: dict[str, Any], expected: dict[str, str]
) -> None:
    seen = view(pods=(pod(hostIP="192.0.2.7"),))
    seen.children[("Service", "cache")] = service  # type: ignore[index]
    assert endpoints(node(network=network), seen) == expected


def test_while_an_address_is_not_known_what_was_said_before_stands(node: MakeNode, view: MakeView) -> None:
    cache = node(network={"serviceType": "NodePort"})
    assert endpoints(cache, view(pods=(), previous=BEFORE)) == BEFORE["endpoints"]


def test_a_protocol_that_is_off_has_no_address(node: MakeNode, view: MakeView) -> None:
    off = {"http": {"enabled": False}}
    cache = node(network={"serviceType": "NodePort"}, protocols=off)
    assert endpoints(cache, view(pods=(), previous=BEFORE)) == {"root": "root://192.0.2.1:31094"}
    seen = view(pods=(pod(hostIP="192.0.2.7"),))
    seen.children[("Service", "cache")] = {"spec": {"ports": [{"name": "root", "nodePort": 31094}]}}  # type: ignore[index]
    assert endpoints(cache, seen) == {"root": "root://192.0.2.7:31094"}
