"""What all pods of a RucioServer share. They fit the `restricted` pod security standard.

Nothing here may depend on the version of the operator: what changes in a template replaces pods.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.context import Context
from datalake_operator.build.image import image_reference
from datalake_operator.build.labels import selector, stable_labels
from datalake_operator.build.parts import (
    canonical_resources,
    confined,
    owns_volumes,
    placement,
    pull_secrets,
    runs_as,
    variables,
)
from datalake_operator.build.rucio import called, mounts
from datalake_operator.build.rucio.mounts import Mount
from datalake_operator.build.rucio.stage import Stage

RUCIO_USER = 10941
"""Numeric user and group of the image of Rucio."""

POSTGRES_USER = 10942
"""Numeric user and group of the image of PostgreSQL."""

MOUNTED = "datalake.projectescape.eu/mounted"
"""Annotation of a pod template with the stamps of Secrets and ConfigMaps that it mounts: a change replaces its pods."""

_RUN_SIZE = "16Mi"
"""Memory for rucio.cfg with its passwords: a few KiB."""

_SHARED_SIZE = "64Mi"
"""Memory for gunicorn's signs of life, and what else asks for shared memory; as much as containers have by default."""


@dataclass(frozen=True)
class Pod:
    """One pod template."""

    component: str
    container: dict[str, Any]
    """Its only container without what `template` adds."""

    mounts: tuple[Mount, ...]
    user: int = RUCIO_USER
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the pod's spec."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels, which selectors do not hold."""


def template(server: RucioServer, pod: Pod, stage: Stage | None) -> dict[str, Any]:
    """A pod template.

    Args:
        server: the resource.
        pod: what is its own.
        stage: with the stamps; None where changed Secrets need no new pod.
    """
    stamps = _stamps(pod.mounts, stage) if stage else ""
    security = owns_volumes if any("persistentVolumeClaim" in mount.source for mount in pod.mounts) else runs_as
    metadata = {"labels": stable_labels(called.APP, server.metadata.name, pod.component) | dict(pod.labels)}
    return {
        "metadata": metadata | ({"annotations": {MOUNTED: stamps}} if stamps else {}),
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "serviceAccountName": server.metadata.name,
            "securityContext": security(pod.user),
            "containers": [
                {
                    **pod.container,
                    "imagePullPolicy": server.spec.image.pull_policy,
                    "securityContext": confined(),
                    # Never the end of the log instead: nobody knows what Rucio writes there.
                    "terminationMessagePolicy": "File",
                    "volumeMounts": [mount.entry() for mount in pod.mounts],
                }
            ],
            "volumes": [mount.volume() for mount in pod.mounts],
            **pod.fields,
            **pull_secrets(server.spec.image),
            **placement(server.spec),
        },
    }


def rucio_mounts(server: RucioServer, config_name: str, *, run_size: str = _RUN_SIZE) -> tuple[Mount, ...]:
    """What every pod with Rucio in it has: configuration, the way to the database, and room to write.

    Args:
        server: the resource.
        config_name: its ConfigMap.
        run_size: memory for /run/rucio.
    """
    return (
        mounts.config(config_name),
        *mounts.database(server),
        *mounts.options(server),
        mounts.scratch("tmp", "/tmp"),  # noqa: S108 - an emptyDir of the pod's own
        mounts.scratch("run", "/run/rucio", memory=run_size),
        mounts.scratch("shm", "/dev/shm", memory=_SHARED_SIZE),  # noqa: S108
    )


def environment(server: RucioServer, **more: str | int | None) -> dict[str, Any]:
    """A container's `env`, with the host of the embedded database; an external one's stands in its URL."""
    host = called.postgres(server.metadata.name) if server.spec.database.embedded else None
    found = variables(RUCIO_DATABASE_HOST=host, **more)
    return {"env": found} if found else {}


def arguments(words: Iterable[str]) -> dict[str, Any]:
    """A container's `args`, such that it is given just these: Kubernetes would replace `$(NAME)`."""
    escaped = [word.replace("$", "$$") for word in words]
    return {"args": escaped} if escaped else {}


def chosen(server: RucioServer, component: str) -> dict[str, str]:
    """The labels by which pods of a component are selected."""
    return selector(called.APP, server.metadata.name, component)


def rucio_image(server: RucioServer, context: Context) -> str:
    """Image of Rucio: tagged with the version unless spec or installation say otherwise."""
    default = context.rucio_image
    tagged = "@" in default or ":" in default.rpartition("/")[2]
    return image_reference(server.spec.image, default if tagged else f"{default}:{server.spec.version}")


def resources(*wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The first of these that says anything."""
    return canonical_resources(next((one for one in wanted if any(one.values())), {}))


def _stamps(mounted: Iterable[Mount], stage: Stage) -> str:
    mentioned = sorted({mention for mount in mounted for mention in mount.mentions})
    return ",".join(f"{one}={stage.stamps[one]}" for one in mentioned if one in stage.stamps)
