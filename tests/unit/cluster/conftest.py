from collections.abc import Callable

import pytest

from tests.cluster import waiting


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something comes true."""

    def wait(check: Callable[[], object]) -> None:
        waiting.until(check, "the test's condition", seconds=10, every=0.01)

    return wait
