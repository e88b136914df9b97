import pytest

from xcache_exporter.record import Record
from xcache_recorded import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def record(clock: Clock) -> Record:
    return Record(clock)
