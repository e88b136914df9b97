"""All children of a RucioServer, in the order in which they are applied."""

from collections.abc import Iterator, Mapping
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.context import Context
from datalake_operator.build.labels import AS_FOUND, REPLICAS, labels, owner
from datalake_operator.build.rucio import called, config, daemons, database, network
from datalake_operator.build.rucio import server as servers
from datalake_operator.build.rucio.config import Role
from datalake_operator.build.rucio.jobs import config_name, jobs
from datalake_operator.build.rucio.pods import chosen, rucio_image
from datalake_operator.build.rucio.stage import Plan, Stage, Workloads

Manifest = dict[str, Any]

HELD = "datalake.projectescape.eu/held"
"""Annotation (`"true"`) of a Deployment that has no replicas until somebody approves that it deletes files."""

_USUAL_REPLICAS = 2
"""Of the REST server on creation."""


def build(server: RucioServer, context: Context, stage: Stage) -> tuple[Manifest, ...]:
    """Give the desired children in the order in which they are applied.

    Without credentials no pods, and while workloads are kept no Deployments: then nothing may be pruned. A Job that is
    there is not applied again, since it cannot change; the name of the one that looks after the database changes with
    all that it depends on.

    Raises:
        Refused: version, daemons or options are such that nothing could work; nothing shall be written.
        UnsafeValue: a field holds what must not stand in a configuration file (the models refuse it before).
    """
    wanted = daemons.instances(server)
    return (
        *_ground(server, context, stage),
        *_configuration(server, stage),
        *_jobs(server, context, stage),
        *_ways_in(server, context, stage),
        *_workloads(server, context, stage, wanted),
    )


def _ground(server: RucioServer, context: Context, stage: Stage) -> Iterator[Manifest]:
    """What is kept, and the embedded database."""
    yield from database.secrets(server, _kept(server, called.DATABASE_JOB))
    yield from database.claims(server, _kept(server, called.POSTGRES))
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {**_metadata(server, called.SERVER), "name": server.metadata.name},
        "automountServiceAccountToken": False,
    }
    if server.spec.database.embedded:
        metadata = _metadata(server, called.POSTGRES)
        yield database.service(server, metadata)
        if stage.credentials:
            yield database.stateful_set(server, context, stage, metadata)


def _configuration(server: RucioServer, stage: Stage) -> Iterator[Manifest]:
    for role in Role:
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {**_metadata(server, role.value), "name": config_name(server, role)},
            "immutable": True,
            "data": config.data(server, role),
        }
    if stage.plan:
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                **_metadata(server, called.DATABASE_JOB),
                "name": called.plan_config_map(server.metadata.name),
            },
            "data": _plan(stage.plan),
        }


def _jobs(server: RucioServer, context: Context, stage: Stage) -> Iterator[Manifest]:
    if stage.credentials:
        yield from jobs(server, context, stage, _metadata(server, called.DATABASE_JOB))


def _ways_in(server: RucioServer, context: Context, stage: Stage) -> Iterator[Manifest]:
    name, metadata = server.metadata.name, _metadata(server, called.SERVER)
    yield network.service(server, metadata, called.server_service(name), called.SERVER)
    if server.spec.auth_server.separate:
        yield network.service(server, _metadata(server, called.AUTH), called.auth_service(name), called.AUTH)
    if _replicas(server, stage) != 1:
        yield network.disruption_budget(server, metadata)
    if context.pod_monitor and server.spec.monitoring.pod_monitor:
        yield from network.pod_monitors(server, metadata)
    way = network.ingress(server, metadata)
    if way:
        yield way


def _workloads(
    server: RucioServer, context: Context, stage: Stage, wanted: tuple[daemons.Instance, ...]
) -> Iterator[Manifest]:
    if not stage.credentials:
        return
    if stage.workloads in (Workloads.STOPPED, Workloads.RUNNING):
        yield from _deployments(server, context, stage, wanted)
    cron_job = database.scheduled(server, context, stage, _metadata(server, called.BACKUP))
    if cron_job:
        yield cron_job


def _deployments(
    server: RucioServer, context: Context, stage: Stage, wanted: tuple[daemons.Instance, ...]
) -> Iterator[Manifest]:
    name, image = server.metadata.name, rucio_image(server, context)
    config_of = {role: config_name(server, role) for role in Role}
    own = servers.deployment(server, stage, called.SERVER, config_of[Role.SERVER], image)
    found = server.spec.replicas is None
    yield _deployment(server, stage, called.server(name), called.SERVER, _replicas(server, stage), own, as_found=found)
    if server.spec.auth_server.separate:
        own = servers.deployment(server, stage, called.AUTH, config_of[Role.SERVER], image)
        yield _deployment(server, stage, called.auth(name), called.AUTH, server.spec.auth_server.replicas, own)
    for one in wanted:
        own = daemons.deployment(server, stage, one, config_of[Role.DAEMON], image)
        component = called.daemon_component(one.name)
        held = stage.held and one.known.destructive
        yield _deployment(server, stage, called.daemon(name, one.name), component, one.replicas, own, held=held)


def _deployment(
    server: RucioServer,
    stage: Stage,
    name: str,
    component: str,
    replicas: int,
    own: Manifest,
    *,
    as_found: bool = False,
    held: bool = False,
) -> Manifest:
    stopped = stage.workloads is Workloads.STOPPED
    annotations = {
        **({called.STOPPED: "true"} if stopped else {}),
        **({HELD: "true"} if held else {}),
        **({REPLICAS: AS_FOUND} if as_found and not stopped else {}),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            **_metadata(server, component, versioned=True),
            **({"annotations": annotations} if annotations else {}),
            "name": name,
        },
        "spec": {
            "replicas": 0 if stopped or held else replicas,
            "selector": {"matchLabels": chosen(server, component)},
            **own,
        },
    }


def _replicas(server: RucioServer, stage: Stage) -> int:
    """Of the REST server, when it runs."""
    if server.spec.replicas is not None:
        return server.spec.replicas
    return stage.found_replicas.get(called.server(server.metadata.name), _USUAL_REPLICAS)


def _plan(plan: Plan) -> dict[str, str]:
    words = f"""hash: {plan.hash}
from: {plan.from_revision}
to: {plan.to_revision}
revisions, in this order:
""" + "".join(f"  {revision}\n" for revision in plan.path)
    return {"plan.txt": words, **({"plan.sql": plan.sql} if plan.sql is not None else {})}


def _metadata(server: RucioServer, component: str, *, versioned: bool = False) -> Manifest:
    """Labels and owner; the version only on what changes with it anyway."""
    name = server.metadata.name
    return {
        "namespace": server.metadata.namespace,
        "labels": labels(called.APP, name, component, server.spec.version if versioned else None),
        "ownerReferences": [owner("RucioServer", name, server.metadata.uid)],
    }


def _kept(server: RucioServer, component: str) -> Mapping[str, Any]:
    """The same for what outlives the resource unless the spec says otherwise."""
    metadata = _metadata(server, component)
    if server.spec.deletion_policy == "Delete":
        return metadata
    return {part: value for part, value in metadata.items() if part != "ownerReferences"}
