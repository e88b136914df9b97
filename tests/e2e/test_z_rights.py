"""What the operators of this whole end-to-end run asked for, against what the chart grants. Runs last, by its name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.charts import rights
from tests.charts.helm import Helm
from tests.charts.rights import Right
from tests.cluster import Cluster, binaries

OPERATOR = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):(.+-)?datalake-operator")

NO_RIGHTS = ("being terminated", "must support resize")
"""What admission says with the same code."""


@pytest.fixture(scope="module")
def requests(node: Cluster) -> list[dict[str, Any]]:
    """Finished requests of every operator that the chart installed, as audit events."""
    if node.audit_log is None:
        pytest.skip("the audit log of a given cluster cannot be read")
    with node.audit_log.open() as log:
        events = [event for event in map(json.loads, log) if OPERATOR.fullmatch(event["user"].get("username", ""))]
    if not events:
        pytest.skip("no operator ran in this session")
    return events


@pytest.fixture(scope="module")
def granted() -> set[Right]:
    return rights.granted(Helm(binaries.path("helm")).template())


def test_no_operator_was_forbidden_anything(requests: list[dict[str, Any]]) -> None:
    assert list(_forbidden(requests)) == []


def test_what_was_used_is_granted_and_each_unused_right_has_its_reason(
    request: pytest.FixtureRequest, requests: list[dict[str, Any]], granted: set[Right]
) -> None:
    used = {_right(event) for event in requests if "objectRef" in event and event["objectRef"].get("resource")}
    assert used - granted == set()
    if not set(Path(__file__).parent.glob("test_*.py")) <= {item.path for item in request.session.items}:
        pytest.skip("only a whole run tells what is never used")
    assert granted - used - rights.unused() == set(), "rights that nobody used: take them away or say why they stay"


def _right(event: dict[str, Any]) -> Right:
    target = event["objectRef"]
    resource = "/".join(part for part in (target["resource"], target.get("subresource")) if part)
    return Right(target.get("apiGroup", ""), resource, event["verb"])


def _forbidden(requests: list[dict[str, Any]]) -> Iterator[str]:
    """Answers 403, but for those that tell of no right: something was being removed, or a class does not expand."""
    for event in requests:
        answer = event.get("responseStatus", {})
        removed = OPERATOR.fullmatch(event["user"]["username"])["namespace"].startswith("chart-")  # type: ignore[index]
        of_no_right = any(words in answer.get("message", "") for words in NO_RIGHTS)
        if answer.get("code") == 403 and not removed and not of_no_right:
            yield f"{event['verb']} {event['requestURI']}: {answer.get('message')}"
