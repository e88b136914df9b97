"""Series of probes: from status alone, cheap, and gone with what they are about."""

import time
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from datalake_operator.api.probe_verdict import TYPES
from datalake_operator.kube.resource import QOS_PROBES
from datalake_operator.kube.store import Store
from datalake_operator.metrics import Metrics
from datalake_operator.metrics.probes import FAMILIES, STATES, exposition, write
from datalake_operator.probes.model import CellKey, Run, Sample, Watch
from datalake_operator.probes.verdict import verdict
from datalake_operator.reconcile.probe_figures import ProbePages, samples
from tests.support.probe_bodies import NOW, at, body, cell, mesh

TRANSFER = {"transfer": {"sources": ["A", "B"], "destinations": ["A", "B"]}}
NIGHT = NOW.timestamp()


def found(text: str | dict[str, Any], name: str) -> dict[tuple[str, ...], float]:
    """Value by the labels after namespace, probe and kind, of a family; of a body or of an exposition."""
    said = text if isinstance(text, str) else exposition([write(samples(text))]).decode()
    skip = 0 if name == "datalake_endpoint_state" else 3
    return {
        tuple(sample.labels[label] for label in FAMILIES[name].labels[skip:]): sample.value
        for family in text_string_to_metric_families(said)
        for sample in family.samples
        if sample.name == name
    }


def test_a_probe_that_has_not_run_yet_has_no_results() -> None:
    fresh = body("new", TRANSFER, ())
    del fresh["status"]
    names = {name for name, _, _ in samples(fresh)}
    assert names == {
        "datalake_probe_suspended", "datalake_probe_created_timestamp_seconds", "datalake_probe_threshold",
    }  # fmt: skip


def test_states_successes_and_counters_of_cells() -> None:
    cells = (
        cell("A", "B", "root", "critical", runs="oox..", totals="o3x1"),
        cell("B", "A", "http", "unknown", runs="oo?", totals="o2?1"),
        cell("A", None, "root", "skipped", runs="-"),
        cell("B", None, "root", "notrun", runs="", totals=""),
    )
    probe = body("mesh", TRANSFER, cells)
    assert found(probe, "datalake_probe_state") == {
        ("A", "B", "root"): 2, ("B", "A", "http"): 3, ("A", "", "root"): 6, ("B", "", "root"): 4,
    }  # fmt: skip
    assert found(probe, "datalake_probe_success") == {("A", "B", "root"): 0}
    totals = found(probe, "datalake_probe_runs_total")
    assert {key[-1]: value for key, value in totals.items() if key[:2] == ("A", "B")} == {
        "ok": 3, "bad": 1, "skipped": 0, "unknown": 0,
    }  # fmt: skip


def test_measurements_find_their_family_and_nothing_else_becomes_a_label() -> None:
    measured = {
        "seconds": "1.5", "stat_seconds": "0.25", "tls_days_left": "10", "warm_speedup_ratio": "3",
        "http_status": "200", "Bad Name": "1", "words": "many",
    }  # fmt: skip
    probe = body("web", {"http": {"targets": []}}, [cell("www", measurements=measured)])
    assert found(probe, "datalake_probe_operation_duration_seconds") == {
        ("www", "", "", "total"): 1.5, ("www", "", "", "stat"): 0.25,
    }  # fmt: skip
    assert found(probe, "datalake_probe_certificate_expiry_timestamp_seconds") == {("www", "", ""): NIGHT + 10 * 86400}
    assert found(probe, "datalake_cache_warm_speedup_ratio") == {("www", "", ""): 3}
    assert found(probe, "datalake_probe_measurement") == {("www", "", "", "http_status"): 200}


def test_when_it_ran_and_when_anything_was_good() -> None:
    cells = [cell("A", runs="o-?"), cell("B", runs="x")]
    probe = body("mesh", TRANSFER, cells, results="oo??")
    assert found(probe, "datalake_probe_last_run_timestamp_seconds") == {(): NIGHT}
    # The marks of a younger cell stand at the end of the runs.
    assert found(probe, "datalake_probe_last_success_timestamp_seconds") == {(): NIGHT - 31 * 60}
    assert found(probe, "datalake_probe_unmeasured_runs") == {(): 2}
    assert found(probe, "datalake_probe_created_timestamp_seconds") == {(): NIGHT - 86400}


