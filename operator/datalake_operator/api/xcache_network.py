"""How clients reach an XCacheNode, and how it is watched."""

import re
from ipaddress import ip_network
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.common import Annotations, Resources
from datalake_operator.api.meta import ATOMIC, MAP_BY_NAME, SET, DnsLabel, DnsName, Host, Items, Model, Port
from datalake_operator.api.rules import check, matching, rule

EXPORTER_PORT = 9931


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


CIDR: TypeAlias = Annotated[
    str,
    Field(max_length=49),
    matching(
        r"(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}/(3[0-2]|[12]?[0-9])"
        "|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/(12[0-8]|1[01][0-9]|[1-9]?[0-9])",
        "must be a CIDR",
        mend="e.g. 192.0.2.0/24 or 2001:db8::/32",
    ),
    check("is not a network", _is_network, mend="e.g. 192.0.2.0/24 or 2001:db8::/32"),
]

ServerPort: TypeAlias = Annotated[
    int,
    Field(ge=1024, le=65535),
    rule(
        f"self != {EXPORTER_PORT}",
        f"{EXPORTER_PORT} is the exporter's port",
        lambda port: port != EXPORTER_PORT,
        mend="choose another port",
    ),
]


class RootProtocol(Model):
    """The root protocol."""

    port: ServerPort = 1094
    """TCP port, 1024 to 65535. 1094 by default."""


class HttpProtocol(Model):
    """Plain HTTP."""

    enabled: bool = True
    """Whether HTTP is served beside root. True by default."""
    port: ServerPort = 8080
    """TCP port, 1024 to 65535. 8080 by default."""


class Protocols(Model):
    """What clients may speak."""

    root: RootProtocol = Field(default_factory=RootProtocol)
    """The root protocol, always on."""
    http: HttpProtocol = Field(default_factory=HttpProtocol)
    """Plain HTTP, on by default. HTTPS comes with TLS."""


NodePort: TypeAlias = Annotated[int, Field(ge=1, le=65535)]


class NodePorts(Model):
    """Fixed node ports; what is not said the cluster chooses."""

    root: NodePort | None = None
    """Node port of the root protocol."""
    http: NodePort | None = None
    """Node port of HTTP."""


class NetworkPolicy(Model):
    """A NetworkPolicy around the pod."""

    enabled: bool = False
    """Whether to make one. Off by default: not every cluster enforces them."""
    allowed_cidrs: Annotated[Items[CIDR], Field(max_length=64, alias="allowedCIDRs"), SET] = ()
    """Networks that may reach the client ports. Empty: all."""
    origin_cidrs: Annotated[Items[CIDR], Field(max_length=64, alias="originCIDRs"), SET] = ()
    """Networks that the cache may reach. Empty: all, since origins redirect to their disk servers."""


class Network(Model):
    """The Service that clients use."""

    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    """Type of the Service for clients. ClusterIP by default: clients inside the cluster only."""
    ip_family_policy: Literal["SingleStack", "PreferDualStack", "RequireDualStack"] = "PreferDualStack"
    """IP families of the Service. PreferDualStack by default: both where the cluster has both."""
    ip_families: Annotated[Items[Literal["IPv4", "IPv6"]], Field(max_length=2), ATOMIC] = ()
    """Families in the order of preference. Empty: the cluster's own order."""
    node_ports: NodePorts = Field(default_factory=NodePorts)
    """Fixed node ports, with serviceType NodePort or LoadBalancer."""
    load_balancer_source_ranges: Annotated[Items[CIDR], Field(max_length=64), SET] = ()
    """Networks that may use the load balancer, with serviceType LoadBalancer. Empty: all."""
    external_hostname: DnsName | None = None
    """Name by which clients outside the cluster reach the cache; XRootD tells it to them."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Service for clients, e.g. for a load balancer or external-dns."""
    policy: NetworkPolicy = Field(default_factory=NetworkPolicy)
    """A NetworkPolicy around the pod."""


