"""Mistakes of the systems that came before, each with a test that we do not make it. Sources: the issues named."""

import json
from datetime import timedelta

from datalake_operator.probes import envelope, limits, marks
from datalake_operator.probes.envelope import Message, Problem
from datalake_operator.probes.model import CellKey, Sample, Window
from datalake_operator.probes.reasons import REASONS
from datalake_operator.probes.verdict import verdict
from tests.unit.probes import lake

NAMES = ("CERN", "DESY", "IDIA", "PIC")
KEYS = lake.mesh(NAMES)
OTHER = CellKey("PIC")


def text(run: str = "run-0", **more: object) -> str:
    cells = [{"source": "CERN", "result": "ok"}]
    return json.dumps(
        {"v": 1, "run": run, "type": "tcp", "start": "2026-01-01T00:00:00Z", "state": "done", "cells": cells} | more
    )


def read(message: str | None, run: str = "run-0") -> Message | Problem:
    return envelope.read(message, run, lake.START)


def test_gfal_sam_took_any_text_on_stderr_for_a_failure() -> None:
    """Only the result counts; what a program chatters beside it does not."""
    chatter = [{"source": "CERN", "result": "ok", "reason": "WARNING: retrying", "stderr": "error: nothing"}]
    found = read(text(cells=chatter, problem={"reason": "x", "message": "error"}))
    assert isinstance(found, Message)
    one = envelope.merge("run-0", lake.START, None, {None: found})
    assert lake.cell(verdict(lake.watch(), {}, [one], lake.START))["state"] == "ok"


def test_gfal_sam_filtered_all_of_oidc_away_and_looked_fine() -> None:
    result = lake.judged(lake.watch(), lake.runs("---"))
    assert lake.cell(result)["state"] == "skipped"
    assert result.healthy[:2] == ("Unknown", "NothingMeasured")


def test_rucio_analysis_took_the_time_of_a_rule_for_throughput() -> None:
    """A duration has no limit by default: it holds waiting and polling. Throughput is measured by itself."""
    assert not any(limit.measurement.endswith("seconds") for kind in limits.DEFAULTS for limit in limits.of(kind))
    slow = lake.run(0, {lake.ONE: Sample("ok", None, {"seconds": 3600.0})})
    assert lake.cell(lake.judged(lake.watch(), [slow]))["state"] == "ok"


def test_crons_that_submit_nothing_look_green() -> None:
    rules = lake.watch()
    result = lake.judged(rules, lake.runs("oooo"))
    assert result.healthy[0] == "True"
    assert result.wake_at == lake.START + 3 * lake.STEP + lake.STALE
    later = verdict(rules, result.fields, (), result.wake_at)
    assert (lake.cell(later)["state"], lake.cell(later)["reason"]) == ("unknown", "Stale")
    assert later.healthy[:2] == ("Unknown", "ResultsMissing")


def test_no_result_at_all_is_not_green() -> None:
    result = verdict(lake.watch(), {}, (), lake.START)
    assert result.fields["state"] == "notrun"
    assert result.healthy[:2] == ("Unknown", "NotRun")


def test_the_fts_monitor_divides_good_by_failed_though_its_legend_says_good_by_all() -> None:
    """12 good and 8 failed: its code sees 1.5 and says good shape; it is 60 %, below 80 %."""
    assert lake.state("oxo" * 4 + "xoxoxoxo") == "critical"


def test_the_fts_monitor_calls_a_link_without_transfers_underused() -> None:
    assert lake.state("?") == "unknown"


def test_maddash_shows_two_directions_in_one_cell() -> None:
    there, back = CellKey("CERN", "PIC", "root"), CellKey("PIC", "CERN", "root")
    found = [lake.run(number, {there: lake.GOOD, back: lake.bad()}) for number in range(2)]
    result = lake.judged(lake.watch((there, back)), found)
    assert lake.states(result) == {there: "ok", back: "critical"}


def test_maddash_keeps_the_old_colour_until_it_has_seen_the_new_one_three_times() -> None:
    """The first failure among few runs shows as a warning at once."""
    shown = [lake.state("oooo" + "x" * count, confirmations=3) for count in (1, 2, 3)]
    assert shown == ["warning", "warning", "critical"]


def test_kuberhealthy_cannot_tell_an_error_of_execution_from_a_failure() -> None:
    """kuberhealthy#1037, blackbox_exporter#128."""
    for reason in ("ImageUnavailable", "OutOfMemory", "DeadlineExceeded", "ConfigError", "RunnerFailed", "NoMessage"):
        found = [lake.run(number, {}, problem=reason, control={}) for number in range(5)]
        result = lake.judged(lake.watch(), [*lake.runs("xx", first=-2), *found])
        assert (lake.cell(result)["state"], lake.cell(result)["reason"]) == ("unknown", reason)
        assert result.healthy[0] == "Unknown"
        assert REASONS[reason].text.rstrip(".") in result.healthy[2]


