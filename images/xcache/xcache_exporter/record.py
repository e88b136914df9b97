"""Everything heard so far: packets go in, numbers come out."""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import time as wall_clock

from xcache_exporter import dirstats, gstream, summary
from xcache_exporter.gstream import Access, InvalidPacketError
from xcache_exporter.summary import Summary

HOUR = 3600.0

FILES = 2000
"""Files of which it is remembered what they cost, those last closed; a path takes at most 1 KiB."""

PATH_LENGTH = 1024


@dataclass
class Totals:
    """Sums over all accesses, bytes but for the last two."""

    served: int = 0
    from_origin: int = 0
    hit: int = 0
    reported_hit: int = 0
    reported_miss: int = 0
    bypassed: int = 0
    prefetched: int = 0
    checksum_errors: int = 0
    closes: Counter[str] = field(default_factory=Counter)

    def add(self, access: Access) -> None:
        """Count one access."""
        self.served += access.served
        self.from_origin += access.from_origin
        self.hit += access.hit
        self.reported_hit += access.reported_hit
        self.reported_miss += access.reported_miss
        self.bypassed += access.bypassed
        self.prefetched += access.prefetched
        self.checksum_errors += access.checksum_errors
        self.closes["complete" if access.complete else "partial"] += 1


@dataclass
class LastHour:
    """Bytes of the last hour, summed per minute so that memory stays bounded."""

    minutes: deque[tuple[int, int, int]] = field(default_factory=deque)

    def add(self, access: Access, now: float) -> None:
        """Count one access that was reported now."""
        minute = int(now // 60)
        served, from_origin = access.served, access.from_origin
        if self.minutes and self.minutes[-1][0] == minute:
            _, before_served, before_origin = self.minutes.pop()
            served, from_origin = served + before_served, from_origin + before_origin
        self.minutes.append((minute, served, from_origin))
        self.sum(now)

    def sum(self, now: float) -> tuple[int, int]:
        """Bytes served and bytes read from the origin."""
        while self.minutes and self.minutes[0][0] * 60.0 <= now - HOUR:
            self.minutes.popleft()
        return sum(entry[1] for entry in self.minutes), sum(entry[2] for entry in self.minutes)


@dataclass
class Stream:
    """How one stream of packets arrives."""

    packets: int = 0
    lost: int = 0
    invalid: int = 0
    last_received: float | None = None


@dataclass
class FileTotals:
    """Sums over the accesses of one file: bytes served, bytes read from the origin, records."""

    served: int = 0
    from_origin: int = 0
    closes: int = 0


class Record:
    """What the cache said, safe to use from several threads: hold `lock` while reading.

    Args:
        clock: seconds since 1970.

    Attributes:
        totals: sums since the exporter's start.
        hour: sums of the last hour.
        pfc: arrival of the g-stream.
        reports: arrival of the summary.
        files: sums of the files that were closed last, by path.
        restarts: how often the server was seen to have started anew.
        summary: the last report.
        usage: the last snapshot of pfc's directory statistics.
        purged: removals so far.
        last_origin_success: the newest moment of which it is known that the origin delivered or answered, seconds since
            1970.
        last_origin_error: when an attempt to open a file was last seen to have failed because the origin is not there.
    """

    def __init__(self, clock: Callable[[], float] = wall_clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.totals = Totals()
        self.hour = LastHour()
        self.pfc = Stream()
        self.reports = Stream()
        self.files: OrderedDict[str, FileTotals] = OrderedDict()
        self.restarts = 0
        self.summary: Summary | None = None
        self.usage: dirstats.Usage | None = None
        self.purged = dirstats.Purged()
        self.last_origin_success: int | None = None
        self.last_origin_error: int | None = None
        self._last_packet: tuple[int, int] | None = None

    def hear_gstream(self, data: bytes) -> None:
        """Take in one packet of the g-stream, whatever it holds."""
        with self.lock:
            self._arrived(self.pfc)
            try:
                packet = gstream.parse(data)
            except InvalidPacketError:
                self.pfc.invalid += 1
                return
            self.pfc.invalid += packet.invalid
            if packet.code != "g":  # the sender's name, with a sequence of its own
                return
            self._follow(packet.started, packet.sequence)
            for access in packet.accesses:
                self._count(access)

    def hear_summary(self, data: bytes) -> bool:
        """Take in one report, whatever it holds.

        Returns:
            Whether it tells of new failures at the origin: then ask the origin and call `judge_origin`.
        """
        with self.lock:
            self._arrived(self.reports)
            try:
                new = summary.parse(data)
            except InvalidPacketError:
                self.reports.invalid += 1
                return False
            old = self.summary
            if old and old.started != new.started:
                self.restarts += 1
                old = None
            self.summary = new
            return new.origin_open_errors > (old.origin_open_errors if old else 0)

    def judge_origin(self, *, answers: bool) -> None:
        """Opening a file at the origin failed: keep whether the origin answered when it was asked thereupon."""
        with self.lock:
            now = int(self.clock())
            if answers:  # a file that is not there, or not allowed
                self.last_origin_success = now
            else:
                self.last_origin_error = now

    def hear_usage(self, usage: dirstats.Usage) -> None:
        """Take in one snapshot of pfc's directory statistics."""
        with self.lock:
            self.usage = usage
            self.purged.add(usage)

    def hit_percent(self) -> int | None:
        """Share of the last hour's bytes that did not come from the origin; None when nothing was served."""
        served, from_origin = self.hour.sum(self.clock())
        return max(0, 100 * (served - from_origin) // served) if served else None

    def _arrived(self, stream: Stream) -> None:
        stream.packets += 1
        stream.last_received = self.clock()

    def _follow(self, started: int, sequence: int) -> None:
        """Count what is missing since the packet before; the first one after a server's start has number 1."""
        before = self._last_packet
        if before is not None:
            self.pfc.lost += gstream.missing(before[1] if before[0] == started else 0, sequence)
        self._last_packet = started, sequence

    def _count(self, access: Access) -> None:
        now = self.clock()
        self.totals.add(access)
        self.hour.add(access, now)
        self._count_file(access)
        if access.from_origin:
            self.last_origin_success = max(min(access.attached, int(now)), self.last_origin_success or 0)

    def _count_file(self, access: Access) -> None:
        if not access.path or len(access.path) > PATH_LENGTH:
            return
        sums = self.files.setdefault(access.path, FileTotals())
        self.files.move_to_end(access.path)
        sums.served += access.served
        sums.from_origin += access.from_origin
        sums.closes += 1
        if len(self.files) > FILES:
            self.files.popitem(last=False)
