"""From an XCacheNode to its children."""

from typing import Any

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import names, services
from datalake_operator.build.config import xrootd_cfg
from datalake_operator.build.context import Context
from datalake_operator.build.image import image_reference, image_version
from datalake_operator.build.labels import labels, owner, selector, stable_labels
from datalake_operator.build.pod import pod_spec
from datalake_operator.build.policy import network_policy
from datalake_operator.build.storage import claim_sizes, claims

APP = "xcache"
"""Value of app.kubernetes.io/name on all children."""

COMPONENT = "cache"
"""Value of app.kubernetes.io/component on all children."""


def build(node: XCacheNode, context: Context) -> tuple[dict[str, Any], ...]:
    """Give the desired children in the order in which they are applied.

    What is mounted comes before what mounts it, and claims before all: where one of them is refused nothing else is
    written. Nothing is refused here: what XRootD would refuse at start, the schema refuses already.
    """
    name = node.metadata.name
    image = image_reference(node.spec.image, context.xcache_image)
    all_labels = labels(APP, name, COMPONENT, image_version(image))
    ownership = owner("XCacheNode", name, node.metadata.uid)
    metadata = {"namespace": node.metadata.namespace, "labels": all_labels, "ownerReferences": [ownership]}
    chosen = selector(APP, name, COMPONENT)

    config = {"xrootd.cfg": xrootd_cfg(node)}
    config_name = names.hashed(name, config)
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {**metadata, "name": name},
        "automountServiceAccountToken": False,
    }
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**metadata, "name": config_name},
        "immutable": True,
        "data": config,
    }
    monitors = (
        [services.pod_monitor(node, metadata, chosen, port="metrics")]
        if context.pod_monitor and node.spec.monitoring.pod_monitor
        else []
    )
    watchers = (context.operator_namespace, *context.monitoring_namespaces)
    policies = [network_policy(node, metadata, chosen, watchers)] if node.spec.network.policy.enabled else []
    sizes = claim_sizes(node)
    workload = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {**metadata, "name": name},
        "spec": {
            "replicas": 1,
            "podManagementPolicy": "Parallel",
            "serviceName": names.pods(name),
            "selector": {"matchLabels": chosen},
            "template": {
                "metadata": {
                    "labels": stable_labels(APP, name, COMPONENT),
                    **({"annotations": sizes} if sizes else {}),
                },
                "spec": pod_spec(node, image, config_name, name),
            },
        },
    }
    return (
        *claims(node, all_labels, ownership),
        account,
        config_map,
        services.client_service(node, metadata, chosen),
        services.pod_service(node, metadata, chosen),
        *policies,
        *monitors,
        workload,
    )