def test_kuberhealthy_takes_an_eviction_for_a_failure() -> None:
    """kuberhealthy#223: what was measured counts, the rest says nothing."""
    cut = lake.run(4, {}, interrupted=True, control={})
    result = lake.judged(lake.watch(), [*lake.runs("oooo"), cut])
    assert lake.cell(result)["state"] == "ok"
    assert result.fields["lastRun"]["result"] == "interrupted"


def test_kuberhealthy_keeps_the_state_of_a_check_that_cannot_report() -> None:
    """kuberhealthy#1015, #1053."""
    assert isinstance(read(None), Problem)
    result = lake.judged(lake.watch(), [*lake.runs("oooo"), lake.run(4, {}, problem="NoMessage")])
    assert (lake.cell(result)["state"], lake.cell(result)["reason"]) == ("unknown", "NoMessage")


def test_kuberhealthy_has_no_figures() -> None:
    """kuberhealthy#750."""
    fast = lake.run(0, {lake.ONE: Sample("ok", None, {"throughput_bytes_per_second": 123456789.0, "seconds": 1.25})})
    shown = lake.cell(lake.judged(lake.watch(), [fast]))["measurements"]
    assert [(one["name"], one["value"]) for one in shown] == [
        ("throughput_bytes_per_second", "123456789"),
        ("seconds", "1.25"),
    ]


def test_blackbox_exports_zeros_for_steps_that_did_not_run() -> None:
    """blackbox_exporter#579: a failed run has no figures, not even the old ones."""
    fast = lake.run(0, {lake.ONE: Sample("ok", None, {"read_seconds": 1.0})})
    result = lake.judged(lake.watch(), [fast, lake.run(1, {lake.ONE: lake.bad()})])
    assert "measurements" not in lake.cell(result)


def test_blackbox_does_not_say_why() -> None:
    """blackbox_exporter#1077: a word of a bounded set, for each failed run."""
    result = lake.judged(
        lake.watch(), [lake.run(n, {lake.ONE: lake.bad(why)}) for n, why in enumerate(("Reset", "NoSpace"))]
    )
    assert lake.cell(result)["reason"] == "NoSpace"
    assert [past.reason for past in marks.runs(lake.cell(result))] == ["Reset", "NoSpace"]


def test_blackbox_has_no_counters() -> None:
    """blackbox_exporter#550: they only grow, and outlive the runs that are shown."""
    result = lake.judged(lake.watch(), lake.runs("ooxx?-" * 20))
    assert marks.totals(lake.cell(result)["totals"]) == {"ok": 40, "bad": 40, "skipped": 20, "unknown": 20}
    assert {"name": "Refused", "count": 40} in result.fields["totals"]


def test_hammercloud_excluded_all_sites_for_one_central_fault() -> None:
    """CHEP 2024: nothing is good and the control checks fail, so nobody is blamed."""
    broken = [
        lake.run(
            4 + n, dict.fromkeys(KEYS, lake.bad("NameNotFound")), control={"cluster-dns": False, "api-server": True}
        )
        for n in range(5)
    ]
    result = lake.judged(lake.watch(KEYS), [*(lake.run(n, dict.fromkeys(KEYS, lake.GOOD)) for n in range(4)), *broken])
    assert set(lake.states(result).values()) == {"unknown"}
    assert {cell["reason"] for cell in result.fields["cells"]} == {"CentralFault"}
    assert lake.blamed(result) == {}
    assert result.healthy[:2] == ("Unknown", "CentralFault")
    assert "cluster-dns" in result.healthy[2]
    mended = lake.judged(lake.watch(KEYS), [lake.run(9, dict.fromkeys(KEYS, lake.GOOD))], result.fields)
    assert set(lake.states(mended).values()) == {"ok"}


def test_a_percentage_alone_is_no_central_fault() -> None:
    """All endpoints are down and the control checks work: then all endpoints are down."""
    result = lake.judged(lake.watch(KEYS), [lake.run(n, dict.fromkeys(KEYS, lake.bad())) for n in range(2)])
    assert set(lake.blamed(result)) == set(NAMES)


def test_one_good_endpoint_shows_that_our_own_side_works() -> None:
    samples = {lake.ONE: lake.bad(), OTHER: lake.GOOD}
    found = [lake.run(n, samples, control={"gateway": False}) for n in range(2)]
    assert lake.states(lake.judged(lake.watch((lake.ONE, OTHER)), found)) == {lake.ONE: "critical", OTHER: "ok"}


