"""RucioServer: a whole Rucio for one community or site."""

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.common import (
    Affinity,
    Annotations,
    Image,
    NodeSelector,
    PriorityClassName,
    Resources,
    Tolerations,
)
from datalake_operator.api.meta import ATOMIC, MAP_BY_NAME, SET, DnsName, Items, Model
from datalake_operator.api.resource import AGE, MESSAGE, READY, Column, Kind, Resource, name_rule
from datalake_operator.api.rucio_config import BY_OPTION, ConfigFile, ConfigOption, SecretOption
from datalake_operator.api.rucio_daemons import Daemons
from datalake_operator.api.rucio_database import Database, Migrations, RootAccount
from datalake_operator.api.rucio_status import RucioServerStatus
from datalake_operator.api.rules import UNIQUE, matching, rule

_KEPT_ENDPOINTS = ("accounts", "auth", "heartbeats", "ping")

EndpointName: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=63),
    matching("[a-z][a-z_]*", "must be an endpoint of Rucio's REST interface", mend="e.g. opendata"),
]
KeptEndpoint = rule(
    f"!(self in {list(_KEPT_ENDPOINTS)})",
    "cannot be removed: the operator and every client need it",
    lambda name: name not in _KEPT_ENDPOINTS,
    mend="remove it from this list",
)
PolicyName: TypeAlias = Annotated[
    str,
    Field(max_length=127),
    matching(r"([A-Za-z_][A-Za-z0-9_.-]*)?", "must be a name", mend="use letters, digits, '_', '.' and '-'"),
]


class EndpointChoice(Model):
    """Endpoints beyond, or less than, Rucio's own choice."""

    add: Annotated[Items[EndpointName], Field(max_length=64), SET] = ()
    """Endpoints that Rucio does not serve by itself."""
    remove: Annotated[Items[Annotated[EndpointName, KeptEndpoint]], Field(max_length=64), SET] = ()
    """Endpoints that shall not be served; not ping, auth, accounts, heartbeats."""


class Server(Model):
    """The REST server."""

    processes: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes of each pod, 1 to 64. 2 by default; each takes about 150 MB."""
    threads: Annotated[int, Field(ge=1, le=64)] = 4
    """Threads of each process, 1 to 64. 4 by default."""
    resources: Resources = Field(default_factory=dict)
    """Resources of its container. Default: measured figures for these processes."""
    endpoints: EndpointChoice = Field(default_factory=EndpointChoice)
    """Which parts of the REST interface are served."""


class AuthServer(Model):
    """The authentication server."""

    separate: bool = False
    """Whether it runs in pods of its own. False by default: the REST server does it."""
    replicas: Annotated[int, Field(ge=1, le=20)] = 1
    """Its pods, if separate. 1 by default."""


class Transfers(Model):
    """How files are moved."""

    tools: Annotated[Items[Literal["fts3", "globus", "mock"]], Field(max_length=3), SET] = ()
    """Transfer tools: fts3, globus, or mock for trials. Empty by default: no conveyor daemon runs. The hosts of FTS
    are attributes of the RSEs."""
    schemes: Annotated[
        Items[Literal["root", "davs", "https", "http", "gsiftp", "srm", "s3s", "mock"]],
        Field(min_length=1, max_length=8),
        ATOMIC,
        UNIQUE,
    ] = ("root", "davs")
    """Protocols for transfers, best first. root and davs by default."""


class Policy(Model):
    """The community's policy."""

    permission: PolicyName = "generic"
    """Permission policy. generic by default."""
    schema_: Annotated[PolicyName, Field(alias="schema")] = "generic"
    """Schema of names. generic by default."""
    lfn2pfn: Annotated[PolicyName, Field(alias="lfn2pfn")] = "hash"
    """How a name becomes a path on deterministic storage. hash by default. A change would move every file's path, so
    it is refused once the database is filled."""
    package: PolicyName = ""
    """Python package with the policy, present in the image. Empty: none."""


class Ingress(Model):
    """The way in from outside."""

    host: DnsName
    """Host name that clients use."""
    class_name: DnsName | None = None
    """IngressClass. Default: the cluster's default class."""
    tls_secret_name: DnsName | None = None
    """Secret of type kubernetes.io/tls. Default: the ingress controller's own certificate."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations for the ingress controller, e.g. its limits for body size and time."""


