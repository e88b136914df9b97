"""XCacheNode: one XRootD caching proxy.

Ranges are those that XRootD 5.8.1 accepts at start (XrdPfcConfiguration.cc), so that a bad value is refused here and
never becomes a crash loop.
"""

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.common import (
    Affinity,
    Image,
    NodeSelector,
    PriorityClassName,
    Resources,
    Tolerations,
)
from datalake_operator.api.meta import ATOMIC, Duration, Items, Model, Quantity
from datalake_operator.api.resource import AGE, MESSAGE, READY, Column, Kind, Resource, name_rule
from datalake_operator.api.rules import (
    UNIQUE,
    Rule,
    amount,
    duration_range,
    exactly_one_of,
    matching,
    quantity_range,
    rule,
)
from datalake_operator.api.values import parse_quantity
from datalake_operator.api.xcache_config import ExtraConfig
from datalake_operator.api.xcache_network import SPEC_RULES, Monitoring, Network, Protocols
from datalake_operator.api.xcache_status import XCacheNodeStatus
from datalake_operator.api.xcache_storage import Storage

_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = "[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?"  # pss.origin of 5.8.1 reads no IPv6 address, in whatever form

SiteName: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=64),
    matching(
        "[A-Za-z0-9][A-Za-z0-9._-]*",
        "must start with a letter or digit, then letters, digits, '.', '_' and '-'",
        mend="e.g. IN2P3-CC",
    ),
]

ExportedPath: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=255),
    matching(
        "/|(/[A-Za-z0-9_.+=@~-]+)+",
        "must be an absolute path without blanks and without '/' at its end",
        mend="e.g. /escape",
    ),
    rule(
        r"!self.matches('/\\.{1,2}(/|$)')",
        "must not contain the steps . and ..",
        lambda path: not {".", ".."} & set(path.split("/")),
        mend="write the path itself",
    ),
]


class Origin(Model):
    """Where files come from that are not cached yet."""

    url: Annotated[
        str,
        Field(max_length=300),
        matching(
            f"(root|roots|http|https)://{_HOST}(:{_PORT})?(/.*)?",
            "must be a URL of scheme root, roots, http or https with a name or an IPv4 address",
            mend="e.g. root://origin.example.org:1094",
        ),
        rule(
            "!self.matches('^[a-z]+://[^/]+/')",
            "must not have a path (XRootD: badly formed origin URL)",
            lambda url: "/" not in url.partition("://")[2],
            mend="end it after the port, and name the path in exports",
        ),
    ]
    """URL of the origin: scheme, host and port, e.g. root://origin.example.org:1094. An IPv6 address needs a name:
    XRootD reads none here."""
    connect_timeout: Annotated[Duration, duration_range("1s", "2m")] = "10s"
    """Time for a connection to the origin, 1s to 2m. 10s by default: with XRootD's own 2m a miss hangs."""
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    """How often a connection is tried again, 0 to 5. 1 by default."""
    request_timeout: Annotated[Duration, duration_range("1s", "1h")] = "30s"
    """Time for one request to the origin, 1s to 1h. 30s by default."""


class WriteQueue(Model):
    """How blocks are written to disk."""

    blocks: Annotated[int, Field(ge=1, le=1024)] = 16
    """Blocks that one thread takes at a time, 1 to 1024. 16 by default."""
    threads: Annotated[int, Field(ge=1, le=64)] = 4
    """Threads that write, 1 to 64. 4 by default."""


class Cache(Model):
    """How files are fetched and kept."""

    block_size: Annotated[
        Quantity,
        quantity_range("4Ki", "512Mi"),
        rule(
            f"int({amount('self')}) % 4096 == 0",
            "must be a multiple of 4Ki",
            lambda size: parse_quantity(size) % 4096 == 0,
            mend="e.g. 1Mi",
        ),
    ] = "1Mi"
    """Bytes that are fetched at once, 4Ki to 512Mi in steps of 4Ki. 1Mi by default."""
    prefetch_blocks: Annotated[int, Field(ge=0, le=128)] = 32
    """Blocks fetched ahead of the reader, 0 to 128. 32 by default: cold reads from far away become ten times
    faster; 0 saves bytes of the origin when files are read sparsely."""
    ram: Annotated[Quantity, quantity_range("1Gi", "256Gi")] = "1Gi"
    """Memory for blocks under way, 1Gi to 256Gi. 1Gi by default. The pod asks for 512Mi more."""
    write_queue: WriteQueue = Field(default_factory=WriteQueue)
    """How blocks are written to disk."""
    pass_checksums: bool = True
    """Whether checksums are asked from the origin. True by default: Rucio and gfal need them."""