def test_without_dns_of_our_own_no_name_is_held_against_anybody() -> None:
    """One endpoint is known by its address and stays good: the others are still not at fault."""
    samples = {lake.ONE: lake.bad("NameNotFound"), OTHER: lake.GOOD}
    found = [lake.run(n, samples, control={"cluster-dns": False}) for n in range(3)]
    result = lake.judged(lake.watch((lake.ONE, OTHER)), found)
    assert lake.states(result) == {lake.ONE: "unknown", OTHER: "ok"}
    assert result.healthy[:2] == ("Unknown", "CentralFault")


def test_pushgateway_never_forgets() -> None:
    both = {lake.ONE: lake.GOOD, OTHER: lake.bad()}
    result = lake.judged(lake.watch((lake.ONE, OTHER)), [lake.run(n, both) for n in range(3)])
    alone = verdict(lake.watch(), result.fields, (), lake.START + 2 * lake.STEP)
    assert lake.states(alone) == {lake.ONE: "ok"}
    assert "endpoints" not in alone.fields


def test_pushgateway_never_forgets_what_custom_programs_said() -> None:
    rules = lake.watch((), open=True, history_runs=1, limits=())
    result = lake.judged(rules, [lake.run(0, {lake.ONE: lake.GOOD}), *lake.runs("o" * 12, OTHER, first=1)])
    assert set(lake.states(result)) == {OTHER}


def test_tekton_results_are_cut_at_four_kilobytes() -> None:
    """tektoncd/pipeline#4808: a cut message is known as cut, and says nothing."""
    cells = [{"source": f"SITE-{n}", "result": "bad", "reason": "Refused"} for n in range(200)]
    found = read(text(cells=cells)[:4096])
    assert found == Problem("Truncated")
    result = lake.judged(lake.watch(), [envelope.merge("run-0", lake.START, None, {None: found})])
    assert (lake.cell(result)["state"], lake.cell(result)["reason"]) == ("unknown", "Truncated")


def test_sam_calls_a_delete_unknown_that_could_not_run_because_the_write_failed() -> None:
    """Left out is its own state, with the reason of what failed before."""
    pair = CellKey("CERN", "PIC", "root")
    down = {CellKey("PIC", None, "root"): lake.bad("NoSpace"), pair: lake.skipped("NoSpace")}
    result = lake.judged(lake.watch((CellKey("PIC", None, "root"), pair)), [lake.run(n, down) for n in range(3)])
    assert (lake.cell(result, pair)["state"], lake.cell(result, pair)["reason"]) == ("skipped", "NoSpace")
    assert lake.blamed(result) == {"PIC": ("both", "NoSpace")}


def test_etf_and_smoke_tests_go_red_in_a_downtime() -> None:
    """What fails in announced maintenance is forgotten with it."""
    window = Window(
        "gocdb-1", lake.START + lake.STEP, lake.START + 4 * lake.STEP, frozenset(), frozenset({"CERN-SITE"})
    )
    rules = lake.watch(sites={"CERN": "CERN-SITE"}, maintenance=(window,))
    found = lake.runs("oxxxoo")
    during = lake.judged(rules, found[:3])
    assert (lake.cell(during)["state"], lake.cell(during)["reason"]) == ("maintenance", "Maintenance")
    assert during.fields["maintenance"] == [{"name": "gocdb-1", "to": "2026-01-01T01:00:00Z"}]
    assert lake.state("oxxx") == "critical"
    after = lake.judged(rules, found[:5])
    assert lake.cell(after)["state"] == "ok"
    assert "maintenance" not in after.fields


def test_cms_blames_a_source_whose_links_are_bad_and_not_their_destinations() -> None:
    bad_source = {
        key: lake.bad("TransferFailed") if key.source == "IDIA" and key.destination else lake.GOOD for key in KEYS
    }
    result = lake.judged(lake.watch(KEYS), [lake.run(n, bad_source) for n in range(3)])
    assert lake.blamed(result) == {"IDIA": ("source", "TransferFailed")}
    assert result.healthy[:2] == ("False", "EndpointsDown")


def test_alerts_of_flapping_checks_were_ignored() -> None:
    """ministryofjustice/cloud-platform#4670: one failure among good ones never turns red; coming and going does."""
    assert lake.state("o" * 23 + "x") == "ok"
    assert lake.state("oox" * 8) == "critical"


def test_a_schedule_that_stopped_is_noticed() -> None:
    """kuberhealthy#650: CronJobs stop after 100 missed runs, and nobody sees it."""
    result = lake.judged(lake.watch(), lake.runs("xx"))
    later = verdict(lake.watch(), result.fields, (), lake.START + timedelta(days=30))
    assert lake.cell(later)["reason"] == "Stale"
