"""All our kinds."""

from typing import TypeAlias

from datalake_operator.api.xcache import XCacheNode

KINDS: tuple[type[XCacheNode], ...] = (XCacheNode,)

Resource: TypeAlias = XCacheNode
