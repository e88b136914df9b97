"""A real Prometheus scrapes operators that know of every trouble: no query of ours comes back empty."""

from pathlib import Path

import pytest

from datalake_operator.cli.monitoring import files
from tests.monitoring import expressions, promtool
from tests.monitoring.prometheus import Prometheus, impatient, prometheus
from tests.monitoring.world import leading, world
from tests.support.postgres import free_port
from tests.support.waiting import eventually

NOT_HERE = {"DatalakeOperatorAbsent"}
"""It is about operators that nobody hears."""
NOBODY = {'datalake_resource_condition{kind="RucioServer",type="Suspended"}', 'datalake_resource_condition{kind="XCacheNode",type="Suspended"}'}  # fmt: skip # noqa: E501
"""What nobody has, since its alert would be quiet."""


@pytest.mark.parametrize("honor_labels", [True, False], ids=["honorLabels", "exported_namespace"])
async def test_every_query_returns_data_and_every_alert_fires(honor_labels: bool, tmp_path: Path) -> None:
    rules = impatient(files()["rules.yaml"])
    async with world(honor_labels=honor_labels) as jobs, prometheus(tmp_path, free_port(), jobs, rules) as running:
        await eventually(running.all_up, within=30, message="every target is scraped")
        await _no_query_is_empty(running)
        await _every_alert_fires_with_words_for_people(running)
        central = await running.query("datalake_probe_central_fault == 1")
        namespace = "namespace" if honor_labels else "exported_namespace"
        assert [one["metric"][namespace] for one in central] == ["dark"]


async def _no_query_is_empty(running: Prometheus) -> None:
    everything = expressions.of_records() | expressions.of_dashboard() | expressions.of_alerts()
    await running.answers((expr for name, expr in everything.items() if name not in NOT_HERE), within=60)
    # An `or` or an `unless` hides a series that is not there.
    for selector in {selector for expr in everything.values() for selector in expressions.selectors(expr)} - NOBODY:
        assert await running.query(f"count({selector})"), selector


async def _every_alert_fires_with_words_for_people(running: Prometheus) -> None:
    async def firing() -> bool:
        alerts = (await running.api("alerts"))["alerts"]
        assert set(expressions.of_alerts()) - NOT_HERE <= {alert["labels"]["alertname"] for alert in alerts}
        return True

    await eventually(firing, within=60, message="every alert fires")
    for alert in (await running.api("alerts"))["alerts"]:
        for text in alert["annotations"].values():
            assert not {"<no", "<error"} & set(text.split()), text
            assert "  " not in text, "a label is empty"
            assert " /" not in text, "a namespace is empty"
    rules = [rule for group in (await running.api("rules"))["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}, [rule.get("lastError") for rule in rules]


def test_promtool_likes_the_text() -> None:
    done = promtool.run("check", "metrics", said=leading().exposition().decode())
    assert done.returncode == 0, done.stdout