def test_an_eviction_does_not_count_as_a_run_that_could_not_measure() -> None:
    runs = [
        {"id": f"r{n}", "time": at(n), "result": result} for n, result in enumerate(("ok", "unknown", "interrupted"))
    ]
    assert found(body("mesh", TRANSFER, [], runs=runs), "datalake_probe_unmeasured_runs") == {(): 1}


@pytest.mark.parametrize(
    ("policy", "status", "seconds"),
    [
        ({}, {"interval": "15m"}, 2250),
        ({"staleAfter": "1h"}, {"interval": "15m"}, 3600),
        ({}, {"interval": "1h", "pairInterval": "6h"}, 9000),
    ],
)
def test_how_old_a_last_run_may_be(policy: dict[str, str], status: dict[str, Any], seconds: float) -> None:
    probe = body("mesh", TRANSFER | {"policy": policy}, (), **status)
    assert found(probe, "datalake_probe_stale_after_seconds") == {(): seconds}
    assert len(found(probe, "datalake_probe_pair_interval_seconds")) == len(status) - 1


def test_who_is_not_listed_is_ok_if_something_was_good_with_it() -> None:
    cells = [cell("A", "B"), cell("C", "B", state="critical"), cell("D", None, state="notrun")]
    listed = [{"name": "C", "role": "source", "state": "critical", "reason": "Refused"}]
    assert found(body("mesh", TRANSFER, cells, endpoints=listed), "datalake_endpoint_state") == {
        ("lake", "mesh", "A", "both", ""): 0,
        ("lake", "mesh", "B", "both", ""): 0,
        ("lake", "mesh", "C", "source", "Refused"): 2,
    }


def test_a_fault_of_our_own_is_told_beside_each_control_check() -> None:
    control = [{"name": "cluster-dns", "ok": False}]
    probe = body("mesh", TRANSFER, [cell("A", state="unknown", reason="CentralFault")], control=control)
    assert found(probe, "datalake_probe_central_fault") == {(): 1}
    assert 'component="cluster-dns"} 0' in exposition([write(samples(probe))]).decode()
    assert found(body("mesh", TRANSFER, [cell("A")]), "datalake_probe_central_fault") == {(): 0}
    # Names cannot be resolved, and what is called by its address is judged all the same.
    some = [cell("A"), cell("B", state="unknown", reason="CentralFault")]
    assert found(body("mesh", TRANSFER, some), "datalake_probe_central_fault") == {(): 0}


def judged(*bad: str, control: bool = True) -> dict[str, Any]:
    """A mesh of three as the verdict leaves it after three runs; in the last two these were bad by themselves."""
    names = ("A", "B", "C")
    keys = [CellKey(name, None, "root") for name in names]
    keys += [CellKey(a, b, "root") for a in names for b in names if a != b]
    watch = Watch(keys=keys, stale_after=timedelta(hours=1))
    status: Any = {}
    for number in range(3):
        sick = bad if number else ()
        samples = {}
        for key in keys:
            touched = [name for name in sick if name in key[:2]]
            result = "ok" if not touched else "skipped" if key.destination else "bad"
            samples[key] = Sample(result, "Refused" if touched else None, {} if touched else {"seconds": 2.0})  # type: ignore[arg-type]
        start = NOW - timedelta(minutes=15 * (3 - number))
        run = Run(f"mesh-{number}", start, start + timedelta(minutes=1), samples, {"cluster-dns": control})
        status = dict(verdict(watch, status, [run], start + timedelta(minutes=2)).fields)
    return body("mesh", TRANSFER, status.pop("cells"), **status)


def test_the_verdict_on_an_endpoint_that_is_down_as_metrics_tell_it() -> None:
    probe = judged("A")
    states = found(probe, "datalake_probe_state")
    assert states["A", "", "root"] == STATES["critical"]
    assert states["A", "B", "root"] == states["C", "A", "root"] == STATES["skipped"]
    assert states["B", "C", "root"] == STATES["ok"]
    endpoints = found(probe, "datalake_endpoint_state")
    assert {key[2]: value for key, value in endpoints.items()} == {"A": 2, "B": 0, "C": 0}
    assert found(probe, "datalake_probe_success")["A", "", "root"] == 0
    assert found(probe, "datalake_probe_runs_total")["A", "", "root", "bad"] == 2
    assert found(probe, "datalake_probe_failures_total")[("Refused",)] == 2
    assert found(probe, "datalake_probe_operation_duration_seconds")["B", "C", "root", "total"] == 2
    assert found(probe, "datalake_probe_unmeasured_runs") == {(): 0}
    assert found(probe, "datalake_probe_central_fault") == {(): 0}
    assert found(probe, "datalake_probe_last_success_timestamp_seconds") == {(): NIGHT - 15 * 60}