def _families_fit(spec: Any) -> bool:
    families = spec.network.ip_families
    return len(families) < 2 or (spec.network.ip_family_policy != "SingleStack" and families[0] != families[1])


# They stand at the spec and not at their own objects: the API server checks the default {} of an object against its
# rules before it fills in the defaults of its fields.
SPEC_RULES = (
    rule(
        "!self.protocols.http.enabled || self.protocols.http.port != self.protocols.root.port",
        "must differ from root.port",
        lambda spec: not spec.protocols.http.enabled or spec.protocols.http.port != spec.protocols.root.port,
        mend="choose another port",
        at=".protocols.http.port",
    ),
    rule(
        "self.network.serviceType != 'ClusterIP' || "
        "!(has(self.network.nodePorts.root) || has(self.network.nodePorts.http))",
        "nodePorts need serviceType NodePort or LoadBalancer",
        lambda spec: spec.network.service_type != "ClusterIP" or spec.network.node_ports == NodePorts(),
        mend="change serviceType or remove nodePorts",
        at=".network.nodePorts",
    ),
    rule(
        "size(self.network.loadBalancerSourceRanges) == 0 || self.network.serviceType == 'LoadBalancer'",
        "loadBalancerSourceRanges need serviceType LoadBalancer",
        lambda spec: not spec.network.load_balancer_source_ranges or spec.network.service_type == "LoadBalancer",
        mend="change serviceType or remove loadBalancerSourceRanges",
        at=".network.loadBalancerSourceRanges",
    ),
    rule(
        "size(self.network.ipFamilies) < 2 || (self.network.ipFamilyPolicy != 'SingleStack' && "
        "self.network.ipFamilies[0] != self.network.ipFamilies[1])",
        "two families need a dual-stack ipFamilyPolicy, and must differ",
        _families_fit,
        mend="name IPv4 and IPv6, or one family only",
        at=".network.ipFamilies",
    ),
)


class Exporter(Model):
    """The exporter of metrics, a sidecar of the cache."""

    resources: Resources = Field(default={"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}})
    """Resources of the exporter's container; its memory does not grow with the cache."""


class DirStats(Model):
    """Usage by directory, as XRootD counts it."""

    interval: Literal["1m", "5m", "10m", "15m", "30m", "1h"] = "1m"
    """Time between two counts: 1m, 5m, 10m, 15m, 30m or 1h. 1m by default."""
    depth: Annotated[int, Field(ge=0, le=16)] = 2
    """Levels of directories that are told apart, 0 to 16. 2 by default: more levels, more series."""


_HERE = "(?i:localhost|127[.].*|[0:]*:[0:]*1?)"


class ForwardTo(Model):
    """A collector that gets a copy of a monitoring stream."""

    name: DnsLabel
    """Name of the entry."""
    stream: Literal["summary", "gstream"] = "summary"
    """Which stream: summary (XML) by default, or gstream (JSON, one record for each file closed)."""
    host: Annotated[
        Host,
        rule(
            f"!self.matches('^{_HERE}$')",
            "is the cache's own pod, where packets would go round for ever",
            lambda host: re.fullmatch(_HERE, host) is None,
            mend="name a collector elsewhere",
        ),
    ]
    """Collector's host name or address. The exporter sends, so a name that does not resolve never stops the cache."""
    port: Port
    """Collector's UDP port."""


class Monitoring(Model):
    """How the cache is watched."""

    exporter: Exporter = Field(default_factory=Exporter)
    """The exporter of metrics."""
    dir_stats: DirStats = Field(default_factory=DirStats)
    """Usage by directory."""
    pod_monitor: bool = True
    """Whether to make a PodMonitor where the cluster has that kind. True by default."""
    forward_to: Annotated[Items[ForwardTo], Field(max_length=8), MAP_BY_NAME] = ()
    """Collectors of the community that get a copy of the monitoring streams."""
