"""`datalake render`: the children that a manifest becomes."""

import os

import click

from datalake_operator.api.xcache import XCacheNode
from datalake_operator.build import Context, Refused
from datalake_operator.build.xcache import build
from datalake_operator.cli.dump import dump
from datalake_operator.cli.manifests import read
from datalake_operator.cli.problems import INVALID, checked
from datalake_operator.settings import Settings

PLACEHOLDER_UID = "00000000-0000-0000-0000-000000000000"
"""uid in owner references: only the server knows the real one."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--namespace", default="default", show_default=True, help="Namespace of manifests that name none.")
@click.option("--xcache-image", help="The operator's image of caches. Default: as the operator itself has it.")
@click.option("--pod-monitor/--no-pod-monitor", default=False, help="Whether the cluster has PodMonitor.")
def render(files: tuple[str, ...], namespace: str, xcache_image: str | None, *, pod_monitor: bool) -> None:
    """Print the objects that the operator would make, as YAML; owner references have a placeholder for the uid."""
    settings = Settings.from_environment({**os.environ, "DATALAKE_NAMESPACE": namespace})
    context = Context(
        xcache_image or settings.xcache_image,
        operator_namespace=namespace,
        pod_monitor=pod_monitor,
        monitoring_namespaces=settings.monitoring_namespaces,
    )
    failed = False
    for manifest in read(files):
        if not manifest.is_ours:
            continue
        model, problems = checked(manifest.body)
        for problem in problems:
            click.echo(f"{manifest.source}:{manifest.line(problem.field)}: {problem}", err=True)
        failed = failed or bool(problems)
        if problems or not isinstance(model, XCacheNode):
            continue
        metadata = model.metadata.model_copy(
            update={"uid": PLACEHOLDER_UID, "namespace": model.metadata.namespace or namespace}
        )
        try:
            click.echo("---\n" + dump(build(model.model_copy(update={"metadata": metadata}), context)), nl=False)
        except Refused as refused:
            click.echo(f"{manifest.source}:{manifest.line('spec')}: {refused}", err=True)
            failed = True
    if failed:
        raise SystemExit(INVALID)
