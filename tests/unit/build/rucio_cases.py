"""RucioServers to build: from the golden files, or changed from one that says everything."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from datalake_operator.api.parse import parse
from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.rucio import Plan, Stage, Workloads, build
from tests.unit.build.conftest import CONTEXT, ROOT

GOLDEN = ROOT / "tests" / "golden" / "rucioserver"
RUCIO_CONTEXT = replace(CONTEXT, cluster="c-1")
RUNNING = Stage(workloads=Workloads.RUNNING, credentials=True)


def read(case: Path) -> tuple[RucioServer, Stage]:
    """The resource of a case, and what is wanted of it."""
    body, more = yaml.safe_load_all((case / "input.yaml").read_text())
    return parsed(body), stage(more["stage"])


def stage(said: Mapping[str, Any]) -> Stage:
    """What is wanted, as a golden file says it."""
    plan = said.get("plan")
    made = Plan(**{**plan, "path": tuple(plan["path"])}) if plan else None
    return Stage(**{**said, "workloads": Workloads(said["workloads"]), "plan": made})


def parsed(body: Mapping[str, Any]) -> RucioServer:
    """The model of a manifest."""
    server = parse(body)
    assert isinstance(server, RucioServer)
    return server


def rucio(name: str = "rucio", *, annotations: Mapping[str, str] | None = None, **spec: Any) -> RucioServer:
    """A server with an embedded database unless the spec says otherwise."""
    return parsed(
        {
            "apiVersion": "datalake.projectescape.eu/v1alpha1",
            "kind": "RucioServer",
            "metadata": {"name": name, "namespace": "demo", "uid": "u-1", "annotations": dict(annotations or {})},
            "spec": {"database": {"embedded": {}}, **spec},
        }
    )


def children(server: RucioServer, wanted: Stage = RUNNING) -> dict[tuple[str, str], dict[str, Any]]:
    """Its children by kind and name."""
    built = build(server, RUCIO_CONTEXT, wanted)
    found = {(child["kind"], child["metadata"]["name"]): child for child in built}
    assert len(found) == len(built)
    return found


def templates(built: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The pod template of each child that has one."""
    found = {}
    for key, child in built.items():
        spec = child.get("spec", {})
        spec = spec["jobTemplate"]["spec"] if child["kind"] == "CronJob" else spec
        if "template" in spec:
            found[key] = spec["template"]
    return found


def container(template: Mapping[str, Any]) -> dict[str, Any]:
    """The one container of a pod template."""
    (found,) = template["spec"]["containers"]
    assert isinstance(found, dict)
    return found
