from collections.abc import AsyncIterator

import pytest

from datalake_operator.kube.session import Api
from tests.unit.kube.fake import FakeServer, connected


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def api(server: FakeServer) -> AsyncIterator[Api]:
    async with connected(server) as session:
        yield session
