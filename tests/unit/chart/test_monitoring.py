"""Rules and the dashboard, as the chart ships them."""

import json

import yaml

from datalake_operator.cli.monitoring import files
from tests.charts.helm import CHART, Helm, only

FOLDER = CHART / "files" / "monitoring"
ENABLED = ("--set", "prometheusRule.enabled=true,dashboard.enabled=true")


def test_the_files_in_the_chart_are_the_generated_ones() -> None:
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == files(), "run make monitoring"


def test_nothing_of_it_is_there_by_default(helm: Helm) -> None:
    kinds = {document["kind"] for document in helm.template()}
    assert not kinds & {"PrometheusRule", "ServiceMonitor", "ConfigMap"}


def test_rules_arrive_as_they_were_generated(helm: Helm) -> None:
    rule = only(helm.template(*ENABLED, "--set", "prometheusRule.labels.release=prometheus"), "PrometheusRule")
    assert rule["spec"] == yaml.safe_load(files()["rules.yaml"])
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert rule["metadata"]["namespace"] == "datalake-system"


def test_the_dashboard_arrives_as_it_was_generated_where_grafana_looks(helm: Helm) -> None:
    documents = helm.template(
        *ENABLED, "--set", "dashboard.namespace=monitoring,dashboard.annotations.grafana_folder=Data lake"
    )
    found = only(documents, "ConfigMap")
    assert json.loads(found["data"]["datalake.json"]) == json.loads(files()["dashboard.json"])
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"] == {"grafana_folder": "Data lake"}
    assert found["metadata"]["namespace"] == "monitoring"


def test_labels_of_a_series_are_not_replaced_by_those_of_the_operator(helm: Helm) -> None:
    monitor = only(helm.template("--set", "serviceMonitor.enabled=true"), "ServiceMonitor")
    assert all(endpoint["honorLabels"] for endpoint in monitor["spec"]["endpoints"])
