"""Status of a RucioServer."""

from typing import Annotated

from pydantic import Field

from datalake_operator.api.meta import MAP_BY_NAME, Items, Model, Timestamp
from datalake_operator.api.status import Status

Text = Annotated[str, Field(max_length=512)]
Count = Annotated[int, Field(ge=0)]


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
    size: Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]
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
