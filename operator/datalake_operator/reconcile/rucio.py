"""RucioServer: what the engine asks of it, answered by `api`, `build` and `status`."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Context, rucio
from datalake_operator.build.rucio.stage import Workloads
from datalake_operator.kube import resource as kube
from datalake_operator.kube.references import Reference
from datalake_operator.reconcile import growth
from datalake_operator.reconcile.kind import Kind, Manifest
from datalake_operator.reconcile.named import Named, keys, missing_keys, require_cluster
from datalake_operator.reconcile.rucio_state import State
from datalake_operator.status import Assessment, View
from datalake_operator.status import rucio as judge
from datalake_operator.status.rucio import live


class RucioKind(Kind[RucioServer]):
    """One Rucio: database, servers, daemons."""

    resource = kube.RUCIO_SERVERS
    app = "rucio"
    children = (
        kube.SERVICE_ACCOUNTS,
        kube.SECRETS,
        kube.CONFIG_MAPS,
        kube.CLAIMS,
        kube.SERVICES,
        kube.STATEFUL_SETS,
        kube.JOBS,
        kube.CRON_JOBS,
        kube.DEPLOYMENTS,
        kube.POD_DISRUPTION_BUDGETS,
        kube.INGRESSES,
        kube.POD_MONITORS,
    )

    def references(self, model: RucioServer) -> tuple[Reference, ...]:
        """Every Secret and ConfigMap that the spec names."""
        namespace = model.metadata.namespace or ""
        return tuple(dict.fromkeys(Reference(resource, namespace, name) for resource, name, _ in _named(model)))

    def lacking(self, model: RucioServer, view: View) -> Sequence[str]:
        """The keys that are not in them, nor any more in the Secrets that we made."""
        missing = missing_keys(_named(model), view)
        own = _own(model, view).children
        for name, wanted in judge.own_secrets(model).items():
            secret = own.get((kube.SECRETS.kind, name))
            missing += [
                f"key {key} of Secret {name}" for key in wanted if secret is not None and key not in keys(secret)
            ]
        return tuple(dict.fromkeys(missing))

    def build(self, model: RucioServer, context: Context, view: View) -> tuple[Manifest, ...]:
        """Give the children that are wanted at this stage, claims at the sizes that they can have now.

        Raises:
            Postponed: it is not known what identifies this cluster, and so whose a database is.
            Refused: the spec asks for what this version of Rucio has not, or for what would harm the data.
        """
        require_cluster(context, "tells whose a database is")
        own = _own(model, view)
        refused = judge.refusal(model, own, context)
        if refused is not None:
            raise refused
        return growth.settled(rucio.build(model, context, judge.stage(model, own, context)), own)

    def assess(self, model: RucioServer, context: Context, view: View, now: datetime) -> Assessment:
        """Judge the database, the servers, the daemons."""
        return judge.assess(model, _own(model, view), context, now)

    def keeps(self, model: RucioServer, context: Context, view: View) -> bool:
        """Whether workloads stay although none is wanted: what became of the database is not known yet."""
        return judge.stage(model, _own(model, view), context).workloads is Workloads.KEPT

    def spent(self, model: RucioServer, context: Context, view: View) -> Sequence[str]:
        """Jobs whose finding no longer holds."""
        return judge.spent_jobs(model, _own(model, view), context)

    def rolled(self, model: RucioServer, view: View) -> bool:
        """Whether every workload runs its newest revision only."""
        return all(_rolled(child) for child in _own(model, view).children.values())

    def stuck_pods(self, model: RucioServer, view: View) -> Sequence[Manifest]:
        """The database's pod, where it is of an old revision and never became Ready."""
        return judge.stuck_pods(model, _own(model, view))

    def observed_at(self, model: RucioServer, view: View) -> Hashable | None:
        """A server pod, and the account root."""
        return judge.target(model, _own(model, view))

    def notable(self, data: Mapping[str, Any]) -> object:
        """What shows in a condition; not the times of heartbeats, which change all the time."""
        return State.model_validate(data).notable()


def _named(model: RucioServer) -> Iterator[Named]:
    """Everything that the spec names in objects of others."""
    spec, external = model.spec, model.spec.database.external
    if external is not None:
        for ref in (external.url_secret_ref, external.admin_url_secret_ref, external.ca_secret_ref):
            if ref is not None:
                yield kube.SECRETS, ref.name, ref.key
    if spec.root_account.secret_ref is not None:
        for key in ("username", "password"):
            yield kube.SECRETS, spec.root_account.secret_ref.name, key
    for option in spec.secret_config:
        yield kube.SECRETS, option.secret_key_ref.name, option.secret_key_ref.key
    for file in spec.files:
        if file.secret_key_ref is not None:
            yield kube.SECRETS, file.secret_key_ref.name, file.secret_key_ref.key
        if file.config_map_key_ref is not None:
            yield kube.CONFIG_MAPS, file.config_map_key_ref.name, file.config_map_key_ref.key


def _own(model: RucioServer, view: View) -> View:
    """The view without what merely carries our labels: children of another controller, and pods of none."""
    return replace(
        view,
        children={
            key: child for key, child in view.children.items() if _controller(child) in (None, model.metadata.uid)
        },
        pods=tuple(pod for pod in view.pods if _controller(pod) is not None),
    )


def _controller(child: Manifest) -> str | None:
    owners = child["metadata"].get("ownerReferences", ())
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def _rolled(child: Manifest) -> bool:
    """Whether a workload has no pod of an old revision; true for everything else."""
    status = child.get("status", {})
    if child["kind"] == kube.DEPLOYMENTS.kind:
        wanted = live.replicas(child)
        return live.current(child) and status.get("updatedReplicas", 0) >= wanted == status.get("replicas", 0)
    if child["kind"] == kube.STATEFUL_SETS.kind:
        return live.current(child) and status.get("currentRevision") == status.get("updateRevision")
    return True
