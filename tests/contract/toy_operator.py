"""The operator with a toy in place of its kinds: a RucioServer that is a StatefulSet with one Secret.

No kind of today has a Secret that rolls its users; so this one shows that the engine does it. Run by `test_secrets`.
"""

import asyncio
import hashlib
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from datalake_operator.build import Context
from datalake_operator.build.labels import labels, owner, selector, stable_labels
from datalake_operator.kube import resource as kube
from datalake_operator.kube.config import Config
from datalake_operator.kube.references import Reference
from datalake_operator.kube.session import Api
from datalake_operator.logs import configure
from datalake_operator.metrics import Metrics
from datalake_operator.reconcile.kind import Kind, Manifest
from datalake_operator.run import Operator
from datalake_operator.settings import Settings
from datalake_operator.status import Assessment, Condition, View

Body = Mapping[str, Any]


class Unserved(Kind[Body]):
    """A kind that is watched, and of which there is none."""

    def __init__(self, resource: kube.Resource, app: str) -> None:
        self.resource = resource
        self.app = app

    def build(self, model: Body, context: Context, view: View) -> tuple[Manifest, ...]:
        raise NotImplementedError

    def assess(self, model: Body, context: Context, view: View, now: datetime) -> Assessment:
        raise NotImplementedError


class Toy(Kind[Body]):
    """A StatefulSet whose pods start anew whenever the Secret of `spec.database.external` changes."""

    resource = kube.RUCIO_SERVERS
    app = "toy"
    children = (kube.STATEFUL_SETS,)

    def parse(self, body: Manifest) -> Body:
        return body

    def references(self, model: Body) -> tuple[Reference, ...]:
        return (Reference(kube.SECRETS, model["metadata"]["namespace"], _secret(model)),)

    def build(self, model: Body, context: Context, view: View) -> tuple[Manifest, ...]:
        name, namespace = model["metadata"]["name"], model["metadata"]["namespace"]
        data = cast("Body", view.references["Secret", _secret(model)])["data"]
        digest = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
        chosen = selector(self.app, name, "toy")
        metadata = {
            "name": name,
            "namespace": namespace,
            "labels": labels(self.app, name, "toy", "1"),
            "ownerReferences": [owner("RucioServer", name, model["metadata"]["uid"])],
        }
        template = {
            "metadata": {"labels": stable_labels(self.app, name, "toy"), "annotations": {"toy/secret": digest}},
            "spec": {"containers": [_CONTAINER], "securityContext": _SECURITY},
        }
        spec = {"replicas": 1, "serviceName": name, "selector": {"matchLabels": chosen}, "template": template}
        return ({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec},)

    def assess(self, model: Body, context: Context, view: View, now: datetime) -> Assessment:
        workload = view.children.get(("StatefulSet", model["metadata"]["name"]), {})
        ready = workload.get("status", {}).get("readyReplicas") == 1
        condition = Condition("Ready", "True" if ready else "False", "Toy", "it is a toy")
        return Assessment((condition,), {}, progressing=not ready)


_SECURITY = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
_CONTAINER = {
    "name": "toy",
    "image": "example.org/toy:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}


def _secret(model: Body) -> str:
    return str(model["spec"]["database"]["external"]["urlSecretRef"]["name"])


async def _run() -> None:
    settings, metrics = Settings.from_environment(), Metrics()
    configure(settings.log_format, settings.log_level)
    kinds = (Toy(), Unserved(kube.XCACHE_NODES, "xcache"), Unserved(kube.QOS_PROBES, "probe"))
    async with await Api.connect(await Config.load(), metrics.request) as api:
        await Operator(api, settings, metrics, kinds).run()


if __name__ == "__main__":
    sys.exit(asyncio.run(_run()))
