"""`GET /state`: all that the operator needs to know, as one JSON (`images/xcache/state.schema.json`)."""

from datetime import UTC, datetime
from typing import Any

from xcache_exporter.disks import measure
from xcache_exporter.record import Record
from xcache_exporter.settings import Settings

VERSION = 1
"""Of the JSON; it grows when a field changes its meaning or goes, not when one is added."""

SILENCE = 35.0
"""Seconds of silence after which the number of open files is unknown: a report comes every 10 s at most."""


def state(record: Record, settings: Settings) -> dict[str, Any]:
    """What is known now, as plain values."""
    fills = measure(settings.disks)
    with record.lock:
        now = record.clock()
        report, usage = record.summary, record.usage
        heard = record.reports.last_received
        fresh = report is not None and heard is not None and now - heard <= SILENCE
        served, from_origin = record.hour.sum(now)
        return {
            "version": VERSION,
            "xrootd": {
                "version": report.version if report else None,
                "startTime": _timestamp(report.started) if report else None,
            },
            "draining": settings.drain_file.exists(),
            "openFiles": report.open_files if report and fresh else None,
            "cache": {"usedBytes": usage.used, "files": usage.files} if usage else None,
            "disks": [
                {"space": f.disk.space, "name": f.disk.name, "capacityBytes": f.capacity, "usedBytes": f.used}
                for f in fills
            ],
            "hour": {"servedBytes": served, "originBytes": from_origin, "hitPercent": record.hit_percent()},
            "origin": {
                "opens": report.origin_opens if report else 0,
                "openErrors": report.origin_open_errors if report else 0,
                "lastSuccessTime": _timestamp(record.last_origin_success),
                "lastErrorTime": _timestamp(record.last_origin_error),
            },
            "stream": {
                "packets": record.pfc.packets,
                "lost": record.pfc.lost,
                "lastReceivedTime": _timestamp(record.pfc.last_received),
            },
            "summary": {"packets": record.reports.packets, "lastReceivedTime": _timestamp(heard)},
        }


def _timestamp(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
