"""A line between a client and a server that can be cut, or fall silent, and come back."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Line:
    """Forwards TCP to a port of this machine. `port`: where it listens."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._silent = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    def cut(self) -> None:
        """From now on nobody gets in, and who is in is thrown out: the server has stopped."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._drop()

    def mend(self) -> None:
        """Everything as before, for those who come now."""
        self._drop()
        self._silent = False
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self._listen()

    def hush(self) -> None:
        """From now on nothing is forwarded: the server's node has vanished."""
        self._silent = True

    def close(self) -> None:
        """For good."""
        if self._listener.fileno() >= 0:
            self.cut()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _drop(self) -> None:
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                threading.Thread(target=self._join, args=(near, far), daemon=True).start()

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        with near, far:
            back = threading.Thread(target=self._forward, args=(far, near), daemon=True)
            back.start()
            self._forward(near, far)
            back.join()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self._silent:
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def to(target: int) -> Iterator[Line]:
    """A line to a port of this machine."""
    line = Line(target)
    try:
        yield line
    finally:
        line.close()
