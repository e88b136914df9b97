"""All our kinds."""

from typing import TypeAlias

from datalake_operator.api.probe import QoSProbe
from datalake_operator.api.rucio import RucioServer
from datalake_operator.api.xcache import XCacheNode

KINDS: tuple[type[RucioServer] | type[XCacheNode] | type[QoSProbe], ...] = (RucioServer, XCacheNode, QoSProbe)

Resource: TypeAlias = RucioServer | XCacheNode | QoSProbe
