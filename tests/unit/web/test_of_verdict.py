"""What a real verdict writes into status is what the page shows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from datalake_operator.probes.limits import of as limits_of
from datalake_operator.probes.model import CellKey, Run, Sample, Watch, Window
from datalake_operator.probes.verdict import verdict
from datalake_operator.web.commands import Check
from datalake_operator.web.details import details
from tests.support import lake
from tests.support.lake import Body, endpoint
from tests.unit.web.test_grid import model

NAMES = ("a", "b", "c", "d", "e")
KEYS = [CellKey(name, None, "root") for name in NAMES]
KEYS += [CellKey(source, other, "root") for source in NAMES for other in NAMES if source != other]
START = datetime(2026, 11, 26, 8, tzinfo=UTC)


def sample(key: CellKey, broken: str) -> Sample:
    if broken not in key:
        return Sample("ok", measurements={"seconds": 1.0, "throughput_bytes_per_second": 5e7})
    return Sample("bad" if key.destination is None else "skipped", "NoSpace")


def judged(*broken: str, **watched: Any) -> Body:
    """A probe after runs in each of which one endpoint is broken."""
    watch = Watch(keys=KEYS, stale_after=timedelta(hours=1), limits=limits_of("transfer"), **watched)
    status: Any = {}
    for number, name in enumerate(broken):
        start = START + timedelta(minutes=15 * number)
        samples = {key: sample(key, name) for key in KEYS}
        run = Run(f"mesh-{number}", start, start + timedelta(minutes=2), samples, {"cluster-dns": True})
        found = verdict(watch, status, [run], start + timedelta(minutes=3))
        status = dict(found.fields)
    said, reason, message = found.healthy
    return lake.probe(
        "mesh",
        {"transfer": {"sources": list(NAMES), "destinations": list(NAMES)}},
        endpoints=[endpoint(name) for name in NAMES],
        status=status,
        conditions=[lake.condition("Healthy", said, reason, message)],
    )


def test_a_broken_endpoint_is_blamed_once_and_its_details_have_aligned_times() -> None:
    body = judged("none", "none", "c", "c", "c")
    found = model(body)
    assert found["headline"]["text"] == "1 endpoint broken: c, has no space left since 2026-11-26 08:30 UTC"
    [grid] = found["grids"]
    assert {row["name"]: row.get("state") for row in grid["rows"]} == {**dict.fromkeys(NAMES), "c": "critical"}
    assert {part["state"] for cell in grid["cells"] if cell["row"] == 2 for part in cell["parts"]} == {"skipped"}
    assert [problem["subject"] for problem in found["problems"]] == ["c"]
    told = details([body], Check("c"), lambda *_: None)
    assert told is not None
    assert [(run["state"], run["time"][11:16]) for run in told["parts"][0]["runs"]] == [
        ("critical", "09:00"),
        ("critical", "08:45"),
        ("critical", "08:30"),
        ("ok", "08:15"),
        ("ok", "08:00"),
    ]
    assert told["parts"][0]["runs"][0]["why"] == "has no space left"


def test_all_is_well() -> None:
    found = model(judged("none", "none"))
    assert (found["headline"]["state"], found["problems"]) == ("ok", [])
    assert found["probes"][0]["freshUntil"] == "2026-11-26T08:54:30+00:00"


def test_announced_maintenance_is_blue_and_tells_its_reason() -> None:
    window = Window("cooling", START, START + timedelta(hours=9), frozenset({"c"}), frozenset(), "New cooling")
    body = judged("none", "c", "c", maintenance=(window,))
    found = model(body)
    [grid] = found["grids"]
    assert grid["rows"][2]["state"] == "maintenance"
    assert found["problems"] == []
    told = details([body], Check("c", "a"), lambda *_: None)
    assert told is not None
    assert told["parts"][0]["planned"] == [{"name": "cooling", "to": "2026-11-26T17:00:00Z", "reason": "New cooling"}]
