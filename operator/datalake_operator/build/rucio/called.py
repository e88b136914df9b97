"""Names of children, and of what is in their pods.

All names fit into 63 characters: `metadata.name` of a RucioServer is at most 30 long, that of a daemon instance 32.
"""

APP = "rucio"
"""Value of app.kubernetes.io/name on all children."""

ROLE = "datalake.projectescape.eu/role"
"""Label of pods that tells daemons from all else."""

STOPPED = "datalake.projectescape.eu/stopped"
"""Annotation (`"true"`) of a Deployment that has no replicas because of a migration."""

DAEMON = "daemon"
"""Value of `ROLE`."""

SERVER = "server"
AUTH = "auth"
POSTGRES = "postgres"
DATABASE_JOB = "database-job"
BACKUP = "backup"


def daemon_component(instance: str) -> str:
    """Value of app.kubernetes.io/component on what belongs to a daemon instance."""
    return f"daemon-{instance}"


def root_secret(name: str) -> str:
    """Secret with the login of the account root, where we make it."""
    return f"{name}-root"


def database_secret(name: str) -> str:
    """Secret with the login of the embedded database."""
    return f"{name}-database"


def config(name: str) -> str:
    """What names of configuration begin with, before a dash and the hash of its content."""
    return f"{name}-config"


def plan_config_map(name: str) -> str:
    """ConfigMap that shows the migration plan."""
    return f"{name}-plan"


def postgres(name: str) -> str:
    """StatefulSet, Service and claim of the embedded database."""
    return f"{name}-postgres"


def backup(name: str) -> str:
    """Claim for dumps, and the CronJob that makes them."""
    return f"{name}-backup"


def server(name: str) -> str:
    """Deployment of the REST server, its disruption budget and its PodMonitor."""
    return f"{name}-server"


def auth(name: str) -> str:
    """Deployment of the authentication server."""
    return f"{name}-auth"


def server_service(name: str) -> str:
    """Service of the REST server."""
    return name


def auth_service(name: str) -> str:
    """Service of the authentication server."""
    return f"{name}-auth"


def ingress(name: str) -> str:
    """Ingress."""
    return name


def daemons(name: str) -> str:
    """PodMonitor of all daemons."""
    return f"{name}-daemons"


def daemon(name: str, instance: str) -> str:
    """Deployment of one daemon instance."""
    return f"{name}-{instance}"


def ensure_prefix(name: str) -> str:
    """What names of Jobs that look after the database begin with, before a hash of all that they depend on."""
    return f"{name}-db-"


def precheck_job(name: str, plan: str) -> str:
    """Job that finds out whether a dump can be made. `plan`: `Plan.short`."""
    return f"{name}-precheck-{plan}"


def dump_job(name: str, plan: str) -> str:
    """Job that dumps the database before a migration."""
    return f"{name}-dump-{plan}"


def migrate_prefix(name: str) -> str:
    """What names of Jobs that migrate begin with, before `Plan.short`."""
    return f"{name}-migrate-"


def migrate_job(name: str, plan: str) -> str:
    """Job that migrates."""
    return f"{migrate_prefix(name)}{plan}"
