"""What a QoSProbe can measure: one of these per probe."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.common import Image
from datalake_operator.api.meta import (
    ATOMIC,
    MAP_BY_NAME,
    SET,
    Duration,
    Host,
    Items,
    LocalRef,
    Model,
    Port,
    Quantity,
    SecretRef,
)
from datalake_operator.api.probe_endpoints import (
    Adler32,
    EndpointName,
    FilePath,
    IpFamily,
    Protocol,
    StorageUrl,
    WebUrl,
    has_path,
    payload_size,
)
from datalake_operator.api.rules import UNIQUE, duration_range, exactly_one_of, matching, quantity_range, rule

EndpointNames: TypeAlias = Annotated[Items[EndpointName], Field(min_length=1, max_length=64), SET]
Protocols: TypeAlias = Annotated[Items[Protocol], Field(max_length=5), SET]
Argument: TypeAlias = Annotated[str, Field(max_length=1024)]


class TcpTarget(Model):
    """Something that listens."""

    name: EndpointName
    """Name of the row."""
    host: Host
    """Host name or IP address."""
    port: Port
    """TCP port."""
    ip_family: IpFamily = "Any"
    """IPv4 or IPv6 to test that family alone. Any by default."""


class TcpCheck(Model):
    """Can a TCP connection be opened, and how fast."""

    targets: Annotated[Items[TcpTarget], Field(min_length=1, max_length=64), MAP_BY_NAME]
    """What to connect to."""


class HttpTarget(Model):
    """A web address."""

    name: EndpointName
    """Name of the row."""
    url: WebUrl
    """Its URL."""
    expect_status: Annotated[
        Items[Annotated[int, Field(ge=100, le=599)]], Field(min_length=1, max_length=16), ATOMIC, UNIQUE
    ] = (200,)
    """Status codes that are good. 200 by default."""
    expect_body: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Text that must occur in the first 64 KiB of the answer. Default: any answer is good."""


class HttpCheck(Model):
    """Does a web address answer, how fast, and how long is its certificate valid."""

    targets: Annotated[Items[HttpTarget], Field(min_length=1, max_length=64), MAP_BY_NAME]
    """What to ask."""


class SmallPayload(Model):
    """The file that is written."""

    size: Annotated[Quantity, payload_size("1Gi")] = "1Mi"
    """Its size in bytes, 1Ki to 1Gi. 1Mi by default."""


class StorageCheck(Model):
    """Can files be written, read, checked and deleted."""

    rules = (
        rule(
            "!('Write' in self.operations) || 'Delete' in self.operations",
            "Write needs Delete",
            lambda self: "Write" not in self.operations or "Delete" in self.operations,
            mend="add Delete: a probe leaves nothing behind",
            at=".operations",
        ),
    )

    endpoints: EndpointNames
    """Names of spec.endpoints."""
    protocols: Protocols = ()
    """Protocols to test. Empty: each that an endpoint has."""
    operations: Annotated[
        Items[Literal["Stat", "List", "Write", "Read", "Checksum", "Delete"]],
        Field(min_length=1, max_length=6),
        ATOMIC,
        UNIQUE,
    ] = ("Stat", "List", "Write", "Read", "Checksum", "Delete")
    """What to do, all by default. With access ReadOnly, Write and Delete are left out."""
    payload: SmallPayload = Field(default_factory=SmallPayload)
    """The file that is written."""
    checksum: Literal["adler32"] = "adler32"
    """How content is compared: adler32."""


class Payload(Model):
    """The file that is moved."""

    size: Annotated[Quantity, payload_size("100Gi")] = "100Mi"
    """Its size in bytes, 1Ki to 100Gi. 100Mi by default."""


class Pair(Model):
    """A pair of endpoints."""

    source: EndpointName
    """Where files come from."""
    destination: EndpointName
    """Where files go to."""


class TransferCheck(Model):
    """Can files be moved from each source to each destination."""

    rules = (
        rule(
            "self.mode != 'Push' || !self.protocols.exists(p, p == 'root' || p == 'roots')",
            "Push is not possible with root and roots",
            lambda self: self.mode != "Push" or not {"root", "roots"} & set(self.protocols),
            mend="use mode Pull, or protocols http, https and davs only",
            at=".mode",
        ),
    )

    sources: EndpointNames
    """Names of spec.endpoints that files come from."""
    destinations: EndpointNames
    """Names of spec.endpoints that files go to; their access must be ReadWrite."""
    protocols: Protocols = ()
    """Protocols to test. Empty: each that both ends have."""
    exclude_self: bool = True
    """Whether an endpoint is not tested with itself. True by default."""
    exclude: Annotated[Items[Pair], Field(max_length=256), ATOMIC] = ()
    """Pairs that are not tested."""
    via: Literal["Direct"] = "Direct"
    """How: Direct, by third-party copy."""
    mode: Literal["Pull", "Push"] = "Pull"
    """Pull by default: the destination reads. Push, only with http and davs: the source writes."""
    payload: Payload = Field(default_factory=Payload)
    """The file that is moved."""
    max_concurrent: Annotated[int, Field(ge=1, le=64)] = 2
    """Transfers at the same time. 2 by default."""
    max_concurrent_per_endpoint: Annotated[int, Field(ge=1, le=16)] = 2
    """Transfers of one endpoint at the same time. 2 by default."""
    max_bytes_per_day: Annotated[Quantity, quantity_range("1Mi", "1Pi")] = "50Gi"
    """Bytes moved in a day at most. 50Gi by default; pairs take turns when all of them would need more."""


