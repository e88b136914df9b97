from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.problems import InvalidResource
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context
from datalake_operator.build.xcache import build
from tests.unit.build.conftest import MakeNode
from tests.unit.build.specs import FULL


def child(node: XCacheNode, context: Context, kind: str, name: str = "cache") -> dict[str, Any]:
    (found,) = (one for one in build(node, context) if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def test_an_open_policy_fences_the_exporter_and_nothing_else(node: MakeNode, context: Context) -> None:
    spec = child(node(network={"policy": {"enabled": True}}), context, "NetworkPolicy")["spec"]
    clients, watchers = spec["ingress"]
    assert clients == {"ports": [{"protocol": "TCP", "port": 1094}, {"protocol": "TCP", "port": 8080}]}
    assert watchers["ports"] == [{"protocol": "TCP", "port": 9931}]
    (peer,) = watchers["from"]
    assert peer["namespaceSelector"]["matchExpressions"] == [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["datalake-system", "monitoring"]}
    ]
    assert "egress" not in spec
    assert spec["policyTypes"] == ["Ingress"]


def test_the_policy_selects_the_pods_of_the_workload(node: MakeNode, context: Context) -> None:
    made = node(network={"policy": {"enabled": True}})
    labels = child(made, context, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    selected = child(made, context, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    assert selected.items() <= labels.items()


def test_without_being_asked_for_there_is_no_policy(node: MakeNode, context: Context) -> None:
    assert "NetworkPolicy" not in {one["kind"] for one in build(node(), context)}


def test_a_protocol_that_is_off_has_no_port_anywhere(node: MakeNode, context: Context) -> None:
    network = {"serviceType": "NodePort", "nodePorts": {"root": 31094, "http": 31080}, "policy": {"enabled": True}}
    made = node(network=network, protocols={"http": {"enabled": False}})
    (port,) = child(made, context, "Service")["spec"]["ports"]
    assert (port["name"], port["nodePort"]) == ("root", 31094)
    assert child(made, context, "NetworkPolicy")["spec"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 1094}]


def test_both_services_have_the_families_that_were_asked_for(node: MakeNode, context: Context) -> None:
    network = {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}
    for name in ("cache", "cache-pods"):
        spec = child(node(network=network), context, "Service", name)["spec"]
        assert (spec["ipFamilyPolicy"], spec["ipFamilies"]) == ("RequireDualStack", ["IPv6", "IPv4"])


def test_only_the_server_is_told_its_own_name(node: MakeNode, context: Context) -> None:
    made = node(network={"externalHostname": "xcache.example.org"})
    pod = child(made, context, "StatefulSet")["spec"]["template"]["spec"]
    told = {
        container["name"]: {entry["value"] for entry in container["env"] if entry["name"] == "XRDNET_IDENTITY"}
        for container in (*pod["initContainers"], *pod["containers"])
    }
    assert told == {"prepare": set(), "exporter": set(), "xrootd": {"xcache.example.org"}}


@pytest.mark.parametrize(
    "key", ["", "a b", "a/b/c", "/a", "a/", "-a", "a-", "A.example/x", "a\n", "x" * 64, "datalake.projectescape.eu/x"]
)
def test_a_bad_key_of_an_annotation_is_refused(key: str) -> None:
    with pytest.raises(InvalidResource, match=r"network\.annotations"):
        parse({**FULL, "spec": {**FULL["spec"], "network": {"annotations": {key: "x"}}}})


@pytest.mark.parametrize(
    "key", ["a", "A_b.c-d", "example.org/a", "x" * 63, "service.beta.kubernetes.io/aws-load-balancer-type"]
)
def test_a_good_key_of_an_annotation_is_taken(node: MakeNode, context: Context, key: str) -> None:
    made = node(network={"annotations": {key: "x"}})
    assert child(made, context, "Service")["metadata"]["annotations"] == {key: "x"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1", "::", "0:0:0:0:0:0:0:1"])
def test_packets_never_go_round_in_the_pod(host: str) -> None:
    forward = [{"name": "a", "host": host, "port": 9931}]
    with pytest.raises(InvalidResource, match=r"forwardTo\[0\]\.host: is the cache's own pod"):
        parse({**FULL, "spec": {**FULL["spec"], "monitoring": {"forwardTo": forward}}})
