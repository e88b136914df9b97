"""What the operator says about itself."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from datalake_operator.metrics.probes import FAMILIES
from tests.support.calls import Answer
from tests.support.client import Object
from tests.support.lab import Lab
from tests.support.objects import is_stalled
from tests.support.operator import ROOT, Operator
from tests.support.waiting import eventually

with_pods = pytest.mark.usefixtures("kubelet")


async def busy(lab: Lab) -> Operator:
    """Return an operator that has met everything that leaves a series."""
    operator = await lab.operator()
    lab.proxy.add(Answer(500), verb="patch", resource="services")
    await lab.create("good")
    await lab.create("bad", origin={"url": "roots://origin.example.org:1094"})
    await lab.ready("good")
    await lab.until(is_stalled, "bad")
    lab.proxy.drop_watches()
    await eventually(lambda: operator.metric("datalake_watch_restarts_total"), message="watch restarts are counted")
    return operator


@with_pods
async def test_every_metric_is_in_the_catalogue_and_the_other_way_round(lab: Lab) -> None:
    operator = await busy(lab)
    families = {family.name: family for family in text_string_to_metric_families(await operator.page("/metrics"))}
    ours = {
        name + ("_total" if family.type == "counter" else "")
        for name, family in families.items()
        if name.startswith("datalake_")
    }
    catalogue = set(re.findall(r"^\| `(datalake_\w+)", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))
    # Probes have series only with results; test_metrics_docs.py compares their families.
    assert ours | set(FAMILIES) == catalogue
    assert all(family.documentation for name, family in families.items() if name.startswith("datalake_"))


@with_pods
async def test_labels_are_those_of_the_catalogue(lab: Lab) -> None:
    operator = await busy(lab)
    text = (ROOT / "docs" / "metrics.md").read_text()
    documented = {
        name: set(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(r"^\| `(datalake_\w+)` \| [^|]+ \| ([^|]*) \|", text, re.MULTILINE)
    }
    assert documented
    for name, samples in (await operator.metrics()).items():
        family = re.sub(r"_(bucket|count|sum)$", "", name) if name not in documented else name
        for key in samples if family in documented else ():
            assert {label for label, _ in key} - {"le"} == documented[family], name


@with_pods
async def test_the_work_is_counted(lab: Lab) -> None:
    operator = await busy(lab)
    assert await operator.metric("datalake_reconciles_total", kind="XCacheNode", result="ok") >= 2
    assert await operator.metric("datalake_retries_total", kind="XCacheNode") >= 1
    assert await operator.metric("datalake_reconcile_duration_seconds_count", kind="XCacheNode") >= 2
    assert await operator.metric("datalake_api_requests_total", verb="patch", code="500") == 1
    assert await operator.metric("datalake_api_requests_total", verb="watch", code="200") >= 6
    assert await operator.metric("datalake_resources", kind="XCacheNode", ready="True") == 1
    assert await operator.metric("datalake_resources", kind="XCacheNode", ready="False") == 1
    assert await operator.metric("datalake_queue_depth") == 0
    assert await operator.metric("datalake_build_info") == 1
    assert await operator.metric("datalake_leader") == 1


@with_pods
async def test_neither_secrets_nor_messages_become_labels(lab: Lab) -> None:
    operator = await busy(lab)
    for samples in (await operator.metrics()).values():
        for key in samples:
            assert all(len(value) <= 100 and "\n" not in value for _, value in key), key


@with_pods
async def test_the_log_is_structured_and_names_the_resource(lab: Lab) -> None:
    operator = await busy(lab)
    lines = operator.log().splitlines()
    records: list[Object] = operator.records()
    assert len(records) == len(lines), [line for line in lines if not line.startswith("{")]
    assert any("good" in str(record) and lab.namespace in str(record) for record in records)
