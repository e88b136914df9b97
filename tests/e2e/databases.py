"""A PostgreSQL that is not ours, in the namespace `e2e-rucio`: one pod with several databases, for external ones."""

import json
from typing import Any
from urllib.parse import quote

from tests.demo import release
from tests.demo.kubectl import Kubectl
from tests.e2e import plain
from tests.e2e.names import RUCIO

HOST = "database"
USER = "somebody"
PASSWORD = "p@ss:w/rd%20 'n' \"more\""  # noqa: S105 - of a test; what URLs and configuration trip over
KEY = "uri"
"""Key of the URL in each Secret, as CloudNativePG calls it."""


def start(lake: Kubectl) -> None:
    """Start it, with a volume, and wait until it answers."""
    chosen = {"app.kubernetes.io/name": HOST}
    size = {"resources": {"requests": {"storage": "1Gi"}}}
    _apply(lake, "Secret", HOST, stringData={"username": USER, "password": PASSWORD, "database": "first"})
    _apply(lake, "PersistentVolumeClaim", HOST, spec={"accessModes": ["ReadWriteOnce"], **size})
    _apply(lake, "Service", HOST, spec={"selector": chosen, "ports": [{"name": "postgres", "port": 5432}]})
    plain.apply(
        lake,
        HOST,
        10942,
        {
            "/data": {"persistentVolumeClaim": {"claimName": HOST}},
            "/tmp": {"emptyDir": {}},  # noqa: S108 - of a pod
            "/run/secrets/database": {"secret": {"secretName": HOST, "defaultMode": 0o440}},
        },
        image=release.references()["postgres"],
        env=[{"name": "POSTGRES_MAX_CONNECTIONS", "value": "300"}],
        readinessProbe={"exec": {"command": ["postgres-check", "ready"]}, "periodSeconds": 1, "timeoutSeconds": 5},
    )


def run(lake: Kubectl, script: str) -> str:
    """Run a script of bash where it runs, where psql and pg_dump are its superuser."""
    script = f"set -euo pipefail; export PGHOST=/tmp PGUSER=postgres\n{script}"
    return lake.execute(RUCIO, f"deployment/{HOST}", "bash", "-s", given=script, within=120)


def sql(lake: Kubectl, database: str, statement: str) -> str:
    """What a statement answers, without decoration."""
    given = f"psql --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 {database} <<'END'\n{statement}\nEND"
    return run(lake, given).strip()


def create(lake: Kubectl, *names: str) -> None:
    """Make empty databases."""
    run(lake, "\n".join(f"createdb --owner {USER} {name}" for name in names))


def copy(lake: Kubectl, source: str, *names: str) -> None:
    """Make copies of a database that is in use, comments and all."""
    create(lake, *names)
    copied = " ".join(f">(psql --quiet --output /dev/null {name})" for name in names)
    run(lake, f"pg_dump {source} | tee {copied} > /dev/null; wait")


def external(lake: Kubectl, name: str, database: str = "", *, password: str = PASSWORD, host: str = HOST) -> None:
    """Make the Secret `NAME-url` for a database of that name, or another."""
    url = f"postgresql://{USER}:{quote(password, safe='')}@{host}.{RUCIO}.svc:5432/{database or name}"
    _apply(lake, "Secret", f"{name}-url", stringData={KEY: url})


def _apply(lake: Kubectl, kind: str, name: str, **fields: Any) -> None:
    lake.apply(json.dumps({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": RUCIO}, **fields}))
