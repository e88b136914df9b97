"""Database of a RucioServer: where it is, and how it is kept."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from datalake_operator.api.common import Resources
from datalake_operator.api.meta import DnsName, Model, Quantity, SecretKeyRef, SecretRef
from datalake_operator.api.rules import CLAIM_SIZE, NO_SHRINKING, exactly_one_of, matching, transition, unchanged
from datalake_operator.api.schedules import CronSchedule

Identifier: TypeAlias = Annotated[
    str,
    Field(max_length=63),
    matching("([A-Za-z_][A-Za-z0-9_-]*)?", "must be a PostgreSQL name", mend="use letters, digits, '_' and '-'"),
]


class Disk(Model):
    """A claim that the operator makes."""

    rules = (
        unchanged(
            "storageClassName",
            message="the class of a claim cannot change",
            mend="write the old class; restore a backup into a new RucioServer to move",
        ),
    )

    size: Annotated[Quantity, CLAIM_SIZE, NO_SHRINKING] = "5Gi"
    """Size in bytes. 5Gi by default. It may grow where the class allows it, and never shrink."""
    storage_class_name: DnsName | None = None
    """StorageClass. Default: the cluster's default class."""


class BackupSchedule(Model):
    """Regular dumps of the embedded database."""

    enabled: bool = True
    """Whether dumps are made. True by default."""
    schedule: CronSchedule = "0 3 * * *"
    """When, as a cron expression in UTC. 0 3 * * * by default: every night at three."""
    keep: Annotated[int, Field(ge=1, le=365)] = 7
    """Dumps that are kept. 7 by default."""
    claim: Disk = Field(default_factory=Disk)
    """Where dumps lie."""


class EmbeddedDatabase(Disk):
    """A PostgreSQL 17 of our own: one pod, one volume."""

    resources: Resources = Field(default_factory=dict)
    """Resources of the database's container."""
    backup: BackupSchedule = Field(default_factory=BackupSchedule)
    """Regular dumps."""


class ExternalDatabase(Model):
    """A PostgreSQL that somebody else runs."""

    url_secret_ref: SecretKeyRef
    """Key of a Secret that holds the URL, e.g. postgresql://user:password@host:5432/rucio."""
    admin_url_secret_ref: SecretKeyRef | None = None
    """URL of the owner over a direct connection, for bootstrap, migration and backup; needed behind a transaction
    pooler. Default: urlSecretRef."""
    ca_secret_ref: SecretKeyRef | None = None
    """CA certificates (PEM) that the server's certificate is checked against. Default: the system's."""
    schema_: Annotated[Identifier, Field(alias="schema")] = ""
    """Schema that holds Rucio's tables; it must exist. Empty: the user's default schema."""
    adopt: Identifier = ""
    """Name of the database, to allow the use of one that is not empty and was not made by this resource."""


class Pool(Model):
    """Connections of each process."""

    size: Annotated[int, Field(ge=1, le=100)] = 5
    """Connections that stay open."""
    max_overflow: Annotated[int, Field(ge=0, le=100)] = 5
    """Connections beyond these under load."""


class DaemonPool(Model):
    """Connections of each daemon."""

    size: Annotated[int, Field(ge=1, le=100)] = 2
    """Connections that stay open. 2 by default."""
    max_overflow: Annotated[int, Field(ge=0, le=100)] = 2
    """Connections beyond these under load. 2 by default."""


class Database(Model):
    """The database: exactly one of embedded, external."""

    rules = (
        exactly_one_of("embedded", "external"),
        transition(
            "has(self.embedded) == has(oldSelf.embedded)",
            "a database cannot change between embedded and external",
            mend="make a new RucioServer with the new database and restore a backup there",
        ),
    )

    embedded: EmbeddedDatabase | None = None
    """A PostgreSQL 17 of our own, for trials and small sites. {} is enough."""
    external: ExternalDatabase | None = None
    """A PostgreSQL that somebody else runs."""
    pool: Pool = Field(default_factory=Pool)
    """Connections of each server process, 5 + 5 by default."""


class MigrationBackup(Model):
    """The dump before a migration."""

    disabled: bool = False
    """True: migrate without a dump, because you have one of your own. False by default."""
    claim: Disk = Field(default_factory=Disk)
    """Where the dump lies, for an external database; of an embedded one it lies on embedded.backup.claim."""
    keep: Annotated[int, Field(ge=1, le=50)] = 3
    """Dumps that are kept. 3 by default."""


class Migrations(Model):
    """What happens when a version needs another schema."""

    mode: Literal["Manual", "Automatic"] = "Manual"
    """Manual by default: a plan is shown and waits for approval. Automatic: it is carried out at once."""
    backup: MigrationBackup = Field(default_factory=MigrationBackup)
    """The dump before a migration."""


class RootAccount(Model):
    """The account root."""

    secret_ref: SecretRef | None = None
    """Secret with the keys username and password. Default: one that the operator makes."""
    manage: bool | None = None
    """Whether the operator sets the password in the database when the Secret changes. Absent: yes, but not on an
    adopted database."""
