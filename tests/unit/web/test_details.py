"""What opens when a cell or a header is chosen."""

from typing import Any

from datalake_operator.web import Ref
from datalake_operator.web.commands import Check
from datalake_operator.web.details import details
from tests.support.lake import Body, bodies
from tests.support.scenes import troubled


def opened(source: str, destination: str | None = None, lake: list[Body] | None = None) -> dict[str, Any]:
    found = troubled() if lake is None else lake
    known = bodies(found)
    probes = [body for body in found if body["kind"] == "QoSProbe"]
    told = details(probes, Check(source, destination), lambda kind, name: known.get(Ref(kind, "lake", name)))
    assert told is not None
    return told


def test_a_link_tells_its_last_runs_with_times_its_reason_in_words_and_its_limits() -> None:
    davs, root = opened("CERN-01", "DESY-03")["parts"]
    assert (davs["state"], davs["words"], davs["advice"]) == (
        "critical", "The copy failed; both ends work.", "Look at the link between them.",
    )  # fmt: skip
    assert [run["state"] for run in davs["runs"]] == ["critical"] * 6 + ["ok"] * 14
    assert davs["runs"][0]["why"] == "fails to copy although both ends work"
    times = [run["time"] for run in davs["runs"]]
    assert times == sorted(times, reverse=True)
    assert "Critical after 2 failed runs in a row, ok again after 2 good ones." in davs["rules"]
    assert "Good runs: warning below 90%, critical below 80%, over 6 hours." in davs["rules"]
    assert {"name": "throughput", "value": "118 MB/s"} in root["measurements"]


def test_an_endpoint_tells_its_blame_its_own_checks_and_how_its_links_are() -> None:
    told = opened("PIC-02")
    assert [(one["probe"], one["words"]) for one in told["blamed"]] == [
        ("mesh", "Nothing listens on its port."), ("storage", "Nothing listens on its port."),
    ]  # fmt: skip
    assert [(part["probe"], part["protocol"]) for part in told["parts"]] == [
        ("mesh", "davs"), ("mesh", "root"), ("storage", "root"),
    ]  # fmt: skip
    assert told["links"] == {"source": {"skipped": 14}, "destination": {"skipped": 14}}
    assert told["site"] == "PIC"


def test_maintenance_is_told_with_its_reason_and_its_end_only_where_it_concerns() -> None:
    concerned = opened("LAPP-05", "CERN-01")["parts"][0]
    assert concerned["planned"][0]["reason"] == "New cooling"
    assert opened("CERN-01", "DESY-03")["parts"][0]["planned"] == []


def test_runs_that_a_cell_had_no_part_in_are_left_out_and_times_stay_aligned() -> None:
    mesh = troubled()[0]
    mesh["status"]["cells"] = [
        {"source": "a", "destination": "b", "protocol": "root", "state": "ok", "runs": "o.?", "reasons": "h"}
    ]
    mesh["status"]["runs"] = [{"id": str(n), "time": f"2026-11-26T1{n}:00:00Z"} for n in range(3)]
    assert opened("a", "b", [mesh])["parts"][0]["runs"] == [
        {"state": "unknown", "word": "not measured", "why": "was not reached in time", "time": "2026-11-26T12:00:00Z"},
        {"state": "ok", "word": "good", "time": "2026-11-26T10:00:00Z"},
    ]


def test_a_probe_that_is_not_valid_any_more_still_shows_what_was_measured() -> None:
    mesh = troubled()[0]
    mesh["spec"]["transfer"]["sources"] = []
    part = opened("CERN-01", "DESY-03", [mesh])["parts"][0]
    assert part["state"] == "critical"
    assert (part["commands"], part["rules"]) == ([], [])


def test_nothing_is_told_of_what_nobody_measures() -> None:
    assert details(troubled()[:1], Check("CERN-01", "MARS"), lambda *_: None) is None
