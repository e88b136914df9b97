"""The embedded database: its Secret, claim, Service and StatefulSet; claims and pods for dumps; the scheduled ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.api.rucio_database import Disk
from datalake_operator.build.context import Context
from datalake_operator.build.generated import GENERATED
from datalake_operator.build.parts import port, variables
from datalake_operator.build.quantity import canonical_quantity
from datalake_operator.build.rucio import called, mounts
from datalake_operator.build.rucio.pods import POSTGRES_USER, Pod, arguments, chosen, environment, resources, template
from datalake_operator.build.rucio.stage import Stage, Workloads

Manifest = dict[str, Any]

MAX_CONNECTIONS = 300
"""Of the embedded database: Standard with two servers opens about 150 at most. Fixed, since a change restarts it."""

SCHEDULED = "scheduled"
"""What names of scheduled dumps begin with."""

_GRACE = 120
"""Seconds to write everything down before the end."""

_STARTUP = 3600
"""Seconds that recovery after a crash may take."""

_LATE = 3600
"""Seconds after its time within which a dump is still made."""


def secrets(server: RucioServer, metadata: Mapping[str, Any]) -> Iterator[Manifest]:
    """Secrets with passwords to be made up. Labels and owner are those of what is kept."""
    name = server.metadata.name
    if server.spec.root_account.secret_ref is None:
        yield _generated(metadata, called.root_secret(name), {"username": "root"})
    if server.spec.database.embedded:
        yield _generated(metadata, called.database_secret(name), {"username": "rucio", "database": "rucio"})


def claims(server: RucioServer, metadata: Mapping[str, Any]) -> Iterator[Manifest]:
    """Claims for the embedded database and for dumps."""
    name, embedded = server.metadata.name, server.spec.database.embedded
    if embedded:
        yield _claim(metadata, called.postgres(name), embedded)
    dumps = backup_disk(server)
    if dumps:
        yield _claim(metadata, called.backup(name), dumps)


def backup_disk(server: RucioServer) -> Disk | None:
    """What the claim for dumps asks for; None where no dump is ever made."""
    embedded, migration = server.spec.database.embedded, server.spec.migrations.backup
    if embedded:
        return embedded.backup.claim if embedded.backup.enabled or not migration.disabled else None
    return None if migration.disabled else migration.claim


def service(server: RucioServer, metadata: Mapping[str, Any]) -> Manifest:
    """The Service of the embedded database.

    With an address of its own: the names of one without are not known before its pod is, and DNS servers remember for
    half a minute what they did not know.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**metadata, "name": called.postgres(server.metadata.name)},
        "spec": {
            "type": "ClusterIP",
            "selector": chosen(server, called.POSTGRES),
            "ports": [{"name": "postgres", "port": 5432, "protocol": "TCP", "targetPort": "postgres"}],
        },
    }


def stateful_set(server: RucioServer, context: Context, stage: Stage, metadata: Mapping[str, Any]) -> Manifest:
    """The embedded database, which learns its password when it starts."""
    name, embedded = server.metadata.name, server.spec.database.embedded
    container = {
        "name": "postgres",
        "image": context.postgres_image,
        "command": ["tini", "--", "postgres-run"],
        "env": variables(POSTGRES_MAX_CONNECTIONS=MAX_CONNECTIONS),
        "ports": [port("postgres", 5432)],
        "resources": resources(
            embedded.resources if embedded else {}, {"requests": {"cpu": "100m", "memory": "256Mi"}}
        ),
        "startupProbe": _probe("startup", period=1, failures=_STARTUP),
        "livenessProbe": _probe("live", period=10, failures=6),
        "readinessProbe": _probe("ready", period=5, failures=3),
    }
    pod = Pod(
        called.POSTGRES,
        container,
        (
            *mounts.database(server),
            mounts.claim("data", mounts.DATA, called.postgres(name)),
            mounts.scratch("tmp", "/tmp"),  # noqa: S108 - an emptyDir of the pod's own
            mounts.scratch("shm", "/dev/shm", memory="256Mi"),  # noqa: S108
        ),
        user=POSTGRES_USER,
        fields={"terminationGracePeriodSeconds": _GRACE},
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {**metadata, "name": called.postgres(name)},
        "spec": {
            "replicas": 1,
            "podManagementPolicy": "Parallel",
            "serviceName": called.postgres(name),
            "selector": {"matchLabels": chosen(server, called.POSTGRES)},
            "template": template(server, pod, stage),
        },
    }


def backup_pod(server: RucioServer, context: Context, *, prefix: str, keep: int, check: bool = False) -> Manifest:
    """The template of a pod that dumps the database, or only says whether it could."""
    external = server.spec.database.external
    words = ["--dir", mounts.BACKUPS, "--name", prefix, "--keep", str(keep), *(["--check"] if check else [])]
    pod = Pod(
        called.BACKUP,
        {
            "name": "backup",
            "image": context.postgres_image,
            "command": ["tini", "--", "postgres-backup"],
            **arguments(words),
            **environment(server, RUCIO_DATABASE_SCHEMA=(external.schema_ or None) if external else None),
            "resources": resources({"requests": {"cpu": "50m", "memory": "64Mi"}}),
        },
        (
            *mounts.database(server, admin_as_database=True),
            mounts.claim("backup", mounts.BACKUPS, called.backup(server.metadata.name)),
            mounts.scratch("tmp", "/tmp"),  # noqa: S108
        ),
        user=POSTGRES_USER,
        # A Job that is given up deletes its pod where that restarts, and with it what it said.
        fields={"restartPolicy": "Never"},
    )
    return template(server, pod, None)


def scheduled(server: RucioServer, context: Context, stage: Stage, metadata: Mapping[str, Any]) -> Manifest | None:
    """The CronJob that dumps the embedded database.

    Also while nothing but a migration waits for approval, which may take weeks; not during one, nor before anything
    runs: a database that is not known to be ours must not push our dumps out.
    """
    embedded = server.spec.database.embedded
    if embedded is None or not embedded.backup.enabled or stage.workloads is Workloads.ABSENT:
        return None
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {**metadata, "name": called.backup(server.metadata.name)},
        "spec": {
            "schedule": embedded.backup.schedule,
            "timeZone": "Etc/UTC",
            "suspend": stage.workloads is Workloads.STOPPED,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": _LATE,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 2,
                    "template": backup_pod(server, context, prefix=SCHEDULED, keep=embedded.backup.keep),
                }
            },
        },
    }


def _generated(metadata: Mapping[str, Any], name: str, values: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**metadata, "name": name},
        "type": "Opaque",
        "stringData": {**values, "password": GENERATED},
    }


def _claim(metadata: Mapping[str, Any], name: str, disk: Disk) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {**metadata, "name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": canonical_quantity(disk.size)}},
            **({"storageClassName": disk.storage_class_name} if disk.storage_class_name else {}),
        },
    }


def _probe(what: str, *, period: int, failures: int) -> Manifest:
    return {
        "exec": {"command": ["postgres-check", what]},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
