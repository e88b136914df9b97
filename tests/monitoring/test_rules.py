"""The rules, as Prometheus's own tool evaluates them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datalake_operator.cli.monitoring import files
from datalake_operator.monitoring.rule import Alert
from datalake_operator.monitoring.rules import ALERTS
from tests.monitoring import promtool
from tests.monitoring.cases import (
    CACHE,
    CASES,
    NO_CACHE,
    OPERATOR,
    PAIR,
    PROBE,
    Series,
    condition,
    endpoint,
    probe,
    renamed,
    state,
    without_honor_labels,
)
from tests.monitoring.expressions import of_dashboard
from tests.monitoring.promtool import firing, scenario

RULES = files()["rules.yaml"]
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


def test_promtool_finds_nothing_to_complain_of(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    done = promtool.run("check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yaml")
    assert done.returncode == 0, done.stdout


def test_every_alert_has_its_cases() -> None:
    assert {alert.name for alert in ALERTS} == set(CASES)
    assert {alert.name: {unless.name for unless in alert.unless} for alert in ALERTS} == {
        name: set(case.inhibited) for name, case in CASES.items()
    }


def test_what_keeps_an_alert_quiet_is_an_alert_itself_or_meant() -> None:
    meant = {"suspended", "first installation", "reconciles end"}
    assert {unless.name for alert in ALERTS for unless in alert.unless} - meant <= {alert.name for alert in ALERTS}


@each_alert
@pytest.mark.parametrize("honoured", [True, False], ids=["honorLabels", "exported_namespace"])
def test_it_fires_and_is_quiet_and_is_inhibited(alert: Alert, honoured: bool, tmp_path: Path) -> None:
    promtool.check(tmp_path, RULES, _scenarios(alert, honoured=honoured))


def _scenarios(alert: Alert, *, honoured: bool) -> Iterator[dict[str, Any]]:
    case = CASES[alert.name]
    turn = _as_it_is if honoured else without_honor_labels
    labels = {"severity": alert.severity, **case.labels}
    if not honoured and any(one.of_resource for one in case.fires):
        labels = renamed(labels) | {"namespace": OPERATOR["namespace"]}
    fires = [turn(one) for one in case.fires]
    yield scenario("fires", fires, [firing(alert.name, None, "0m"), firing(alert.name, labels, case.at)])
    for why, series in case.quiet.items():
        never = [firing(alert.name, None, at) for at in ("10m", case.at)]
        yield scenario(why, [turn(one) for one in series], never)
    for why, series in case.inhibited.items():
        if series:
            both = [*fires, *(turn(one) for one in series)]
            yield scenario(f"inhibited: {why}", both, [firing(alert.name, None, case.at)])


def _as_it_is(series: Series) -> Series:
    return series


def test_a_cache_that_is_down_is_told_once(tmp_path: Path) -> None:
    down = (*NO_CACHE, condition("Ready", 0, CACHE), condition("OriginReachable", 0, CACHE))
    expected = [
        firing("DatalakeCacheDown", CACHE | {"severity": "critical"}, "1h"),
        firing("DatalakeResourceNotReady", None, "1h"),
        firing("DatalakeCacheOriginUnreachable", None, "1h"),
    ]
    promtool.check(tmp_path, RULES, [scenario("down", down, expected)])


def test_an_alert_lasts_while_another_pod_of_the_operator_takes_over(tmp_path: Path) -> None:
    before, after = ({"pod": pod, "instance": f"{pod}:8080", "job": "operator"} for pod in ("o-1", "o-2"))
    series = [
        Series("datalake_probe_state", PAIR | before, "2x20 _x60"),
        Series("datalake_probe_state", PAIR | after, "_x22 2x60"),
    ]
    labels = PAIR | {"severity": "warning"}
    expected = [firing("DatalakePairCritical", labels, at) for at in ("16m", "20m", "22m", "24m", "40m")]
    promtool.check(tmp_path, RULES, [scenario("failover", series, expected)])


def test_a_mended_pair_is_told_within_minutes(tmp_path: Path) -> None:
    series = [Series("datalake_probe_state", PAIR, "2x20 0x60")]
    labels = PAIR | {"severity": "warning"}
    expected = [firing("DatalakePairCritical", labels, "24m"), firing("DatalakePairCritical", None, "27m")]
    promtool.check(tmp_path, RULES, [scenario("mended", series, expected)])


def test_a_probe_that_never_ran_is_stale_too(tmp_path: Path) -> None:
    series = [probe("created_timestamp_seconds", 0), probe("stale_after_seconds", 2250)]
    expected = [firing("DatalakeProbeStale", PROBE | {"severity": "warning"}, "1h")]
    promtool.check(tmp_path, RULES, [scenario("never ran", series, expected)])


def test_an_endpoint_down_is_one_alert_and_its_pairs_are_none(tmp_path: Path) -> None:
    others = ("CERN", "IDIA", "AARNET")
    pairs = [state(2, PAIR | {"source": "PIC", "destination": other}) for other in others]
    pairs += [state(2, PAIR | {"source": other, "destination": "PIC"}) for other in others]
    labels = {"namespace": "lake", "endpoint": "PIC", "severity": "critical"}
    expected = [firing("DatalakeEndpointCritical", labels, "30m"), firing("DatalakePairCritical", None, "30m")]
    promtool.check(tmp_path, RULES, [scenario("one endpoint", [*pairs, endpoint("PIC", 2)], expected)])


@pytest.mark.parametrize(
    ("since", "failures"), [("0", 4), ("_", 3)], ids=["the first counts", "older than all we know"]
)
def test_failures_by_reason_miss_none(since: str, failures: float, tmp_path: Path) -> None:
    told = {"namespace": "lake", "probe": "mesh", "kind": "transfer"}
    known = f"{since}x60 {since}x60" if since == "_" else "0x200"
    series = [
        Series("datalake_probe_suspended", told, known),
        Series("datalake_probe_failures_total", told | {"reason": "NoSpace"}, "_x70 1x10 2x10 4x100"),
    ]
    expr = of_dashboard()["Failures by reason, in the time that is shown A"].replace("5m", "60m")
    sample = {"labels": '{reason="NoSpace"}', "value": failures}
    promtool.check(
        tmp_path, RULES, [scenario("failures", series, [{"expr": expr, "eval_time": "100m", "exp_samples": [sample]}])]
    )


def test_the_ratio_counts_every_run_whatever_pod_told_it(tmp_path: Path) -> None:
    """`increase` would miss the first run, and what happened while the pods changed."""
    old, new = ({"instance": f"{pod}:8080"} for pod in ("o-1", "o-2"))
    runs = "datalake_probe_runs_total"
    series = [
        Series(runs, PAIR | old | {"result": "ok"}, "0x10 1x10 2x10 _x400"),
        Series(runs, PAIR | old | {"result": "bad"}, "0x31 _x400"),
        Series(runs, PAIR | new | {"result": "ok"}, "_x31 2x200"),
        Series(runs, PAIR | new | {"result": "bad"}, "_x31 2x200"),
        Series(runs, PAIR | new | {"result": "skipped"}, "_x31 9x200"),
    ]
    ratio = "pair:datalake_probe_success:ratio6h"
    said = ",".join(f'{label}="{value}"' for label, value in PAIR.items())
    expected = {"expr": ratio, "eval_time": "60m", "exp_samples": [{"labels": f"{ratio}{{{said}}}", "value": 0.5}]}
    promtool.check(tmp_path, RULES, [scenario("ratio", series, [expected])])
