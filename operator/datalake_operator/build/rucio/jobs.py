"""Jobs at the database. A Job never changes: what it depends on is in its name, or it stays as it was made."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import names
from datalake_operator.build.context import Context
from datalake_operator.build.rucio import called, config, mounts
from datalake_operator.build.rucio.config import Role
from datalake_operator.build.rucio.database import backup_pod
from datalake_operator.build.rucio.pods import (
    Pod,
    arguments,
    environment,
    resources,
    rucio_image,
    rucio_mounts,
    template,
)
from datalake_operator.build.rucio.stage import Plan, Stage

Manifest = dict[str, Any]

MIGRATION = "migration"
"""What names of dumps before a migration begin with."""

_ALWAYS = 2**31 - 1
"""Restarts of a Job that goes on telling what it sees; it ends by itself."""

_RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}}


def ensure_job(server: RucioServer, context: Context, stage: Stage) -> str:
    """Name of the Job that looks after the database, whose hash holds all that it depends on.

    But for whether the database was filled before: that only keeps a later one from filling it, and asks for none.

    Raises:
        Refused, UnsafeValue: there is no configuration for it.
    """
    text = json.dumps(_ensure(server, context, replace(stage, filled=False)), sort_keys=True, separators=(",", ":"))
    return called.ensure_prefix(server.metadata.name) + hashlib.sha256(text.encode()).hexdigest()[:10]


def jobs(server: RucioServer, context: Context, stage: Stage, metadata: Mapping[str, Any]) -> Iterator[Manifest]:
    """The Jobs that are wanted now."""
    name, plan = server.metadata.name, stage.plan
    yield _job(metadata, ensure_job(server, context, stage), _ensure(server, context, stage), restarts=_ALWAYS)
    if plan is None:
        return
    keep = server.spec.migrations.backup.keep
    if stage.precheck:
        pod = backup_pod(server, context, prefix=MIGRATION, keep=keep, check=True)
        yield _job(metadata, called.precheck_job(name, plan.short), pod, restarts=2)
    if stage.dump:
        pod = backup_pod(server, context, prefix=MIGRATION, keep=keep)
        yield _job(metadata, called.dump_job(name, plan.short), pod, restarts=2)
    if stage.migrate:
        pod = _migrate(server, context, plan)
        job = _job(metadata, called.migrate_job(name, plan.short), pod, restarts=_ALWAYS)
        job["spec"]["podReplacementPolicy"] = "Failed"  # never two at a time: a pod that stops may still migrate
        yield job


def config_name(server: RucioServer, role: Role) -> str:
    """Name of the ConfigMap of servers and Jobs, or of daemons."""
    return names.hashed(called.config(server.metadata.name), config.data(server, role))


def _ensure(server: RucioServer, context: Context, stage: Stage) -> Manifest:
    """Classifies the database; fills or adopts it, sets the password of root. The only pod that sees that password."""
    manage = {None: "auto", True: "yes", False: "no"}[server.spec.root_account.manage]
    words = [
        "ensure",
        *(["--bootstrap"] if server.spec.bootstrap == "IfEmpty" and not stage.filled else []),
        *([f"--adopt={stage.adopt}"] if stage.adopt else []),
        *("--root-secret", mounts.ROOT),
        *("--manage-root", manage),
        *("--lfn2pfn", config.lfn2pfn(server)),
        *_identity(server, context),
    ]
    return template(server, _pod(server, context, words, mounts.root(server)), stage)


def _migrate(server: RucioServer, context: Context, plan: Plan) -> Manifest:
    words = ["migrate", "--plan", plan.hash, *_identity(server, context)]
    return template(server, _pod(server, context, words), None)


def _identity(server: RucioServer, context: Context) -> tuple[str, ...]:
    """Whose database it shall be, which version it is for, and that the Job goes on until all is well."""
    metadata = server.metadata
    return (
        *("--cluster", context.cluster),
        *("--namespace", metadata.namespace or ""),
        *("--name", metadata.name),
        *("--version", server.spec.version),
        "--watch",
    )


def _pod(server: RucioServer, context: Context, words: list[str], *more: mounts.Mount) -> Pod:
    """A pod with Rucio's database tool, as the owner of the database where the spec gives that one's URL."""
    admin = mounts.admin_database(server)
    container = {
        "name": "database",
        "image": rucio_image(server, context),
        "command": ["tini", "--", "rucio-run", "rucio-database"],
        **arguments(words),
        **environment(server, RUCIO_USE_ADMIN=1 if admin else None),
        "resources": resources(_RESOURCES),
    }
    mounted = (*rucio_mounts(server, config_name(server, Role.SERVER)), *admin, *more)
    return Pod(called.DATABASE_JOB, container, mounted, fields={"restartPolicy": "OnFailure"})


def _job(metadata: Mapping[str, Any], name: str, pod: Manifest, *, restarts: int) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**metadata, "name": name},
        "spec": {"backoffLimit": restarts, "template": pod},
    }