RootUrl: TypeAlias = Annotated[
    StorageUrl,
    rule(
        "self.startsWith('root://') || self.startsWith('roots://')",
        "must be of scheme root or roots",
        lambda url: url.startswith(("root://", "roots://")),
        mend="caches are tested over the root protocol, e.g. root://cache.example.org:1094",
    ),
]


class CacheAddress(Model):
    """A cache that this operator did not make."""

    url: RootUrl
    """URL of the cache, scheme root or roots."""
    origin_url: StorageUrl
    """URL of its origin; with a folder that is the probe's own where a file is generated."""


class CachedFile(Model):
    """A file that is at the origin already."""

    path: FilePath
    """Its path."""
    adler32: Adler32
    """Its adler32 checksum, 8 hexadecimal digits."""


class GeneratedFile(Model):
    """A file that the probe puts at the origin, and removes."""

    size: Annotated[Quantity, payload_size("1Gi")] = "8Mi"
    """Its size in bytes, 1Ki to 1Gi. 8Mi by default."""


class CacheCheck(Model):
    """Does a cache fetch what it has not, and serve what it has."""

    rules = (
        exactly_one_of("xcacheRef", "node"),
        exactly_one_of("file", "generated"),
        rule(
            "!has(self.generated) || !has(self.node) || !self.node.originUrl.matches('^[a-z]+://[^/]+/*$')",
            "a URL without a path is refused for writing: it would be the root of somebody's storage",
            lambda self: self.generated is None or self.node is None or has_path(self.node.origin_url),
            mend="add a folder that is the probe's own, or use file",
            at=".node.originUrl",
        ),
    )

    xcache_ref: LocalRef | None = None
    """An XCacheNode of this namespace."""
    node: CacheAddress | None = None
    """A cache that this operator did not make."""
    file: CachedFile | None = None
    """A file that is at the origin already."""
    generated: GeneratedFile | None = None
    """A file that the probe puts at the origin; {} is enough."""


class RucioAddress(Model):
    """A Rucio that this operator did not make."""

    url: WebUrl
    """URL of its REST interface."""
    auth_url: WebUrl | None = None
    """URL of its authentication server. Default: url."""
    vo: Annotated[str, Field(max_length=3), matching("[a-z0-9]{3}", "must be 3 characters", mend="e.g. def")] = "def"
    """Virtual organisation. def by default."""


class Upload(Model):
    """The file that is uploaded."""

    rse: Annotated[
        str,
        Field(min_length=1, max_length=255),
        matching("[A-Za-z0-9][A-Za-z0-9_-]*", "must be the name of an RSE", mend="e.g. CERN-DISK"),
    ]
    """RSE that it goes to."""
    scope: Annotated[
        str,
        Field(min_length=1, max_length=25),
        matching("[A-Za-z0-9][A-Za-z0-9_.-]*", "must be a scope", mend="e.g. probe"),
    ]
    """Scope of its name."""
    size: Annotated[Quantity, payload_size("1Gi")] = "1Mi"
    """Its size in bytes, 1Ki to 1Gi. 1Mi by default."""
    lifetime: Annotated[Duration, duration_range("1h", "720h")] = "6h"
    """Lifetime of its rule, 1h to 720h; Rucio deletes it afterwards. 6h by default."""


class RucioCheck(Model):
    """Does a Rucio answer, and do its parts work together."""

    rules = (
        exactly_one_of("rucioServerRef", "server"),
        rule(
            "has(self.upload) == ('UploadDownload' in self.checks)",
            "upload and the check UploadDownload need each other",
            lambda self: (self.upload is not None) == ("UploadDownload" in self.checks),
            mend="add the one or remove the other",
            at=".checks",
        ),
        rule(
            "has(self.credentialsSecretRef) || self.checks.all(c, c == 'Ping')",
            "these checks need credentialsSecretRef",
            lambda self: self.credentials_secret_ref is not None or set(self.checks) <= {"Ping"},
            mend="name a Secret with username and password, or check Ping only",
            at=".checks",
        ),
    )

    rucio_server_ref: LocalRef | None = None
    """A RucioServer of this namespace."""
    server: RucioAddress | None = None
    """A Rucio that this operator did not make."""
    account: Annotated[
        str,
        Field(min_length=1, max_length=25),
        matching("[a-z0-9][a-z0-9_-]*", "must be an account", mend="use lower-case letters, digits, '_' and '-'"),
        rule(
            "self != 'root'",
            "must not be root",
            lambda account: account != "root",
            mend="make an account for the probe, with the few rights that it needs",
        ),
    ] = "probe"
    """Account of the probe. probe by default; never root."""
    credentials_secret_ref: SecretRef | None = None
    """Secret with the keys username and password."""
    checks: Annotated[
        Items[Literal["Ping", "Authenticate", "WhoAmI", "Heartbeats", "UploadDownload"]],
        Field(min_length=1, max_length=5),
        ATOMIC,
        UNIQUE,
    ] = ("Ping", "Authenticate", "WhoAmI", "Heartbeats")
    """What to do. All but UploadDownload by default."""
    upload: Upload | None = None
    """The file that is uploaded, with the check UploadDownload."""


def _has_repository(self: Any) -> bool:
    return self.image.repository is not None


class CustomCheck(Model):
    """Any program that writes the result envelope."""

    rules = (
        rule(
            "has(self.image.repository)",
            "is required",
            _has_repository,
            mend="name the image of your program",
            at=".image.repository",
        ),
    )

    image: Image
    """Image of the program."""
    command: Annotated[Items[Argument], Field(max_length=64), ATOMIC] = ()
    """Program instead of the image's own."""
    args: Annotated[Items[Argument], Field(max_length=64), ATOMIC] = ()
    """Arguments instead of the image's own. Never put a password here."""
