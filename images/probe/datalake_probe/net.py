"""Names, addresses and connections, with a reason for everything that can go wrong with them.

A name with addresses of both families hides a dead one: programs fall back to the other. So a family that is asked for
is used alone, and one that the pod itself lacks is skipped.
"""

import contextlib
import errno
import queue
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from datalake_probe import failures
from datalake_probe.outcome import Bad, Reason, Skip
from datalake_probe.plan import Family

CONNECT_SECONDS = 10.0
"""Time for a connection, TLS included, where nothing else is said: three times TCP's first repetitions (1 s, 2 s)."""

RESOLVE_SECONDS = 10.0
"""Time for a name: two name servers with the resolver's default time-out of 5 s."""

_FAMILIES: dict[Family, socket.AddressFamily] = {
    "Any": socket.AF_UNSPEC,
    "IPv4": socket.AF_INET,
    "IPv6": socket.AF_INET6,
}

_NAMES: dict[socket.AddressFamily, Family] = {number: name for name, number in _FAMILIES.items() if name != "Any"}

# Never asked for anything: connecting a datagram socket only looks for a route. RFC 5737, RFC 3849.
_ELSEWHERE = {"IPv4": "192.0.2.1", "IPv6": "2001:db8::1"}


@dataclass(frozen=True)
class Address:
    """An address of a host: the family and what `socket.connect` takes."""

    family: socket.AddressFamily
    where: tuple[str | int | bytes, ...]


@dataclass
class Connection:
    """An open connection.

    Attributes:
        socket: with TLS, where it was asked for.
        seconds: that TCP took, without the name and without TLS.
        tls_days_left: until the server's certificate expires; None without TLS.
    """

    socket: socket.socket
    seconds: float
    tls_days_left: float | None = None


def resolve(host: str, port: int, family: Family = "Any", seconds: float = RESOLVE_SECONDS) -> Sequence[Address]:
    """Look a name up; an address stands for itself.

    Raises:
        Bad: NameNotFound.
        Skip: NoFamilyInPod.
    """
    if family != "Any" and not has_family(family, host):
        raise Skip(Reason.NO_FAMILY_IN_POD, f"this pod has no {family}")
    answer: queue.SimpleQueue[Sequence[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, _FAMILIES[family], socket.SOCK_STREAM)
            answer.put([Address(socket.AddressFamily(entry[0]), entry[4]) for entry in found])
        except (OSError, UnicodeError) as error:
            answer.put(error if isinstance(error, OSError) else OSError(str(error)))

    # The resolver cannot be stopped: one that does not answer is left behind.
    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        found = answer.get(timeout=seconds)
    except queue.Empty:
        raise Bad(Reason.NAME_NOT_FOUND, f"{host}: no answer within {seconds:.0f} s") from None
    if isinstance(found, OSError):
        raise Bad(Reason.NAME_NOT_FOUND, f"{host}: {found}")
    return found


def has_family(family: Family, host: str = "") -> bool:
    """Whether this pod can use addresses of a family at all: it has a route to elsewhere, or an address of its own."""
    if family == "Any":
        return True
    local = {"IPv4": "127.", "IPv6": "::1"}[family]
    where = host if host.startswith(local) else _ELSEWHERE[family]
    with contextlib.suppress(OSError), socket.socket(_FAMILIES[family], socket.SOCK_DGRAM) as trial:
        trial.connect((where, 53))
        return True
    return _has_global_ipv6(Path("/proc/net/if_inet6")) if family == "IPv6" else _has_ipv4(Path("/proc/net/route"))


def _has_ipv4(routes: Path) -> bool:
    """Whether there is any route, if only to the neighbours; the first line is a heading."""
    try:
        return len(routes.read_text().splitlines()) > 1
    except OSError:
        return False


def _has_global_ipv6(listing: Path) -> bool:
    """Whether an interface has an address of global scope (the fourth field: 00)."""
    try:
        lines = listing.read_text().splitlines()
    except OSError:
        return False
    return any(fields[3] == "00" for fields in map(str.split, lines) if len(fields) > 3)


def connect(
    host: str,
    port: int,
    family: Family = "Any",
    seconds: float = CONNECT_SECONDS,
    tls: ssl.SSLContext | None = None,
) -> Connection:
    """Open a connection, to the first address that answers.

    Args:
        host: name or address; with TLS the certificate must be for it.
        port: TCP port.
        family: of addresses.
        seconds: for all of it; each address gets its share of what is left.
        tls: with TLS.

    Raises:
        Bad: NameNotFound, Refused, Reset, Unreachable, ConnectTimeout, TLSExpired, TLSUntrusted, TLSWrongName or
            TLSFailed: that of the last address.
        Skip: NoFamilyInPod.
    """
    end = time.monotonic() + seconds
    addresses = resolve(host, port, family, min(seconds, RESOLVE_SECONDS))
    failure: OSError = OSError(errno.EHOSTUNREACH, "no address")
    for tried, address in enumerate(addresses):
        share = (end - time.monotonic()) / (len(addresses) - tried)
        if share <= 0:
            failure = TimeoutError(errno.ETIMEDOUT, "no time left")
            break
        begun = time.monotonic()
        connection = socket.socket(address.family, socket.SOCK_STREAM)
        connection.settimeout(share)
        try:
            connection.connect(address.where)
        except OSError as error:
            connection.close()
            failure = error
            continue
        opened = Connection(connection, time.monotonic() - begun)
        return secure(opened, host, tls, end) if tls else opened
    named = failures.of_error(failure, connecting=True)
    if named.reason is Reason.UNREACHABLE and not any(has_family(_NAMES[one.family], host) for one in addresses):
        raise Skip(Reason.NO_FAMILY_IN_POD, f"{host} has addresses that this pod has no way to") from failure
    raise named from failure


def secure(connection: Connection, host: str, tls: ssl.SSLContext, end: float) -> Connection:
    """Begin TLS on an open connection, which is closed when that fails.

    Args:
        connection: without TLS.
        host: that the certificate must be for.
        tls: whom to believe.
        end: on the clock `time.monotonic`.

    Raises:
        Bad: TLSExpired, TLSUntrusted, TLSWrongName, TLSFailed, ConnectTimeout, Reset.
    """
    plain = connection.socket
    plain.settimeout(max(0.1, end - time.monotonic()))
    try:
        secured = tls.wrap_socket(plain, server_hostname=host)
    except OSError as error:
        plain.close()
        raise failures.of_error(error) from error
    return Connection(secured, connection.seconds, _days_left(secured))


def _days_left(secured: ssl.SSLSocket) -> float | None:
    certificate = secured.getpeercert() or {}
    until = certificate.get("notAfter")
    if not isinstance(until, str):
        return None
    return (ssl.cert_time_to_seconds(until) - datetime.now(UTC).timestamp()) / 86400
