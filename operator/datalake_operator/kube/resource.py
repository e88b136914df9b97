"""Kinds of the Kubernetes API that the operator touches, and where they live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GROUP = "datalake.projectescape.eu"


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of the API, as its paths and manifests spell it.

    Attributes:
        group: API group, empty for the core group.
        version: API version, such as `v1`.
        plural: name in paths, such as `statefulsets`.
        kind: name in manifests, such as `StatefulSet`.
        namespaced: whether objects live in namespaces.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`group/version`, or the bare version in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the URL path of the collection, of one object, or of its subresource.

        Args:
            namespace: of the object; None means cluster-wide.
            name: None means the collection.
            subresource: such as `status`; needs a name.
        """
        parts = ["/apis", self.group] if self.group else ["/api"]
        parts.append(self.version)
        if namespace is not None and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part is not None]
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


XCACHE_NODES = Resource(GROUP, "v1alpha1", "xcachenodes", "XCacheNode")
RUCIO_SERVERS = Resource(GROUP, "v1alpha1", "rucioservers", "RucioServer")
QOS_PROBES = Resource(GROUP, "v1alpha1", "qosprobes", "QoSProbe")
CUSTOM_RESOURCES = (RUCIO_SERVERS, XCACHE_NODES, QOS_PROBES)
"""The kinds that the operator serves."""

CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
EVENTS = Resource("", "v1", "events", "Event")
PODS = Resource("", "v1", "pods", "Pod")
SECRETS = Resource("", "v1", "secrets", "Secret")
SERVICES = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
INGRESSES = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
JOBS = Resource("batch", "v1", "jobs", "Job")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
POD_DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
POD_MONITORS = Resource("monitoring.coreos.com", "v1", "podmonitors", "PodMonitor")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")

_KNOWN = {(value.api_version, value.kind): value for value in tuple(globals().values()) if isinstance(value, Resource)}


def of(manifest: Mapping[str, Any]) -> Resource:
    """Return the kind of a manifest.

    Raises:
        LookupError: the manifest is of a kind that the operator does not know.
    """
    key = (manifest.get("apiVersion"), manifest.get("kind"))
    try:
        return _KNOWN[key]  # type: ignore[index]  # a missing field is simply not found
    except KeyError:
        raise LookupError(f"unknown kind {key[1]!r} of apiVersion {key[0]!r}") from None
