"""QoSProbe: what the engine asks of it, answered by `api`, `build`, `probes` and `status`."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime

from datalake_operator.api.probe import QoSProbe
from datalake_operator.build import Context
from datalake_operator.build import probe as builder
from datalake_operator.build.labels import belongs_to
from datalake_operator.kube import resource as kube
from datalake_operator.kube.references import Reference
from datalake_operator.reconcile.kind import Kind, Manifest
from datalake_operator.reconcile.named import Named, missing_keys, require_cluster
from datalake_operator.status import Assessment, View
from datalake_operator.status import probe as judge

_OURS = {resource.kind: resource for resource in (kube.XCACHE_NODES, kube.RUCIO_SERVERS)}


class ProbeKind(Kind[QoSProbe]):
    """One probe: a plan, and the CronJob that carries it out."""

    resource = kube.QOS_PROBES
    app = "probe"
    children = (kube.CONFIG_MAPS, kube.CRON_JOBS, kube.JOBS)
    transient = (kube.JOBS,)
    halted = (kube.CRON_JOBS,)
    runs_on_request = True

    def references(self, model: QoSProbe) -> tuple[Reference, ...]:
        """What it measures of ours, and every Secret and ConfigMap that the spec names."""
        namespace = model.metadata.namespace or ""
        named = [(resource, name) for resource, name, _ in _named(model)]
        measured = builder.reference(model)
        if measured is not None:
            named.append((_OURS[measured[0]], measured[1]))
        return tuple(Reference(resource, namespace, name) for resource, name in dict.fromkeys(named))

    def lacking(self, model: QoSProbe, view: View) -> Sequence[str]:
        """The keys that are not in them."""
        return tuple(dict.fromkeys(missing_keys(_named(model), view)))

    def build(self, model: QoSProbe, context: Context, view: View) -> tuple[Manifest, ...]:
        """Give the plan and the CronJob.

        Raises:
            Postponed: it is not known what identifies this cluster, and so which folder on storage is ours.
            Refused: the probe cannot work; the message has the figures.
        """
        require_cluster(context, "names the folder of this cluster on storage")
        return builder.build(model, context, builder.resolve(model, view.references))

    def assess(self, model: QoSProbe, context: Context, view: View, now: datetime) -> Assessment:
        """Judge what the runs have measured."""
        return judge.assess(model, context, view, now)

    def unjudged(self, view: View, now: datetime) -> Assessment | None:
        """Let what was measured get stale: nobody reads new results while the spec is invalid."""
        return judge.without_spec(view, now)

    def spent(self, model: QoSProbe, context: Context, view: View) -> Sequence[str]:
        """Jobs that wait for what will not come, once status tells so: the next may not begin while they are there."""
        return judge.told(model, view)

    def rolled(self, model: QoSProbe, view: View) -> bool:
        """Whether no run uses an old plan, and none can begin with it any more."""
        return judge.rolled(model, view)

    def requested(self, model: QoSProbe, context: Context, view: View, value: str) -> Sequence[Manifest] | None:
        """One run now; while one goes on, when that has ended."""
        past = {run["id"] for run in view.previous.get("runs") or ()}
        job = builder.now_job(model, context, builder.resolve(model, view.references), value, past)
        made = view.children.get(("Job", job["metadata"]["name"]))
        if made is not None and belongs_to(made, model.metadata.uid):
            return ()  # it was made, and then we were interrupted
        return None if judge.active(model, view) else (job,)

    def shared(self, body: Manifest) -> Mapping[Hashable, Hashable]:
        """URLs and site of each endpoint: the same name in two probes is the same row of the grid."""
        shared: dict[Hashable, Hashable] = {}
        for endpoint in body.get("spec", {}).get("endpoints") or ():
            name = endpoint.get("name")
            shared[name, "site"] = endpoint.get("site")
            for one in endpoint.get("urls") or ():
                shared[name, f"{one.get('protocol')} URL"] = one.get("url")
        return shared


def _named(model: QoSProbe) -> Iterator[Named]:
    """Everything that the spec names in objects of others."""
    spec = model.spec
    for bundle in spec.trust.bundles:
        if bundle.config_map_key_ref is not None:
            yield kube.CONFIG_MAPS, bundle.config_map_key_ref.name, bundle.config_map_key_ref.key
        if bundle.secret_key_ref is not None:
            yield kube.SECRETS, bundle.secret_key_ref.name, bundle.secret_key_ref.key
    if spec.rucio is not None and spec.rucio.credentials_secret_ref is not None:
        for key in ("username", "password"):
            yield kube.SECRETS, spec.rucio.credentials_secret_ref.name, key
    for source in spec.maintenance_from:
        yield kube.CONFIG_MAPS, source.config_map_ref.name, source.config_map_ref.key