def test_the_verdict_on_a_fault_of_our_own_as_metrics_tell_it() -> None:
    probe = judged("A", "B", "C", control=False)
    assert found(probe, "datalake_probe_central_fault") == {(): 1}
    assert set(found(probe, "datalake_probe_state").values()) == {STATES["unknown"]}
    assert STATES["critical"] not in found(probe, "datalake_endpoint_state").values()


def test_counters_of_failures_are_those_of_reasons() -> None:
    totals = [{"name": "ok", "count": 5}, {"name": "NoSpace", "count": 2}, {"name": "Some text\n", "count": 1}]
    assert found(body("mesh", TRANSFER, [], totals=totals), "datalake_probe_failures_total") == {("NoSpace",): 2}


def test_limits_are_the_defaults_unless_the_spec_has_its_own() -> None:
    spec = {
        "http": {},
        "thresholds": [{"measurement": "success_ratio", "atLeast": {"warning": "0.5", "critical": "0.1"}}],
    }
    assert found(body("web", spec, []), "datalake_probe_threshold") == {
        ("success_ratio", "warning"): 0.5, ("success_ratio", "critical"): 0.1,
        ("tls_days_left", "warning"): 14, ("tls_days_left", "critical"): 0,
    }  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_the_label_kind_is_what_is_measured(kind: str) -> None:
    assert {labels[2] for name, labels, _ in samples(body("x", {kind: {}}, [cell("A")])) if name == "datalake_probe_state"} == {kind}  # fmt: skip # noqa: E501


def store(*bodies: dict[str, Any]) -> Store:
    kept = Store(QOS_PROBES)
    for one in bodies:
        kept.put(one)
    return kept


def test_series_go_with_their_pair_and_with_their_probe() -> None:
    kept = store(body("mesh", TRANSFER, [cell("A", "B"), cell("B", "A")]), body("other", TRANSFER, [cell("C")]))
    metrics, pages = Metrics(), ProbePages(kept)
    metrics.serve_probes(pages)
    assert len(found(metrics.exposition().decode(), "datalake_probe_state")) == 3
    changed = body("mesh", TRANSFER, [cell("A", "B")])
    changed["metadata"]["resourceVersion"] = "2"
    kept.put(changed)
    kept.remove("lake", "other", "3")
    assert found(metrics.exposition().decode(), "datalake_probe_state") == {("A", "B", ""): 0}
    assert list(pages._written) == [("lake", "mesh")]


def test_hostile_text_stays_inside_its_label() -> None:
    evil = 'a"} 1\n# TYPE x\\'
    assert found(body("x", TRANSFER, [cell(evil)]), "datalake_probe_state") == {(evil, "", ""): 0}


def test_a_probe_that_cannot_be_read_hides_no_other_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    odd = body("odd", TRANSFER, [cell("A")])
    odd["status"]["cells"] = [{"state": "ok"}]
    metrics = Metrics()
    metrics.serve_probes(ProbePages(store(odd, body("good", TRANSFER, [cell("C")]))))
    metrics.exposition()
    assert found(metrics.exposition().decode(), "datalake_probe_state") == {("C", "", ""): 0}
    assert [record.getMessage() for record in caplog.records] == [
        "QoSProbe lake/odd has no series, for it cannot be read"
    ]


def test_a_store_that_is_not_there_has_no_series() -> None:
    assert list(ProbePages(None)()) == []


def test_a_large_mesh_among_two_hundred_probes_is_told_in_time() -> None:
    """The first scrape after everything changed, in processor time; the next one only joins texts."""
    targets = [cell(f"T{number}", measurements={"connect_seconds": "0.01"}) for number in range(8)]
    kept = store(mesh(40), *(body(f"probe-{number}", {"tcp": {}}, targets) for number in range(200)))
    metrics = Metrics()
    metrics.serve_probes(ProbePages(kept))
    first, second = _seconds(metrics), _seconds(metrics)
    assert first < 0.3
    assert second < 0.05
    assert metrics.exposition().count(b"\n") > 15_000


def _seconds(metrics: Metrics) -> float:
    before = time.process_time()
    metrics.exposition()
    return time.process_time() - before
