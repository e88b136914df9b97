"""How clients, evictions and Prometheus reach the pods."""

from collections.abc import Mapping
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.labels import COMPONENT
from datalake_operator.build.rucio import called
from datalake_operator.build.rucio.pods import chosen

Manifest = dict[str, Any]


def service(server: RucioServer, metadata: Mapping[str, Any], name: str, component: str) -> Manifest:
    """A Service of servers."""
    wanted = server.spec.service
    annotations = {"annotations": dict(wanted.annotations)} if wanted.annotations else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**metadata, **annotations, "name": name},
        "spec": {
            "type": wanted.type,
            "ipFamilyPolicy": wanted.ip_family_policy,
            "selector": chosen(server, component),
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}],
        },
    }


def ingress(server: RucioServer, metadata: Mapping[str, Any]) -> Manifest | None:
    """The way in from outside, where there is one. Health and metrics have ports of their own, so stay inside."""
    wanted, name = server.spec.ingress, server.metadata.name
    if wanted is None:
        return None
    paths = [_path("/", called.server_service(name))]
    if server.spec.auth_server.separate:
        paths.insert(0, _path("/auth", called.auth_service(name)))
    secret = {"secretName": wanted.tls_secret_name} if wanted.tls_secret_name else {}
    annotations = {"annotations": dict(wanted.annotations)} if wanted.annotations else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {**metadata, **annotations, "name": called.ingress(name)},
        "spec": {
            **({"ingressClassName": wanted.class_name} if wanted.class_name else {}),
            "rules": [{"host": wanted.host, "http": {"paths": paths}}],
            "tls": [{"hosts": [wanted.host], **secret}],
        },
    }


def disruption_budget(server: RucioServer, metadata: Mapping[str, Any]) -> Manifest:
    """Lets one server pod be evicted at a time, and broken ones always."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {**metadata, "name": called.server(server.metadata.name)},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": chosen(server, called.SERVER)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def pod_monitors(server: RucioServer, metadata: Mapping[str, Any]) -> tuple[Manifest, ...]:
    """Ask Prometheus to scrape servers and daemons; series carry the component, so the daemon instance."""
    name = server.metadata.name
    everywhere = {label: value for label, value in chosen(server, "").items() if not label.endswith("/component")}
    served = {"key": COMPONENT, "operator": "In", "values": [called.AUTH, called.SERVER]}
    selectors = {
        called.server(name): {"matchLabels": everywhere, "matchExpressions": [served]},
        called.daemons(name): {"matchLabels": everywhere | {called.ROLE: called.DAEMON}},
    }
    return tuple(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PodMonitor",
            "metadata": {**metadata, "name": monitor},
            "spec": {
                "selector": selector,
                "podTargetLabels": [COMPONENT],
                "podMetricsEndpoints": [{"port": "metrics", "honorLabels": True}],
            },
        }
        for monitor, selector in selectors.items()
    )


def _path(path: str, service_name: str) -> Manifest:
    backend = {"service": {"name": service_name, "port": {"name": "http"}}}
    return {"path": path, "pathType": "Prefix", "backend": backend}
