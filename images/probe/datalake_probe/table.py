"""The types of probes: each is one plug-in, and one row here. docs/extending.md shows how to add one."""

from collections.abc import Mapping

from datalake_probe import cache, http_check, rucio, storage, tcp, transfer
from datalake_probe.plugin import Plugin

TYPES: Mapping[str, Plugin] = {
    "tcp": tcp,
    "http": http_check,
    "storage": storage,
    "transfer": transfer,
    "cache": cache,
    "rucio": rucio,
}
