"""Sends packets on to collectors. A collector that cannot be reached or resolved never holds up anything."""

import queue
import socket
import threading
from time import monotonic

from xcache_exporter.settings import Destination

RESOLVE_EVERY = 60.0
"""Seconds for which a resolved address is used, and for which one that failed is not tried again."""

WAITING = 256
"""Packets that may wait for one collector; more are dropped and counted."""


class Forwarder:
    """One collector, served by a thread of its own.

    Attributes:
        destination: where packets go.
        sent: packets sent.
        dropped: packets that could not be sent.
    """

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.sent = 0
        self.dropped = 0
        self._queue: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self._address: tuple[socket.AddressFamily, tuple[str, int]] | None = None
        self._resolve_again = 0.0
        self._thread = threading.Thread(target=self._run, name=f"forward to {destination.host}", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send what waits, then end."""
        self._queue.put(None)
        self._thread.join()

    def put(self, data: bytes) -> None:
        """Hand over one packet; returns at once."""
        try:
            self._queue.put_nowait(data)
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        sockets: dict[socket.AddressFamily, socket.socket] = {}
        while (data := self._queue.get()) is not None:
            try:
                family, address = self._resolved()
                if family not in sockets:
                    sockets[family] = socket.socket(family, socket.SOCK_DGRAM)
                sockets[family].sendto(data, address)
                self.sent += 1
            except OSError:
                self.dropped += 1
        for opened in sockets.values():
            opened.close()

    def _resolved(self) -> tuple[socket.AddressFamily, tuple[str, int]]:
        if monotonic() >= self._resolve_again:
            self._resolve_again = monotonic() + RESOLVE_EVERY
            self._address = None
            found = socket.getaddrinfo(self.destination.host, self.destination.port, type=socket.SOCK_DGRAM)
            family, _, _, _, address = found[0]
            self._address = family, (str(address[0]), int(address[1]))
        if self._address is None:
            raise OSError("not resolved")
        return self._address
