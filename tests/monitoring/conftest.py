import pytest

from tests.cluster import packages


@pytest.fixture(scope="session", autouse=True)
def _prometheus() -> None:
    packages.ensure(packages.MONITORING)
