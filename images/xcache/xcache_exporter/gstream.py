"""The pfc g-stream of XRootD: one UDP packet of JSON lines per flush.

The first line is a header: `{"code":"g","pseq":N,"stod":T,...}`, each further line one event. XRootD 5.8.1 ends the
packet with a NUL, counts `pseq` from 1 after its start and wraps from 999 to 0 (`XrdXrootdGSReal::Expel`). A packet of
code `=` says who sends and has a sequence of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEQUENCE_LENGTH = 1000
"""Packet numbers run from 0 to 999 and start again (`XrdXrootdGSReal::Expel`)."""

LATEST = 2**34
"""No packet is from after the year 2514: later times are garbage, and would not fit into a date."""

_LARGEST = 2**63 - 1


class InvalidPacketError(ValueError):
    """What arrived is not what XRootD sends."""


@dataclass(frozen=True)
class Access:
    """One closed file; XRootD merges accesses that come close together into one.

    Attributes:
        path: of the file, `lfn`; empty where it is not told.
        attached: when the file was opened first, seconds since 1970.
        served: bytes given to clients: `b_hit + b_miss + b_bypass`.
        from_origin: bytes read from the origin: `b_todisk + b_bypass`. This and `served` are the truth about hits:
            `b_hit` and `b_miss` only count where a request's bytes lay at that moment, prefetched ones are "hits".
        reported_hit: `b_hit`.
        reported_miss: `b_miss`.
        bypassed: `b_bypass`.
        prefetched: `b_prefetch`.
        complete: every block of the file is on disk.
        checksum_errors: `n_cks_errs`.
    """

    path: str
    attached: int
    served: int
    from_origin: int
    reported_hit: int
    reported_miss: int
    bypassed: int
    prefetched: int
    complete: bool
    checksum_errors: int

    @property
    def hit(self) -> int:
        """Bytes served without reading them from the origin; prefetching more than was read counts as no hit."""
        return max(0, self.served - self.from_origin)


@dataclass(frozen=True)
class Packet:
    """One packet.

    Attributes:
        code: `g` for events, `=` for the sender's name.
        started: start of the server, seconds since 1970: a new value is a restarted server.
        sequence: packet number, 0 to 999.
        accesses: what its events say.
        invalid: lines that could not be read.
    """

    code: str
    started: int
    sequence: int
    accesses: tuple[Access, ...] = ()
    invalid: int = 0


def parse(data: bytes) -> Packet:
    """Read one packet.

    Raises:
        InvalidPacketError: when there is no readable header. Unreadable events are only counted, in `Packet.invalid`.
    """
    first, *rest = data.rstrip(b"\0\n").split(b"\n")
    header = _json_object(first)
    code = header.get("code")
    if not isinstance(code, str):
        raise InvalidPacketError("no code")
    started, sequence = _count(header, "stod", LATEST), _count(header, "pseq")
    if code != "g":
        return Packet(code, started, sequence)
    accesses: list[Access] = []
    invalid = 0
    for line in rest:
        try:
            event = _json_object(line)
            if event.get("event") == "file_close":
                accesses.append(_access(event))
        except InvalidPacketError:
            invalid += 1
    return Packet(code, started, sequence, tuple(accesses), invalid)


def missing(last: int, current: int) -> int:
    """How many packets are lost between two numbers of one server."""
    return (current - last - 1) % SEQUENCE_LENGTH


def _access(event: Mapping[str, Any]) -> Access:
    hit, miss, bypassed = _count(event, "b_hit"), _count(event, "b_miss"), _count(event, "b_bypass")
    path = event.get("lfn")
    return Access(
        path=path if isinstance(path, str) else "",
        attached=_count(event, "attach_t", LATEST),
        served=hit + miss + bypassed,
        from_origin=_count(event, "b_todisk") + bypassed,
        reported_hit=hit,
        reported_miss=miss,
        bypassed=bypassed,
        prefetched=_count(event, "b_prefetch"),
        complete=_count(event, "n_blks_done") >= _count(event, "n_blks"),
        checksum_errors=_count(event, "n_cks_errs"),
    )


def _json_object(line: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidPacketError("not JSON") from error
    if not isinstance(value, dict):
        raise InvalidPacketError("not a JSON object")
    return value


def _count(values: Mapping[str, Any], name: str, largest: int = _LARGEST) -> int:
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        raise InvalidPacketError(f"{name} is not a count")
    return value
