"""Numbers about a RucioServer, and what of its answers is believed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from datalake_operator.metrics import Metrics, RucioFigures
from datalake_operator.reconcile.kind import Key
from datalake_operator.reconcile.rucio_figures import figures
from datalake_operator.reconcile.rucio_state import State
from datalake_operator.status import Observation

KEY = Key("RucioServer", "ns", "x")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATA: dict[str, Any] = {
    "health": {"state": "current", "revision": "r", "head": "h", "version": "41.5.1"},
    "login": "ok",
    "heartbeats": [],
    "latencySeconds": {"health": 0.5},
}


def pod(name: str, component: str = "daemon-reaper") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app.kubernetes.io/component": component}}}


def beat(host: str, seconds: int, executable: str = "reaper") -> dict[str, str]:
    at = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"executable": executable, "hostname": host, "updatedAt": at}


def of(data: dict[str, Any] | None, *pods: dict[str, Any], error: str | None = None, **status: Any) -> RucioFigures:
    return figures(KEY, status, pods, Observation(NOW, error, data), NOW)


def test_all_is_up() -> None:
    found = of(DATA)
    assert found.up == {"server": True, "database": True, "login": True, "heartbeats": True}
    assert found.schema == ("41.5.1", "r", "h")
    assert found.latencies == {"health": 0.5}
    assert found.backup_age is None


@pytest.mark.parametrize(
    ("change", "down"),
    [
        ({"health": {"state": "behind"}}, "database"),
        ({"login": "refused"}, "login"),
        ({"heartbeats": ...}, "heartbeats"),
    ],
)
def test_each_check_goes_down_alone(change: dict[str, Any], down: str) -> None:
    data = {name: value for name, value in (DATA | change).items() if value is not ...}
    assert [name for name, up in of(data).up.items() if not up] == [down]


@pytest.mark.parametrize("observation", [None, Observation(NOW, "TimeoutError", DATA), Observation(NOW, "x", None)])
def test_a_server_that_does_not_answer_is_down_in_every_respect(observation: Observation | None) -> None:
    found = figures(KEY, {}, [], observation, NOW)
    assert not any(found.up.values())
    assert not found.latencies


def test_the_age_of_a_daemon_is_that_of_its_pod_that_is_worst_off_and_gone_pods_do_not_count() -> None:
    data = DATA | {
        "heartbeats": [beat("a", 10), beat("a", 70, "other"), beat("b", 40), beat("gone", 9000), beat("server", 5000)]
    }
    found = of(data, pod("a"), pod("b"), pod("silent", "daemon-auditor"), pod("server", "server"))
    assert found.heartbeat_ages == {"reaper": 40.0}


def test_the_age_of_a_backup_is_that_of_the_newest() -> None:
    backups = [{"name": "b", "time": f"2025-12-31T{hour}:00:00Z", "size": 1} for hour in ("22", "23", "21")]
    assert of(DATA, backups=backups).backup_age == 3600.0


def test_the_series_carry_namespace_and_name() -> None:
    metrics = Metrics()
    metrics.serve_rucio(lambda: [of(DATA | {"heartbeats": [beat("a", 10)]}, pod("a"))])
    samples = {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if sample.name.startswith("datalake_rucio")
    }
    assert samples["datalake_rucio_heartbeat_age_seconds"] == (
        {"namespace": "ns", "name": "x", "daemon": "reaper"},
        10.0,
    )
    assert samples["datalake_rucio_schema_info"][0]["revision"] == "r"
    assert "datalake_rucio_backup_age_seconds" not in samples


def test_times_of_heartbeats_are_no_news_but_their_coming_and_going_is() -> None:
    def notable(*beats: dict[str, str]) -> object:
        return State.model_validate(DATA | {"heartbeats": list(beats)}).notable()

    assert notable(beat("a", 10)) == notable(beat("a", 3))
    assert notable(beat("a", 10)) != notable(beat("b", 10))
    assert notable() != State.model_validate({**DATA, "heartbeats": None}).notable()


@pytest.mark.parametrize(
    "change",
    [{"health": {}}, {"health": {"state": "x" * 65}}, {"health": {"state": "current", "revision": "r" * 513}}],
)
def test_what_status_cannot_hold_is_not_believed(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        State.model_validate(DATA | change)
