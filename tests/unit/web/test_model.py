"""One resource that cannot be read hides no other."""

import logging

import pytest

from datalake_operator.web.commands import Check
from datalake_operator.web.model import CACHES, PROBES, Model
from tests.support import lake
from tests.support.lake import bodies, cell

BROKEN = {"conditions": [{"status": "True"}]}
"""A status that nobody expects: a condition without a type."""


def test_a_resource_that_cannot_be_read_has_a_row_and_a_problem_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = lake.probe("odd", {"tcp": {}}, [cell("b")], status=BROKEN)
    cache = lake.operand("XCacheNode", "cache", status=BROKEN)
    found = [lake.probe("good", {"tcp": {}}, [cell("a")]), odd, cache, lake.operand("RucioServer", "rucio")]
    model = Model(bodies(found))
    with caplog.at_level(logging.ERROR):
        text = model.overview().plain.decode()
        model.overview()
    assert [record.getMessage() for record in caplog.records] == [
        "QoSProbe lake/odd cannot be shown on the page",
        "XCacheNode lake/cache cannot be shown on the page",
    ]
    assert '"text":"Nothing is broken; 2 warnings."' in text
    assert [(row["name"], row["state"]) for row in model.items(PROBES)] == [("good", "ok"), ("odd", "unknown")]
    assert [(row["name"], row["word"][:15]) for row in model.items(CACHES)] == [("cache", "cannot be shown")]
    assert model.details("lake", Check("a", None)) is not None
    whole = model.probe("lake", "odd")
    assert whole is not None
    assert whole["cells"] == ()


def test_a_resource_is_shown_as_soon_as_it_can_be_read(caplog: pytest.LogCaptureFixture) -> None:
    found = [lake.probe("odd", {"tcp": {}}, [cell("b")], status=BROKEN)]
    model = Model(bodies(found))
    model.overview()
    found[0] = lake.probe("odd", {"tcp": {}}, [cell("b")], version=2)
    assert [row["state"] for row in model.items(PROBES)] == ["ok"]
    assert len(caplog.records) == 1


def test_a_cache_whose_state_is_not_known_is_told_beside_good_checks() -> None:
    ready = {"type": "Ready", "status": "Unknown", "reason": "Reconciling", "message": "not judged yet"}
    cache = lake.operand("XCacheNode", "cache", status={"conditions": [ready]})
    model = Model(bodies([lake.probe("good", {"tcp": {}}, [cell("a")]), cache]))
    assert '"text":"Nothing is broken; 1 cache or server not judged yet."' in model.overview().plain.decode()
