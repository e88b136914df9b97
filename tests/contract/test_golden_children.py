"""What the API server makes of the children in golden files: exactly what was sent, and no change the second time."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from datalake_operator.reconcile.compare import is_subset
from tests.support.client import Client, Object
from tests.support.operator import ROOT

CASES = sorted(
    case
    for kind in ("qosprobe", "rucioserver", "xcachenode")
    for case in (ROOT / "tests/golden" / kind).glob("*/output.yaml")
)
NAMES = [f"{case.parent.parent.name}-{case.parent.name}" for case in CASES]


def children(case: Path, namespace: str) -> list[Object]:
    """The children of a case, moved to the test's namespace; a PodMonitor needs definitions that are not here."""
    read: list[Object] = [child for child in yaml.safe_load_all(case.read_text()) if child["kind"] != "PodMonitor"]
    return [{**child, "metadata": {**child["metadata"], "namespace": namespace}} for child in read]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_a_child_applied_twice_is_what_was_sent_and_does_not_change(
    admin: Client, namespace: str, case: Path
) -> None:
    for child in children(case, namespace):
        first = await admin.apply(child)
        second = await admin.apply(child)
        if child["kind"] == "PersistentVolumeClaim":  # the server (1.36) stores a claim once more, with nothing changed
            first["metadata"]["resourceVersion"] = second["metadata"]["resourceVersion"]
            second = await admin.apply(child)
        assert first == second
        child.pop("stringData", None)  # the server keeps it as `data`
        assert is_subset(child, first), difference(child, first)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_a_pod_of_the_template_is_admitted_under_the_restricted_standard(
    admin: Client, namespace: str, case: Path
) -> None:
    for number, child in enumerate(children(case, namespace)):
        template = template_of(child)
        if template is None:
            await admin.apply(child)
            continue
        placement = {"tolerations", "priorityClassName", "nodeSelector", "affinity"}  # name classes that are not here
        spec = {key: value for key, value in template["spec"].items() if key not in placement}
        metadata = {**template["metadata"], "name": f"trial-{number}", "namespace": namespace}
        pod = await admin.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        assert pod["metadata"]["name"] == f"trial-{number}"


def template_of(child: Object) -> Object | None:
    """The pod template of a workload."""
    spec: Object = child.get("spec", {})
    found: Object | None = spec.get("jobTemplate", {}).get("spec", spec).get("template")
    return found


def difference(sent: Any, live: Any, path: str = "") -> list[str]:
    """Paths at which the live object does not hold what was sent."""
    if isinstance(sent, dict) and isinstance(live, dict):
        return [line for key in sent for line in difference(sent[key], live.get(key), f"{path}.{key}")]
    if isinstance(sent, list) and isinstance(live, list) and len(sent) == len(live):
        pairs = enumerate(zip(sent, live, strict=True))
        return [line for index, (one, other) in pairs for line in difference(one, other, f"{path}[{index}]")]
    return [] if sent == live else [f"{path}: sent {sent!r}, got {live!r}"]
