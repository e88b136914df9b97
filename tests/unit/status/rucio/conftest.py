"""Objects of a RucioServer as the API server would hold them."""

import base64
import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from datalake_operator.api.parse import parse
from datalake_operator.api.rucio import RucioServer
from datalake_operator.build import Context
from datalake_operator.build.rucio.stage import Stage
from datalake_operator.status import View
from tests.unit.status.conftest import ROOT

machine: Any = importlib.import_module("datalake_operator.status.rucio.stage")
"""The module, whose name is that of a function beside it."""

real_job_name = machine._ensure_job

CONTEXT = Context(xcache_image="x:1", operator_namespace="operator", cluster="cluster-uid")
PREFIX = "datalake.projectescape.eu/"
HEAD, OLD, MIDDLE = "3b943000da18", "a08fa8de1545", "b0070f3695c8"
"""Revisions: of the version that is wanted, of the one before, and of one between."""
PLAN = "1" * 64
PATH = (MIDDLE, HEAD)
MINIMAL = yaml.safe_load((ROOT / "examples" / "rucio-minimal.yaml").read_text())
EXTERNAL = {"external": {"urlSecretRef": {"name": "db", "key": "uri"}}}


def server(annotations: Mapping[str, str] | None = None, **spec: Any) -> RucioServer:
    """The minimal server with fields of its spec replaced; names of annotations without our prefix."""
    metadata = {
        **MINIMAL["metadata"],
        "annotations": {PREFIX + name: value for name, value in (annotations or {}).items()},
    }
    made = parse({**MINIMAL, "metadata": metadata, "spec": {**MINIMAL["spec"], **spec}})
    assert isinstance(made, RucioServer)
    return made


def job_name(one: RucioServer, context: Context, ground: Stage) -> str:
    """Stands in for the name that the build gives, which hashes all that goes into the Job."""
    parts = (context.cluster, one.spec.version, one.spec.bootstrap, ground.adopt, sorted(ground.stamps.items()))
    return f"{one.metadata.name}-db-{hashlib.sha256(repr(parts).encode()).hexdigest()[:10]}"


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_ensure_job", job_name)


def secret(name: str, version: int = 1, **data: str) -> dict[str, Any]:
    values = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}, "data": values}


def job(name: str, *, complete: bool = False, failed: bool = False, **status: Any) -> dict[str, Any]:
    conditions = [
        {"type": type_, "status": "True"} for type_, true in (("Complete", complete), ("Failed", failed)) if true
    ]
    return {
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "status": {"conditions": conditions, **status},
    }


def job_pod(name: str, told: object, *, at: str = "2026-11-25T11:00:00Z", last: bool = True) -> dict[str, Any]:
    """A pod of a Job that has ended (`last`), or runs again, after it told something."""
    text = told if isinstance(told, str) else json.dumps(told)
    ended = {"terminated": {"exitCode": 0 if last else 3, "finishedAt": at, "message": text}}
    state = ended if last else {"running": {}}
    component = "backup" if "-dump-" in name or "-precheck-" in name or "-backup-" in name else "database-job"
    return {
        "metadata": {
            "name": f"{name}-pod",
            "labels": {"batch.kubernetes.io/job-name": name, "app.kubernetes.io/component": component},
            "ownerReferences": [{"kind": "Job", "name": name, "uid": f"uid-{name}", "controller": True}],
        },
        "status": {
            "phase": "Succeeded" if last else "Running",
            "containerStatuses": [
                {"name": "database", "started": not last, "state": state, **({} if last else {"lastState": ended})}
            ],
        },
    }


def result(state: str = "current", **parts: Any) -> dict[str, Any]:
    """What the database tool says."""
    plan = {"hash": PLAN, "sql": "ALTER TABLE rules;"} if state == "behind" else None
    return {
        "version": 1,
        "verb": "ensure",
        "state": state,
        "message": f"it is {state}",
        "database": "rucio",
        "schema": "",
        "revision": OLD if state == "behind" else HEAD,
        "head": HEAD,
        "path": list(PATH) if state == "behind" else [],
        "plan": plan,
        "serverMajor": 17,
        "databaseBytes": 1000,
        "maxConnections": 200,
        "owner": {"cluster": "cluster-uid", "namespace": "demo", "name": "rucio"},
        "ours": True,
        "hold": None,
        "bootstrapped": False,
        "rootPassword": None,
        "rucioVersion": "41.5.1",
        "policySupports": None,
        "foreign": [],
        **parts,
    }


def dumped(state: str = "done", **parts: Any) -> dict[str, Any]:
    """What the backup tool says."""
    return {
        "version": 1,
        "state": state,
        "message": f"it is {state}",
        "file": None,
        "backups": [],
        "freeBytes": 1,
        "databaseBytes": 1,
        "dumpMajor": 17,
        "serverMajor": 17,
        **parts,
    }


def deployment(name: str, replicas: int = 1, *, stopped: bool = False, **status: Any) -> dict[str, Any]:
    """A Deployment whose controller has done its work."""
    count = {"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas} if replicas else {}
    annotations = {f"{PREFIX}stopped": "true"} if stopped else {}
    return {
        "metadata": {"name": name, "generation": 3, "annotations": annotations},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 3, **count, **status},
    }


def pod(component: str, name: str = "", *, ready: bool = True, **status: Any) -> dict[str, Any]:
    state = {"running": {"startedAt": "2026-11-25T11:59:30Z"}}
    return {
        "metadata": {"name": name or f"rucio-{component}-pod", "labels": {"app.kubernetes.io/component": component}},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-11-25T11:59:40Z"},
            ],
            "containerStatuses": [{"name": component, "ready": ready, "started": True, "state": state}],
            **status,
        },
    }


ROOT_SECRET = secret("rucio-root", username="root", password="root-secret")  # noqa: S106 - made up
DATABASE_SECRET = secret("rucio-database", username="rucio", password="db-secret", database="rucio")  # noqa: S106


def view(*children: tuple[str, Mapping[str, Any]], pods: tuple[Mapping[str, Any], ...] = (), **parts: Any) -> View:
    """What is there: Secrets, an embedded database, and whatever is given as (kind, object)."""
    everything = (("Secret", ROOT_SECRET), ("Secret", DATABASE_SECRET), *children)
    return View(
        children={(kind, one["metadata"]["name"]): one for kind, one in everything},
        pods=(*pods, pod("postgres", "rucio-postgres-0")),
        **parts,
    )


def ensure(one: RucioServer, seen: View) -> str:
    """Name of the Job that looks at the database."""
    return str(machine.look(one, seen, CONTEXT).job)


def found(one: RucioServer, seen: View, told: Mapping[str, Any]) -> View:
    """The same view after that Job has told something: it ends where all is well, and looks again otherwise."""
    name = ensure(one, seen)
    well = told["state"] == "current" and told["ours"]
    return replace(
        seen,
        children={**seen.children, ("Job", name): job(name, complete=well)},
        pods=(*seen.pods, job_pod(name, told, last=well)),
    )
