"""Asks the origin whether it is there, when opening a file at it failed.

XRootD counts a file that the origin does not have like an origin that is down, so its counter alone says nothing.
"""

import socket
import struct
from urllib.parse import urlsplit

TIMEOUT = 5.0
"""Seconds for each of connecting and answering."""

_HANDSHAKE = struct.pack(">5i", 0, 0, 0, 4, 2012)
"""What a client of XRootD sends first (protocol specification, "initial handshake")."""

_ANSWER_LENGTH = 16


def answers(url: str) -> bool:
    """Whether an origin answers: with `root` and `roots` it must shake hands, else a connection is enough."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 1094)
    try:
        with socket.create_connection((parts.hostname or "", port), TIMEOUT) as connection:
            if parts.scheme not in {"root", "roots"}:
                return True
            connection.sendall(_HANDSHAKE)
            received = b""
            while len(received) < _ANSWER_LENGTH:
                more = connection.recv(_ANSWER_LENGTH)
                if not more:
                    return False
                received += more
            return True
    except OSError:
        return False
