"""The cache's xrootd.cfg. Figures are written in the units that XRootD reads, with the facts of 5.8.1."""

from math import ceil

from datalake_operator.api.values import parse_duration, parse_quantity
from datalake_operator.api.xcache import XCacheNode
from datalake_operator.api.xcache_config import GRAMMAR
from datalake_operator.build.render import UnsafeValue, render
from datalake_operator.build.storage import localroot, spaces, volumes

RUN = "/run/xcache"
"""Folder for the admin path, the pid file and the drain file."""

EXPORTER_PORT = 9931
"""Port of the exporter: TCP for metrics and state, UDP on loopback for xrootd's summary."""

GSTREAM_PORT = 9932
"""UDP port on loopback at which the exporter takes the cache's g-stream."""


def xrootd_cfg(node: XCacheNode) -> str:
    """Render the configuration file.

    Raises:
        UnsafeValue: a field holds what must not stand in a configuration file (the models refuse it before).
    """
    spec, found = node.spec, volumes(node)
    return render(
        "xrootd.cfg.j2",
        site=spec.site,
        run=RUN,
        exports=spec.exports,
        root_port=spec.protocols.root.port,
        http_port=spec.protocols.http.port if spec.protocols.http.enabled else None,
        localroot=localroot(found),
        spaces=spaces(found),
        origin=spec.origin.url,
        cache={
            "block_size": size(parse_quantity(spec.cache.block_size)),
            "prefetch_blocks": spec.cache.prefetch_blocks,
            "ram": size(parse_quantity(spec.cache.ram)),
            "write_blocks": spec.cache.write_queue.blocks,
            "write_threads": spec.cache.write_queue.threads,
        },
        purge=_purge(node),
        dirstats={
            "interval": seconds(spec.monitoring.dir_stats.interval),
            "depth": spec.monitoring.dir_stats.depth,
        },
        pass_checksums=spec.cache.pass_checksums,
        summary_port=EXPORTER_PORT,
        gstream_port=GSTREAM_PORT,
        extra=tuple(map(_words, spec.extra_config)),
    )


def _words(line: str) -> list[str]:
    """The words of a directive that a user adds; the template prints each as one word."""
    words = line.split(" ")
    if words[0] not in GRAMMAR:
        raise UnsafeValue(f"{words[0]!r} is not a directive that may be added")
    return words


def _purge(node: XCacheNode) -> dict[str, object]:
    """Arguments of pfc.diskusage. `files` limits (baseline, nominal, most) count the cache's own files only."""
    storage = node.spec.storage
    files = cold = None
    if storage.max_cache_size is not None:
        most = parse_quantity(storage.max_cache_size)
        files = tuple(size(most * quarters // 4) for quarters in (2, 3, 4))
    if storage.cold_files is not None:
        cold = (f"{seconds(storage.cold_files.age)}s", storage.cold_files.every_purges)
    return {
        "low": f"{storage.watermarks.low_percent / 100:.2f}",
        "high": f"{storage.watermarks.high_percent / 100:.2f}",
        "files": files,
        "interval": seconds(storage.purge_interval),
        "cold": cold,
    }


def seconds(duration: str) -> int:
    """Whole seconds of a duration, rounded up."""
    return ceil(parse_duration(duration).total_seconds())


def size(number: int) -> str:
    """Bytes as XRootD reads them, in the largest unit that divides them, whole KiB at least.

    Always with a unit: in pfc.diskusage a bare number is taken for a fraction of the disk.
    """
    number = max(1, number // 1024)
    for unit in "kmgt":
        if number % 1024 or unit == "t":
            return f"{number}{unit}"
        number //= 1024
    raise AssertionError  # pragma: no cover - the loop always returns
