import logging

import pytest

from datalake_operator.kube.trouble import Trouble


@pytest.fixture
def trouble(caplog: pytest.LogCaptureFixture) -> Trouble:
    caplog.set_level(logging.INFO)
    return Trouble(logging.getLogger("test"), "pods")


def test_a_lasting_trouble_is_told_once_and_its_end_once(trouble: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        trouble.met(403, "403 Forbidden")
    trouble.over()
    trouble.over()
    assert caplog.messages == ["Cannot watch pods: 403 Forbidden. Trying on", "Watching pods again"]


def test_a_trouble_that_passes_is_not_worth_a_line(trouble: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    trouble.met(429, "HTTP 429")
    trouble.met(503, "HTTP 503")
    trouble.over()
    assert caplog.messages == []


def test_one_that_does_not_pass_is(trouble: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        trouble.met(500, "HTTP 500")
    assert caplog.messages == ["Cannot watch pods: HTTP 500. Trying on"]