class ClientAuth(Model):
    """Who may read: exactly one way."""

    rules = (exactly_one_of("anonymous"),)

    anonymous: Literal[True] | None = None
    """Anybody who reaches the port may read everything, and may also evict files from the cache."""


class OriginAuth(Model):
    """How the cache proves itself to the origin: exactly one way."""

    rules = (exactly_one_of("anonymous"),)

    anonymous: Literal[True] | None = None
    """The cache shows no credential, so the origin must let anybody read."""


class Auth(Model):
    """Who may read, and as whom the cache reads."""

    clients: ClientAuth
    """Who may read from the cache."""
    origin: OriginAuth
    """How the cache proves itself to the origin."""


class Drain(Model):
    """What happens when the pod must go."""

    timeout: Annotated[Duration, duration_range("0s", "2h")] = "10m"
    """Time for open files to be closed before the pod stops, 0s to 2h. 10m by default."""


def _memory_suffices(self: Any) -> bool:
    limit = self.resources.get("limits", {}).get("memory")
    return limit is None or parse_quantity(limit) >= parse_quantity(self.cache.ram) + 512 * 1024**2


_LIMIT = "self.resources.limits['memory']"
_MEMORY: Rule = rule(
    "!has(self.resources.limits) || !('memory' in self.resources.limits) || "
    f"{amount(_LIMIT)} >= {amount('self.cache.ram')} + 536870912.0",
    "the memory limit is below cache.ram + 512Mi",
    _memory_suffices,
    mend="raise resources.limits.memory or lower cache.ram",
    at=".resources.limits",
)


class XCacheNodeSpec(Model):
    """What is wanted."""

    rules = (*SPEC_RULES, _MEMORY)

    suspend: bool = False
    """True: the operator changes nothing and goes on observing."""
    site: SiteName
    """Name of the site as operators and Rucio know it, e.g. IN2P3-CC; XRootD puts it into all monitoring."""
    image: Image = Field(default_factory=Image)
    """Image of the cache. Default: the one this operator was tested with."""
    origin: Origin
    """Where files come from that are not cached yet."""
    exports: Annotated[Items[ExportedPath], Field(min_length=1, max_length=16), ATOMIC, UNIQUE] = ("/",)
    """Paths that clients may read. All (/) by default."""
    storage: Storage
    """Where the cache keeps its files, and how much of them."""
    cache: Cache = Field(default_factory=Cache)
    """How files are fetched and kept."""
    protocols: Protocols = Field(default_factory=Protocols)
    """What clients may speak."""
    network: Network = Field(default_factory=Network)
    """The Service that clients use."""
    monitoring: Monitoring = Field(default_factory=Monitoring)
    """How the cache is watched."""
    auth: Auth
    """Who may read, and as whom the cache reads."""
    drain: Drain = Field(default_factory=Drain)
    """What happens when the pod must go."""
    startup_timeout: Annotated[Duration, duration_range("1m", "24h")] = "30m"
    """Time to become ready, 1m to 24h. 30m by default: XRootD scans the whole cache before it opens its port."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """What becomes of the claims when the resource is deleted. Retain by default: a new one finds its files."""
    resources: Resources = Field(default_factory=dict)
    """Resources of the cache's container. Default: a memory request of cache.ram + 512Mi."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels of the nodes that it may run on."""
    tolerations: Tolerations = ()
    """Taints that it tolerates."""
    affinity: Affinity = Field(default_factory=dict)
    """Affinity of the pod."""
    priority_class_name: PriorityClassName | None = None
    """PriorityClass of the pod. Default: the cluster's."""
    extra_config: ExtraConfig = ()
    """Further directives of XRootD, by allow-list: docs/xcache.md."""


class XCacheNode(Resource):
    """One XRootD caching proxy: it reads files from an origin, keeps them on its disks and serves them from there."""

    kind: ClassVar[Kind] = Kind(
        "XCacheNode",
        "xcachenodes",
        "xc",
        "One XRootD caching proxy: it reads files from an origin, keeps them on its disks and serves them from there.",
        XCacheNodeStatus,
        (
            READY,
            Column("Site", ".spec.site", "Name of the site."),
            Column("Origin", ".spec.origin.url", "Where files come from."),
            Column("Used%", ".status.cache.usedPercent", "Percent of the cache's limit in use.", "integer"),
            Column(
                "Hits%", ".status.byteHitPercent1h", "Percent of the last hour's bytes not from the origin.", "integer"
            ),
            AGE,
            MESSAGE,
        ),
    )

    rules = (name_rule(40),)

    spec: XCacheNodeSpec
