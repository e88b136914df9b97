"""The numbers as Prometheus metrics. No label ever holds a path."""

from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from xcache_exporter.disks import Fill, measure
from xcache_exporter.forward import Forwarder
from xcache_exporter.record import Record
from xcache_exporter.settings import Settings
from xcache_exporter.summary import Summary


class CacheCollector(Collector):
    """Makes every metric from the record at the moment it is asked."""

    def __init__(self, record: Record, settings: Settings, forwarders: Sequence[Forwarder] = ()) -> None:
        self._record = record
        self._settings = settings
        self._forwarders = forwarders

    def collect(self) -> Iterator[Metric]:
        """All metrics; what is not known yet is absent."""
        fills = measure(self._settings.disks)
        with self._record.lock:
            yield from _traffic(self._record)
            yield from _streams(self._record)
            yield from _usage(self._record)
            if self._record.summary:
                yield from _server(self._record.summary, self._settings)
        yield from _disks(fills)
        yield from _watermarks(fills, self._settings)
        yield from _forwarding(self._forwarders)


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"xcache_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"xcache_{name}", text, value=value)


def _labelled(name: str, text: str, label: str, values: dict[str, int], *, counter: bool = True) -> Metric:
    family = (CounterMetricFamily if counter else GaugeMetricFamily)(f"xcache_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _traffic(record: Record) -> Iterator[Metric]:
    totals = record.totals
    yield _counter("served_bytes", "Bytes given to clients, counted when a file is closed.", totals.served)
    yield _counter(
        "origin_read_bytes",
        "Bytes read from the origin, prefetching included. Byte hit ratio: 1 - this / xcache_served_bytes_total.",
        totals.from_origin,
    )
    yield _counter(
        "hit_bytes", "Bytes served less bytes read from the origin, at least 0 for each record, summed.", totals.hit
    )
    yield _counter(
        "reported_hit_bytes",
        "XRootD's own b_hit, only for comparison with other collectors: on a cold read, prefetched bytes are hits.",
        totals.reported_hit,
    )
    yield _counter("reported_miss_bytes", "XRootD's own b_miss, for comparison only.", totals.reported_miss)
    yield _counter("bypass_bytes", "Bytes passed from the origin to clients without storing them.", totals.bypassed)
    yield _counter("prefetched_bytes", "Bytes read from the origin ahead of any request.", totals.prefetched)
    yield _labelled(
        "file_closes",
        "Files closed (records; XRootD merges accesses close together), by whether all their blocks are on disk.",
        "state",
        {state: totals.closes[state] for state in ("complete", "partial")},
    )
    yield _counter("checksum_errors", "Blocks whose checksum was wrong.", totals.checksum_errors)


def _streams(record: Record) -> Iterator[Metric]:
    yield _counter("gstream_packets", "Packets of the cache's g-stream received.", record.pfc.packets)
    yield _counter("gstream_lost", "Packets of the g-stream missing in its numbering.", record.pfc.lost)
    if record.pfc.last_received is not None:
        yield _gauge("gstream_last_received_timestamp_seconds", "When the last one came.", record.pfc.last_received)
    yield _counter("summary_packets", "Summary reports received.", record.reports.packets)
    if record.reports.last_received is not None:
        yield _gauge("summary_last_received_timestamp_seconds", "When the last one came.", record.reports.last_received)
    yield _labelled(
        "invalid_packets",
        "Packets or events that could not be read.",
        "stream",
        {"pfc": record.pfc.invalid, "summary": record.reports.invalid},
    )
    yield _counter("server_restarts", "Starts of xrootd seen after the first.", record.restarts)


def _usage(record: Record) -> Iterator[Metric]:
    if record.usage:
        yield _gauge("cache_files_bytes", "Bytes on disk of the cache's own files.", record.usage.used)
        yield _gauge("cache_files", "Files in the cache.", record.usage.files)
    yield _counter("purged_bytes", "Bytes purged.", record.purged.bytes)
    yield _counter("purged_files", "Files purged.", record.purged.files)


def _server(report: Summary, settings: Settings) -> Iterator[Metric]:
    yield _gauge("open_files", "Files that clients hold open.", report.open_files)
    yield _gauge("connections", "Connections open now.", report.connections)
    yield _counter("connections", "Connections so far.", report.connections_total)
    yield _labelled(
        "network_bytes", "Bytes on the network.", "direction", {"received": report.received, "sent": report.sent}
    )
    yield _counter("logins", "Logins accepted.", report.logins)
    yield _counter("auth_failures", "Logins refused.", report.authentication_failures)
    yield _counter("errors", "Requests that ended in an error.", report.errors)
    yield _counter("origin_opens", "Attempts to open a file at the origin.", report.origin_opens)
    yield _counter("origin_open_errors", "Such attempts that failed.", report.origin_open_errors)
    yield _counter("process_cpu_seconds", "CPU time of xrootd.", report.cpu_seconds)
    yield _gauge("threads", "Threads of xrootd's scheduler.", report.threads)
    yield _gauge("start_time_seconds", "When xrootd started.", report.started)
    info = GaugeMetricFamily("xcache_build_info", "What runs here; always 1.", labels=["version", "site", "instance"])
    info.add_metric([report.version, report.site or settings.site, report.instance], 1)
    yield info


def _disks(fills: list[Fill]) -> Iterator[Metric]:
    labels = ["space", "disk"]
    capacity = GaugeMetricFamily("xcache_disk_capacity_bytes", "Size of the volume's file system.", labels=labels)
    used = GaugeMetricFamily(
        "xcache_disk_used_bytes", "Bytes used on that file system by anybody, as pfc measures it.", labels=labels
    )
    for fill in fills:
        capacity.add_metric([fill.disk.space, fill.disk.name], fill.capacity)
        used.add_metric([fill.disk.space, fill.disk.name], fill.used)
    if fills:
        yield capacity
        yield used


def _watermarks(fills: list[Fill], settings: Settings) -> Iterator[Metric]:
    capacity = sum(fill.capacity for fill in fills if fill.disk.space == "data")
    marks = {"low": settings.low_percent, "high": settings.high_percent}
    values = {mark: capacity * percent // 100 for mark, percent in marks.items() if percent is not None and capacity}
    if settings.max_size is not None:
        values["files_max"] = settings.max_size
    if values:
        yield _labelled("watermark_bytes", "Where purging begins and ends.", "mark", values, counter=False)


def _forwarding(forwarders: Sequence[Forwarder]) -> Iterator[Metric]:
    labels = ["stream", "destination"]
    sent = CounterMetricFamily("xcache_forwarded_packets", "Packets sent on to a collector.", labels=labels)
    dropped = CounterMetricFamily(
        "xcache_forward_dropped_packets", "Packets that could not be sent on: not resolved, or too slow.", labels=labels
    )
    for forwarder in forwarders:
        to = forwarder.destination
        sent.add_metric([to.stream, f"{to.host}:{to.port}"], forwarder.sent)
        dropped.add_metric([to.stream, f"{to.host}:{to.port}"], forwarder.dropped)
    if forwarders:
        yield sent
        yield dropped
