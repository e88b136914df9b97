"""Status of a RucioServer."""

from typing import Annotated

from pydantic import Field

from datalake_operator.api.meta import ATOMIC, MAP_BY_NAME, Items, Model, Timestamp
from datalake_operator.api.status import Status

Text = Annotated[str, Field(max_length=512)]
Count = Annotated[int, Field(ge=0)]
Bytes = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]


class SchemaStatus(Model):
    """Where the database's schema is."""

    revision: Text | None = None
    """Alembic revision of the database."""
    head: Text | None = None
    """Alembic revision that this version of Rucio needs."""


class DaemonStatus(Model):
    """One daemon instance."""

    name: Text
    """Name of the instance."""
    desired: Count
    """Pods that are wanted."""
    live: Count
    """Pods with a fresh heartbeat."""
    last_heartbeat_time: Timestamp | None = None
    """When the newest heartbeat was written."""


class BackupStatus(Model):
    """One dump."""

    name: Text
    """Name of the file."""
    time: Timestamp
    """When it was made."""
    size: Bytes
    """Bytes."""


class DaemonCount(Model):
    """All daemons together."""

    desired: Count
    """Pods that are wanted."""
    live: Count
    """Pods with a fresh heartbeat."""
    summary: Text
    """live/desired, for the column."""


class Endpoints(Model):
    """URLs of the server."""

    rest: Text | None = None
    """URL of the REST interface."""
    auth: Text | None = None
    """URL of the authentication server."""


class OwnerStatus(Model):
    """The RucioServer that a database says it belongs to."""

    cluster: Text
    """uid of the namespace kube-system of its cluster."""
    namespace: Text
    """Its namespace."""
    name: Text
    """Its name."""


class PlanStatus(Model):
    """A migration."""

    hash: Text
    """What an approval is bound to."""
    from_revision: Text
    """Revision before."""
    to_revision: Text
    """Revision after."""
    path: Annotated[Items[Text], Field(max_length=100), ATOMIC] = ()
    """Revisions in the order in which they are applied."""


class MigrationStatus(PlanStatus):
    """A migration that has begun and not ended well yet."""

    checked: bool = False
    """Whether it is known that a dump can be made."""
    file: Text | None = None
    """The dump that was made before."""
    failed: Text | None = None
    """Why it failed."""


class DatabaseStatus(Model):
    """What was last found out about the database, kept because pods that said it go."""

    job: Text | None = None
    """The Job that found it out."""
    time: Timestamp | None = None
    """When it said so."""
    state: Text | None = None
    """State of the database; docs/rucio.md lists them."""
    message: Annotated[str, Field(max_length=2048)] | None = None
    """What the Job said."""
    name: Text | None = None
    """Name of the database."""
    revision: Text | None = None
    """Alembic revision of the database."""
    head: Text | None = None
    """Alembic revision that the version of the spec needs."""
    ours: bool | None = None
    """Whether the database belongs to this resource."""
    owner: OwnerStatus | None = None
    """Whom the database says it belongs to."""
    hold: Text | None = None
    """Id of a hold: daemons that delete or move files wait for its approval."""
    server_major: Count | None = None
    """Major version of PostgreSQL."""
    database_bytes: Bytes | None = None
    """Size of the database."""
    max_connections: Count | None = None
    """Connections that PostgreSQL takes."""
    plan: PlanStatus | None = None
    """The migration that the database needs."""
    migration: MigrationStatus | None = None
    """The migration that is under way."""
    lfn2pfn: Annotated[Text | None, Field(alias="lfn2pfn")] = None
    """How names became paths when the database was filled."""
    root_username: Text | None = None
    """Login name of the account root."""


class ReplicaStatus(Model):
    """Pods of one Deployment that a scaler may set."""

    name: Text
    """Name of the Deployment."""
    replicas: Count
    """Its last number of pods that was not a stop for a migration."""


class RucioServerStatus(Status):
    """What is there."""

    version: Text | None = None
    """Version of Rucio that runs."""
    schema_: SchemaStatus | None = Field(default=None, alias="schema")
    """Where the database's schema is."""
    daemon_count: DaemonCount | None = None
    """All daemons together."""
    daemons: Annotated[Items[DaemonStatus], Field(max_length=128), MAP_BY_NAME] | None = None
    """Each daemon instance."""
    backups: Annotated[Items[BackupStatus], Field(max_length=400), MAP_BY_NAME] | None = None
    """Dumps that are kept."""
    endpoints: Endpoints | None = None
    """URLs of the server."""
    database: DatabaseStatus | None = None
    """What was last found out about the database."""
    replicas: Annotated[Items[ReplicaStatus], Field(max_length=8), MAP_BY_NAME] | None = None
    """Pods of each Deployment that a scaler may set, to return to after a migration."""
