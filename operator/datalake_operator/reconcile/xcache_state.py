"""What the operator reads of the answer of a cache's exporter, with bounds that status can hold.

The whole answer is `images/xcache/state.schema.json`. The image is the user's choice, so the answer may be anything:
what breaks these rules must not reach `status`, where it would end every pass.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0, le=2**56)]
"""Bytes or files: 72 PB, so that the sum over all disks still is an int64."""
Text = Annotated[str, Field(max_length=128)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class Xrootd(_Part):
    """The server."""

    version: Text | None = None


class Cache(_Part):
    """The cache's own files."""

    used_bytes: Count | None = Field(default=None, alias="usedBytes")
    files: Count | None = None


class Disk(_Part):
    """One file system."""

    space: Text
    capacity_bytes: Count = Field(default=0, alias="capacityBytes")


class Hour(_Part):
    """The last 60 minutes."""

    hit_percent: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, alias="hitPercent")


class Origin(_Part):
    """Opens at the origin; times in RFC 3339."""

    last_success_time: Text | None = Field(default=None, alias="lastSuccessTime")
    last_error_time: Text | None = Field(default=None, alias="lastErrorTime")


class State(_Part):
    """One answer."""

    xrootd: Xrootd | None = None
    draining: bool | None = None
    open_files: Count | None = Field(default=None, alias="openFiles")
    cache: Cache | None = None
    disks: Annotated[list[Disk], Field(max_length=32)] | None = None
    hour: Hour | None = None
    origin: Origin | None = None