class Service(Model):
    """The Service of the server."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    """Type of the Service. ClusterIP by default."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations of the Service."""
    ip_family_policy: Literal["SingleStack", "PreferDualStack", "RequireDualStack"] = "PreferDualStack"
    """IP families of the Service. PreferDualStack by default: both where the cluster has both."""


class RucioMonitoring(Model):
    """How the server is watched."""

    pod_monitor: bool = True
    """Whether to make PodMonitors where the cluster has that kind. True by default."""


class RucioServerSpec(Model):
    """What is wanted."""

    suspend: bool = False
    """True: the operator changes nothing and goes on observing."""
    version: Annotated[
        str,
        Field(max_length=32),
        matching(r"[0-9]+\.[0-9]+\.[0-9]+(\.[A-Za-z0-9]+)?", "must be a version of Rucio", mend="e.g. 41.5.1"),
    ] = "41.5.1"
    """Version of Rucio. 41.5.1 by default; docs/rucio.md lists the known ones."""
    image: Image = Field(default_factory=Image)
    """Image of server and daemons. Default: the one made for this version."""
    replicas: Annotated[int, Field(ge=0, le=50)] | None = None
    """Pods of the REST server. Absent: 2 on creation, and afterwards whatever a scaler makes of it."""
    server: Server = Field(default_factory=Server)
    """The REST server."""
    auth_server: AuthServer = Field(default_factory=AuthServer)
    """The authentication server."""
    database: Database
    """The database: exactly one of embedded, external."""
    bootstrap: Literal["IfEmpty", "Never"] = "IfEmpty"
    """Whether an empty database is filled. IfEmpty by default."""
    migrations: Migrations = Field(default_factory=Migrations)
    """What happens when a version needs another schema."""
    root_account: RootAccount = Field(default_factory=RootAccount)
    """The account root."""
    daemons: Daemons = Field(default_factory=Daemons)
    """Which daemons run."""
    transfers: Transfers = Field(default_factory=Transfers)
    """How files are moved."""
    policy: Policy = Field(default_factory=Policy)
    """The community's policy."""
    config: Annotated[Items[ConfigOption], Field(max_length=128), BY_OPTION] = ()
    """Further options of rucio.cfg. Passwords belong into secretConfig."""
    secret_config: Annotated[Items[SecretOption], Field(max_length=64), BY_OPTION] = ()
    """Options of rucio.cfg whose values are in Secrets."""
    files: Annotated[Items[ConfigFile], Field(max_length=32), MAP_BY_NAME] = ()
    """Files under /opt/rucio/etc/files/, read-only. A change rolls the pods that have them."""
    ingress: Ingress | None = None
    """The way in from outside. Default: none."""
    service: Service = Field(default_factory=Service)
    """The Service of the server."""
    monitoring: RucioMonitoring = Field(default_factory=RucioMonitoring)
    """How the server is watched."""
    deletion_policy: Literal["Retain", "Delete"] = "Retain"
    """What becomes of claims and generated Secrets when the resource is deleted. Retain by default."""
    resources: Resources = Field(default_factory=dict)
    """Resources of each daemon's container that has none of its own. Default: measured figures."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels of the nodes that its pods may run on."""
    tolerations: Tolerations = ()
    """Taints that its pods tolerate."""
    affinity: Affinity = Field(default_factory=dict)
    """Affinity of its pods."""
    priority_class_name: PriorityClassName | None = None
    """PriorityClass of its pods. Default: the cluster's."""


class RucioServer(Resource):
    """A whole Rucio: database, REST and authentication server, daemons."""

    kind: ClassVar[Kind] = Kind(
        "RucioServer",
        "rucioservers",
        "rucio",
        "A whole Rucio for one community or site: database, REST and authentication server, daemons.",
        RucioServerStatus,
        (
            READY,
            Column("Version", ".status.version", "Version of Rucio that runs."),
            Column("Schema", ".status.schema.revision", "Revision of the database."),
            Column("Daemons", ".status.daemonCount.summary", "Daemon pods alive of those wanted."),
            AGE,
            MESSAGE,
        ),
    )

    rules = (name_rule(30),)

    spec: RucioServerSpec
