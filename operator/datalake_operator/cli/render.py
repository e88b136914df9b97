"""`datalake render`: the children that a manifest becomes."""

import os

import click

from datalake_operator.build import Context
from datalake_operator.cli.children import UID, children
from datalake_operator.cli.dump import dump
from datalake_operator.cli.manifests import read
from datalake_operator.cli.problems import INVALID, checked
from datalake_operator.settings import Settings


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--namespace", default="default", show_default=True, help="Namespace of manifests that name none.")
@click.option("--xcache-image", help="The operator's image of caches. Default: as the operator itself has it.")
@click.option("--rucio-image", help="The operator's image of Rucio. Default: as the operator itself has it.")
@click.option("--postgres-image", help="The operator's image of PostgreSQL. Default: as the operator itself has it.")
@click.option("--probe-image", help="The operator's image of probes. Default: as the operator itself has it.")
@click.option("--pod-monitor/--no-pod-monitor", default=False, help="Whether the cluster has PodMonitor.")
def render(
    files: tuple[str, ...],
    namespace: str,
    xcache_image: str | None,
    rucio_image: str | None,
    postgres_image: str | None,
    probe_image: str | None,
    *,
    pod_monitor: bool,
) -> None:
    """Print the objects that the operator would make, as YAML; owner references have a placeholder for the uid.

    Of a RucioServer these are the objects of one whose database is current, with placeholders for passwords;
    of a QoSProbe the address of the cache or Rucio that it refers to is a guess from its name.
    """
    settings = Settings.from_environment({**os.environ, "DATALAKE_NAMESPACE": namespace})
    context = Context(
        xcache_image or settings.xcache_image,
        operator_namespace=namespace,
        pod_monitor=pod_monitor,
        rucio_image=rucio_image or settings.rucio_image,
        postgres_image=postgres_image or settings.postgres_image,
        probe_image=probe_image or settings.probe_image,
        cluster=UID,
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
        if model is not None and not problems:
            click.echo("---\n" + dump(children(model, context, namespace)), nl=False)
    if failed:
        raise SystemExit(INVALID)
