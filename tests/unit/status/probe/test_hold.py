"""Planned work at the cache or the Rucio that a probe measures."""

from datetime import UTC, datetime
from typing import Any

import pytest

from datalake_operator.status import View
from datalake_operator.status.probe.hold import holds
from tests.unit.status.probe.conftest import make_probe

CACHE = make_probe(tcp=None, cache={"xcacheRef": {"name": "c"}, "generated": {}})
RUCIO = make_probe(tcp=None, rucio={"rucioServerRef": {"name": "r"}, "checks": ["Ping"]})
SINCE = "2026-11-25T11:30:00Z"


def body(*conditions: tuple[str, str, str, str]) -> dict[str, Any]:
    names = ("type", "status", "reason", "lastTransitionTime")
    return {"status": {"conditions": [dict(zip(names, one, strict=True)) for one in conditions]}}


def test_a_cache_that_drains_is_in_planned_work_since_it_does() -> None:
    drains = body(("Ready", "True", "Serving", "2026-11-01T00:00:00Z"), ("Draining", "True", "DrainRequested", SINCE))
    found = holds(CACHE, View(references={("XCacheNode", "c"): drains}))
    assert found["c"].since == datetime(2026, 11, 25, 11, 30, tzinfo=UTC)
    assert "drains" in found["c"].reason


def test_a_migration_counts_from_when_the_daemons_were_stopped_for_it() -> None:
    migrates = body(
        ("Ready", "False", "Migrating", "2026-11-20T00:00:00Z"),  # it was false before: the migration was pending
        ("DaemonsHealthy", "False", "Migrating", SINCE),
    )
    found = holds(RUCIO, View(references={("RucioServer", "r"): migrates}))
    assert found["r"].since == datetime(2026, 11, 25, 11, 30, tzinfo=UTC)


def test_a_suspended_rucio_is_in_planned_work() -> None:
    suspended = body(("Ready", "True", "Serving", "2026-11-01T00:00:00Z"), ("Suspended", "True", "Suspended", SINCE))
    assert "suspended" in holds(RUCIO, View(references={("RucioServer", "r"): suspended}))["r"].reason


@pytest.mark.parametrize("live", [None, {}, {"status": {}}, body(("Ready", "False", "MigrationFailed", SINCE))])
def test_anything_else_is_trouble(live: dict[str, Any] | None) -> None:
    assert holds(RUCIO, View(references={("RucioServer", "r"): live})) == {}
    assert holds(CACHE, View(references={("XCacheNode", "c"): live})) == {}


def test_a_probe_of_strangers_knows_of_no_planned_work() -> None:
    assert holds(make_probe(), View()) == {}
