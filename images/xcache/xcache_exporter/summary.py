"""The summary of XRootD (`xrd.report`): one XML document per UDP packet.

Its `<stats id="cache">` is all zero in every version up to 6.1.0, so nothing is read from there.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from xcache_exporter.gstream import LATEST, InvalidPacketError

_DIGITS = re.compile(r"\s*(\d{1,19})")


@dataclass(frozen=True)
class Summary:
    """What one report says. Counts run since the server's start.

    Attributes:
        version: for example `v5.8.1`.
        site: `all.sitename`.
        instance: `-n` of the server, `anon` by default.
        time: of the report, seconds since 1970.
        started: start of the server, seconds since 1970.
        open_files: files that clients hold open now, by any protocol.
        connections: now.
        connections_total: so far.
        received: bytes read from the network.
        sent: bytes written to the network.
        logins: accepted.
        authentication_failures: refused.
        errors: requests that ended in an error.
        origin_opens: files that the cache tried to open at the origin; the number grows when an attempt begins.
        origin_open_errors: attempts that failed; the number grows when one ends.
        cpu_seconds: user and system.
        threads: of the scheduler.
    """

    version: str
    site: str
    instance: str
    time: int
    started: int
    open_files: int
    connections: int
    connections_total: int
    received: int
    sent: int
    logins: int
    authentication_failures: int
    errors: int
    origin_opens: int
    origin_open_errors: int
    cpu_seconds: float
    threads: int


def parse(data: bytes) -> Summary:
    """Read one report.

    Raises:
        InvalidPacketError: when it is not a report of XRootD. Missing numbers are 0: what is reported depends on what
            is loaded.
    """
    if b"<!" in data:
        raise InvalidPacketError("a report has no declarations")
    try:
        root = ElementTree.fromstring(data.rstrip(b"\0\n"))  # noqa: S314 - no declarations, so no entities
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InvalidPacketError("not XML") from error
    if root.tag != "statistics" or root.get("pgm") != "xrootd":
        raise InvalidPacketError("not a report of xrootd")
    time, started = _number(root.get("tod")), _number(root.get("tos"))
    if max(time, started) > LATEST:
        raise InvalidPacketError("not a time")
    stats = {element.get("id", ""): element for element in root.findall("stats")}

    def number(block: str, path: str) -> int:
        found = stats[block].find(path) if block in stats else None
        return _number(found.text) if found is not None else 0

    return Summary(
        version=root.get("ver", ""),
        site=root.get("site", ""),
        instance=root.get("ins", ""),
        time=time,
        started=started,
        open_files=number("ofs", "opr") + number("ofs", "opw") + number("ofs", "opp"),
        connections=number("link", "num"),
        connections_total=number("link", "tot"),
        received=number("link", "in"),
        sent=number("link", "out"),
        logins=number("xrootd", "lgn/num"),
        authentication_failures=number("xrootd", "lgn/af"),
        errors=number("xrootd", "err"),
        origin_opens=number("pss", "open"),
        origin_open_errors=number("pss", "open/errs"),
        cpu_seconds=number("proc", "usr/s")
        + number("proc", "sys/s")
        + (number("proc", "usr/u") + number("proc", "sys/u")) / 1e6,
        threads=number("sched", "threads"),
    )


def _number(text: str | None) -> int:
    """The leading digits: 5.5.3 writes `<hits>0></hits>`."""
    match = _DIGITS.match(text or "")
    return int(match[1]) if match else 0
