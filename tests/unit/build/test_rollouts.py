"""Which change of which field replaces the pod: only one that it would not heed otherwise."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from datalake_operator.api.parse import parse
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context
from datalake_operator.build.xcache import build
from tests.support.mutation import full, put

Path = tuple[str | int, ...]

ROLLS: dict[str, Any] = {
    "site": "OTHER",
    "image.repository": "other.example.org/xcache",
    "image.digest": "sha256:" + "1" * 64,
    "image.pullPolicy": "Never",
    "image.pullSecrets.0.name": "other",
    "origin.url": "root://other.example.org:1094",
    "origin.connectTimeout": "11s",
    "origin.retries": 2,
    "origin.requestTimeout": "31s",
    "exports.0": "/other",
    "exports.1": "/other",
    "storage.data.0.name": "z0",
    "storage.data.0.claim.size": "11Gi",  # once the volume has grown: XRootD learns its size when it starts
    "storage.data.1.name": "z1",
    "storage.data.1.existingClaim.name": "other",
    "storage.data.2.name": "z2",
    "storage.data.2.ephemeral.sizeLimit": "21Gi",
    "storage.meta.claim.size": "2Gi",
    "storage.watermarks.lowPercent": 80,
    "storage.watermarks.highPercent": 96,
    "storage.maxCacheSize": "7Gi",
    "storage.purgeInterval": "6m",
    "storage.coldFiles.age": "169h",
    "storage.coldFiles.everyPurges": 2,
    "cache.blockSize": "2Mi",
    "cache.prefetchBlocks": 21,
    "cache.ram": "2Gi",
    "cache.writeQueue.blocks": 17,
    "cache.writeQueue.threads": 5,
    "cache.passChecksums": False,
    "protocols.root.port": 1095,
    "protocols.http.enabled": False,
    "protocols.http.port": 8081,
    "network.externalHostname": "other.example.org",
    "monitoring.exporter.resources": {"requests": {"cpu": "11m"}},
    "monitoring.dirStats.interval": "5m",
    "monitoring.dirStats.depth": 3,
    "monitoring.forwardTo.0.stream": "summary",
    "monitoring.forwardTo.0.host": "other.example.org",
    "monitoring.forwardTo.0.port": 9001,
    "drain.timeout": "11m",
    "startupTimeout": "31m",
    "resources": {"limits": {"memory": "5Gi"}},
    "nodeSelector": {"disk": "fast"},
    "tolerations": [],
    "affinity": {},
    "priorityClassName": "other",
    "extraConfig.0": "pfc.trace debug",
}
STAYS: dict[str, Any] = {
    "suspend": True,
    "image.tag": "5.8.2-1",  # a digest wins
    "network.serviceType": "NodePort",
    "network.ipFamilyPolicy": "RequireDualStack",
    "network.ipFamilies": ["IPv4"],
    "network.nodePorts.root": 31095,
    "network.nodePorts.http": 31081,
    "network.loadBalancerSourceRanges.0": "203.0.113.0/24",
    "network.loadBalancerSourceRanges.1": "203.0.113.0/24",
    "network.annotations": {"other": "1"},
    "network.policy.enabled": False,
    "network.policy.allowedCIDRs.0": "203.0.113.0/24",
    "network.policy.originCIDRs.0": "203.0.113.0/24",
    "monitoring.podMonitor": False,
    "monitoring.forwardTo.0.name": "other",
    "deletionPolicy": "Delete",
}
SAME: dict[str, Any] = {
    "origin.connectTimeout": "10000ms",
    "storage.maxCacheSize": 8 * 2**30,
    "storage.data.0.claim.size": "10240Mi",
    "storage.coldFiles.age": "10080m",
    "cache.blockSize": "1024Ki",
    "cache.ram": "1024Mi",
    "drain.timeout": "600s",
    "resources": {"limits": {"memory": "4096Mi"}, "requests": {"cpu": "0.5"}},
}
"""Said in other words."""
FIXED = {
    "storage.data.0.claim.storageClassName",
    "storage.data.0.claim.accessMode",
    "storage.meta.claim.accessMode",
    "auth.clients.anonymous",
    "auth.origin.anonymous",
}
"""Fields that cannot change."""
WHOLE = {
    *("monitoring.exporter.resources", "resources", "nodeSelector", "tolerations", "affinity"),
    *("network.annotations", "network.ipFamilies"),
}
"""Fields whose parts are not told apart here."""


def template(body: dict[str, Any], context: Context) -> Any:
    node = parse(body)
    assert isinstance(node, XCacheNode)
    return build(node, context)[-1]["spec"]["template"]


def changed(field: str, value: Any) -> dict[str, Any]:
    (body,) = full("XCacheNode")
    path = tuple(int(step) if step.isdecimal() else step for step in field.split("."))
    body = copy.deepcopy(body)
    if field == "network.serviceType":
        body["spec"]["network"]["loadBalancerSourceRanges"] = []
    assert put(body["spec"], path, value)
    return body


@pytest.mark.parametrize(("field", "value"), ROLLS.items(), ids=ROLLS)
def test_what_the_pod_would_not_heed_otherwise_replaces_it(context: Context, field: str, value: Any) -> None:
    (body,) = full("XCacheNode")
    assert template(changed(field, value), context) != template(body, context)


@pytest.mark.parametrize(("field", "value"), STAYS.items(), ids=STAYS)
def test_what_needs_no_restart_leaves_the_pod_alone(context: Context, field: str, value: Any) -> None:
    (body,) = full("XCacheNode")
    assert template(changed(field, value), context) == template(body, context)


@pytest.mark.parametrize(("field", "value"), SAME.items(), ids=SAME)
def test_the_same_in_other_words_leaves_the_pod_alone(context: Context, field: str, value: Any) -> None:
    (body,) = full("XCacheNode")
    assert template(changed(field, value), context) == template(body, context)


def test_a_volume_more_or_less_replaces_the_pod_once(context: Context) -> None:
    (body,) = full("XCacheNode")
    more = [*body["spec"]["storage"]["data"], {"name": "d3", "claim": {"size": "10Gi"}}]
    assert template(changed("storage.data", more), context) != template(body, context)
    assert template(changed("storage.data", more[:2]), context) != template(body, context)


def test_every_field_is_in_one_of_the_tables() -> None:
    (body,) = full("XCacheNode")
    assert sorted([*ROLLS, *STAYS, *FIXED]) == sorted(leaves(body["spec"]))


def leaves(value: Any, path: str = "") -> Iterator[str]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if path in WHOLE or not isinstance(value, dict | list):
        yield path
    else:
        for step, child in steps:
            yield from leaves(child, f"{path}.{step}" if path else str(step))
