"""Services of every type, and the NetworkPolicy, on a real API server."""

from typing import Any

import pytest

from tests.support.client import Object
from tests.support.lab import Lab
from tests.support.waiting import eventually

with_pods = pytest.mark.usefixtures("kubelet")


async def service(lab: Lab) -> Object:
    return await lab.admin.get("Service", "x", lab.namespace)


async def becomes(lab: Lab, type_: str, network: dict[str, Any]) -> Object:
    """Change the network and wait until the Service is of that type; return its spec."""
    await lab.change({"spec": {"network": network}})

    async def is_so() -> Object | None:
        spec: Object = (await service(lab))["spec"]
        return spec if spec["type"] == type_ else None

    spec = await eventually(is_so)
    assert spec is not None
    return spec


@with_pods
async def test_a_service_goes_through_every_type_and_back_and_status_tells_the_address(lab: Lab) -> None:
    await lab.operator()
    await lab.create()
    inside = f"root://x.{lab.namespace}.svc:1094"
    await lab.until(lambda body: body["status"].get("endpoints", {}).get("root") == inside)
    template = (await lab.admin.get("StatefulSet", "x", lab.namespace))["spec"]["template"]

    nodes = {"serviceType": "NodePort", "externalHostname": None}
    spec = await becomes(lab, "NodePort", nodes)
    given = {port["name"]: port["nodePort"] for port in spec["ports"]}
    assert given.keys() == {"root", "http"}

    balanced = {"serviceType": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24"]}
    spec = await becomes(lab, "LoadBalancer", balanced)
    assert spec["loadBalancerSourceRanges"] == ["192.0.2.0/24"]
    address = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
    await lab.admin.patch("Service", "x", lab.namespace, address, "status")
    await lab.until(lambda body: body["status"]["endpoints"]["root"] == "root://192.0.2.7:1094")

    spec = await becomes(lab, "ClusterIP", {"serviceType": "ClusterIP", "loadBalancerSourceRanges": []})
    assert "loadBalancerSourceRanges" not in spec
    assert not any("nodePort" in port for port in spec["ports"])
    await lab.until(lambda body: body["status"]["endpoints"]["root"] == inside)
    await lab.ready()
    assert (await lab.admin.get("StatefulSet", "x", lab.namespace))["spec"]["template"] == template


@with_pods
async def test_a_policy_comes_goes_and_keeps_its_peers(lab: Lab) -> None:
    await lab.operator(monitoring_namespaces="monitoring")
    await lab.create(network={"policy": {"enabled": True, "allowedCIDRs": ["192.0.2.0/24"]}})

    async def peers() -> Any:
        ingress = (await lab.admin.get("NetworkPolicy", "x", lab.namespace))["spec"]["ingress"]
        return ingress[0]["from"], ingress[1]["from"][0]["namespaceSelector"]["matchExpressions"][0]["values"]

    await lab.ready()
    await lab.quiet()
    good = await peers()
    assert good == ([{"ipBlock": {"cidr": "192.0.2.0/24"}}], sorted(["monitoring", lab.namespace]))
    open_to_all = [{"op": "add", "path": "/spec/ingress/0/from/-", "value": {"ipBlock": {"cidr": "0.0.0.0/0"}}}]
    where = f"/apis/networking.k8s.io/v1/namespaces/{lab.namespace}/networkpolicies/x"
    await lab.admin.request("PATCH", where, open_to_all, "application/json-patch+json")

    async def repaired() -> bool:
        return bool(await peers() == good)

    await eventually(repaired)
    await lab.change({"spec": {"network": {"policy": {"enabled": False}}}})

    async def gone() -> bool:
        return await lab.admin.find("NetworkPolicy", "x", lab.namespace) is None

    await eventually(gone)
