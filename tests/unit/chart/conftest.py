import pytest

from tests.charts.helm import Helm, found


@pytest.fixture(scope="session")
def helm() -> Helm:
    program = found()
    if program is None:
        pytest.skip("Helm is neither installed nor built yet (make cluster-up builds it)")
    return Helm(program)
