"""How the tests are spread over the processes of pytest-xdist, where there are several: as `make test` runs them.

Each process has a control plane of its own. So a test shares one only with those before and after it, and may stop its
API server or take away our definitions, as it may where there is one process.
"""

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

CLOCKED = ("tests/contract/test_election.py", "tests/contract/test_repair.py")
"""Files whose limits are promises of ours, within a second: they come first, while no pods start beside them."""
ORDER = (*CLOCKED, "tests/e2e/", "tests/contract/", "tests/cluster/", "tests/images/")
"""Then what takes longest; what is not named comes last."""
SHARED = ("tests/contract/test_crds.py", "tests/contract/test_names_taken.py")
"""Files of the contract tier with short tests, or with a fixture for all of them."""


class Spread(LoadScopeScheduling):  # type: ignore[misc]
    """Gives out the end-to-end tests as a whole, as they have one node; contract tests one by one; the rest by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/e2e/"):
            return "tests/e2e"
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


def _order(nodeid: str) -> int:
    return next((place for place, start in enumerate(ORDER) if nodeid.startswith(start)), len(ORDER))
