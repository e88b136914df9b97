"""How the tests are spread over the processes of pytest-xdist, where there are several: as `make test` runs them.

Each process has a control plane of its own. So a test shares one only with those before and after it, and may stop its
API server or take away our definitions, as it may where there is one process.
"""

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

CLOCKED = ("tests/contract/test_election.py", "tests/contract/test_repair.py")
"""Files whose limits are promises of ours, within a second: they come first, while no pods start beside them."""
GRID = "tests/e2e/test_grid"
"""Begins the names of the files about the grid, which have a node of their own."""
ORDER = (*CLOCKED, GRID, "tests/e2e/", "tests/contract/", "tests/cluster/", "tests/images/")
"""Then what takes longest; what is not named comes last."""
TABLE = "table"
"""Property of a test whose value is printed at the end of the session."""
SHARED = ("tests/contract/test_crds.py", "tests/contract/test_names_taken.py")
"""Files of the contract tier with short tests, or with a fixture for all of them."""


class Spread(LoadScopeScheduling):  # type: ignore[misc]
    """Gives out tests: end-to-end tests in two parts, each with a node; contract tests one by one; the rest by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/e2e/"):
            return "grid" if file.startswith(GRID) else "tests/e2e"
        if file.startswith("tests/contract/") and file not in SHARED:
            return nodeid
        return file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread:
    """Spread the tests our way, in the order in which they were collected."""
    config.option.loadscopereorder = False
    return Spread(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests in this order where there are several processes; one begins with what is done soonest."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _order(item.nodeid))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests made."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in getattr(report, "user_properties", ()):
            if name == TABLE:
                terminalreporter.section(report.nodeid.partition("::")[2])
                terminalreporter.write_line(text)


def _order(nodeid: str) -> int:
    return next((place for place, start in enumerate(ORDER) if nodeid.startswith(start)), len(ORDER))
