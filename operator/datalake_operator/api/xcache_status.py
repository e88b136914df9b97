"""Status of an XCacheNode."""

from typing import Annotated

from pydantic import Field

from datalake_operator.api.meta import SET, Items, Model, Timestamp
from datalake_operator.api.status import Status

Count = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]
Percent = Annotated[int, Field(ge=0, le=100)]
Text = Annotated[str, Field(max_length=512)]
ClaimNames = Annotated[Items[Annotated[str, Field(max_length=253)]], Field(max_length=1024), SET]


class Endpoints(Model):
    """URLs for clients."""

    root: Text | None = None
    """URL of the root protocol."""
    http: Text | None = None
    """URL of HTTP."""


class CacheUsage(Model):
    """What the cache holds, written at most every 10 minutes."""

    used_bytes: Count | None = None
    """Bytes of cached files."""
    limit_bytes: Count | None = None
    """Bytes at which a purge starts: maxCacheSize, or what the watermarks leave."""
    used_percent: Annotated[int, Field(ge=0)] | None = None
    """usedBytes in percent of limitBytes."""
    files: Count | None = None
    """Number of cached files."""
    time: Timestamp | None = None
    """When these figures, and byteHitPercent1h, were written."""


class XCacheNodeStatus(Status):
    """What is there."""

    endpoints: Endpoints | None = None
    """URLs for clients."""
    version: Annotated[str, Field(max_length=128)] | None = None
    """Version of XRootD that runs."""
    cache: CacheUsage | None = None
    """What the cache holds."""
    byte_hit_percent_1h: Percent | None = Field(default=None, alias="byteHitPercent1h")
    """Percent of the bytes served in the last hour that did not come from the origin."""
    claims: ClaimNames | None = None
    """Claims in use."""
    retained_claims: ClaimNames | None = None
    """Claims of entries that are no longer in the spec; they are yours to delete."""
