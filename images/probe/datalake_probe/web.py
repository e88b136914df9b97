"""HTTP over connections of our own: one request, each of its troubles with a reason, and never longer than its time."""

import contextlib
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPMessage
from typing import Self
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from datalake_probe import failures, net
from datalake_probe.net import Connection
from datalake_probe.outcome import Bad, Reason
from datalake_probe.plan import Family
from datalake_probe.trust import Anchors

REDIRECTS = 5
"""At most so many: storage sends its clients to a data server, and that one at most to another."""

BODY_BYTES = 64 * 1024
"""What is read of an answer where nothing else is said."""

CHUNK_BYTES = 1024 * 1024

CONSENT_SECONDS = 2.0
"""A body with `Expect: 100-continue` is sent without consent after this."""

_REDIRECTED = {301, 302, 303, 307, 308}

_HARMLESS = {"GET", "HEAD"}
"""Methods that neither change nor list anything: they may be redirected to any path."""

# davs is what the grid calls https with WebDAV.
_TLS = {"https", "davs"}
_PORTS = {"http": 80, "https": 443, "davs": 443}

Body = Callable[[], Iterable[bytes]]
"""Gives the body from its beginning, once for each server that is asked."""


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        method: of HTTP.
        url: http, https or davs.
        anchors: CA certificates for TLS.
        seconds: for all of it: names, connections, redirects, the whole answer.
        headers: `Authorization` and its like go to the first server only. With a body, `Content-Length`, and `Expect:
            100-continue` for one that is too large to be sent to a server that only redirects.
        body: what is sent.
        family: of addresses.
        redirects: how many are followed, with the same method and body (307 of dCache and EOS); after a 303 with GET.
            What changes or lists something is only ever sent to a path that ends as the one asked for.
    """

    method: str
    url: str
    anchors: Anchors
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    family: Family = "Any"
    redirects: int = REDIRECTS


class Answer:
    """What the last server answered; its body is still to be read.

    Attributes:
        url: of that server.
        status: of HTTP.
        headers: of the answer.
        connect_seconds: that TCP to the first server took.
        tls_days_left: the least of all certificates on the way; None without TLS.
    """

    def __init__(self, url: str, response: http.client.HTTPResponse, guard: "_Guard") -> None:
        self.url = url
        self.status = response.status
        self.headers: HTTPMessage = response.headers
        self.connect_seconds = guard.connect_seconds
        self.tls_days_left = guard.tls_days_left
        self._response = response
        self._guard = guard

    def read(self, most: int = BODY_BYTES) -> bytes:
        """Read the body, not more than this of it.

        Raises:
            Bad: Timeout, Reset, ProtocolError ...
        """
        with self._guard.named():
            return self._response.read(most)

    def chunks(self) -> Iterator[bytes]:
        """Read all of it, piece by piece. Raises as `read`; a body that ends early is a Reset."""
        while True:
            with self._guard.named():
                chunk = self._response.read(CHUNK_BYTES)
                if not chunk and (self._response.length or 0) > 0:
                    raise Bad(Reason.RESET, "the answer ended early")
            if not chunk:
                return
            yield chunk

    def lines(self) -> Iterator[str]:
        """Read all of it, line by line, each as soon as it is there. Raises as `read`."""
        while True:
            with self._guard.named():
                line = self._response.readline(BODY_BYTES)
            if not line:
                return
            yield line.decode(errors="replace").rstrip("\r\n")

    def drain(self) -> None:
        """Read a short body to its end, and forget it."""
        self.read()


@contextlib.contextmanager
def ask(request: Request) -> Iterator[Answer]:
    """Ask, follow redirects, and give the last answer, whatever its status.

    Raises:
        Bad: the reasons of `net.connect`; Timeout, Reset, ProtocolError; with too many redirects ProtocolError.
        Skip: NoFamilyInPod.
    """
    with _Guard(request.seconds) as guard:
        for _ in range(request.redirects + 1):
            response = guard.send(request)
            target = response.getheader("Location")
            if response.status not in _REDIRECTED or not target or not request.redirects:
                yield Answer(request.url, response, guard)
                return
            with guard.named():
                response.read(BODY_BYTES)
                request = _redirected(request, response.status, target)
        raise Bad(Reason.PROTOCOL_ERROR, f"more than {request.redirects} redirects")


def _redirected(request: Request, status: int, target: str) -> Request:
    asked = request.url.replace("davs:", "https:", 1)
    url = urljoin(asked, target)
    if request.method not in _HARMLESS and _name(url) != _name(asked):
        # A door that sends everybody to its front page must not have that one deleted.
        raise Bad(Reason.PROTOCOL_ERROR, f"{request.method} is redirected to what was not asked for")
    headers = dict(request.headers)
    if urlsplit(url)[:2] != urlsplit(asked)[:2]:
        headers = {name: value for name, value in headers.items() if not _secret(name)}
    if status == 303:
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        return replace(request, url=url, method="GET", headers=headers, body=None)
    return replace(request, url=url, headers=headers)


def _name(url: str) -> str:
    """Return what a URL is about: the last part of its path. Data servers keep it (dCache, EOS, XRootD)."""
    return unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]


def _secret(header: str) -> bool:
    return header.lower() == "authorization" or header.lower().startswith("x-rucio")


class _Guard:
    """The time of a request, and its open connection: a server that sends a byte now and then is cut off at the end."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._over = threading.Event()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._open: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self.connect_seconds: float | None = None
        self.tls_days_left: float | None = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._close()

    def send(self, request: Request) -> http.client.HTTPResponse:
        """Send a request to its server, on a new connection, and give the answer's head."""
        url = _parts(request.url)
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        self._close()
        left = self._end - time.monotonic()
        if left <= 0:
            raise Bad(Reason.TIMEOUT, f"no answer within {request.seconds:.0f} s")
        tls = request.anchors.context if url.scheme in _TLS else None
        opened = net.connect(host, port, request.family, min(left, net.CONNECT_SECONDS), tls)
        self._note(opened)
        connection = http.client.HTTPConnection(host, port)
        connection.auto_open = 0
        connection.sock = opened.socket
        opened.socket.settimeout(None)
        self._open = opened.socket
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        with self.named():
            body = request.body() if request.body else None
            headers = {"User-Agent": "datalake-probe", "Connection": "close", **request.headers}
            if body is not None and "Expect" in headers:
                connection.request(request.method, target, headers=headers)
                self._response = _with_consent(opened.socket, request.method, body)
                return self._response
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                # A server may refuse before it has read all; its answer says why.
                connection.request(request.method, target, body=body, headers=headers)
            self._response = connection.getresponse()
            return self._response

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """Give each trouble its reason."""
        self._must_go_on()
        try:
            yield
        except (OSError, http.client.HTTPException, ValueError) as error:
            if self._over.is_set():
                raise Bad(Reason.TIMEOUT, "not done within its time") from error
            raise failures.of_error(error) from error
        self._must_go_on()

    def _must_go_on(self) -> None:
        if self._over.is_set():
            raise Bad(Reason.TIMEOUT, "not done within its time")

    def _note(self, opened: Connection) -> None:
        if self.connect_seconds is None:
            self.connect_seconds = opened.seconds
        days = [days for days in (self.tls_days_left, opened.tls_days_left) if days is not None]
        self.tls_days_left = min(days, default=None)

    def _cut(self) -> None:
        """Wake whoever waits for this connection. Not SSLSocket.shutdown: that one would go on in the clear.

        It is the socket that is kept, not http.client's connection: that one forgets it after `Connection: close`.
        """
        self._over.set()
        if self._open is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._open, socket.SHUT_RDWR)

    def _close(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
        if self._open is not None:
            self._open.close()
            self._open = None


class _Resumed(http.client.HTTPResponse):
    """An answer whose beginning has been looked at."""

    def __init__(self, stream: io.BufferedReader, sock: socket.socket, method: str) -> None:
        super().__init__(sock, method=method)
        self.fp.close()
        self.fp = stream


def _with_consent(sock: socket.socket, method: str, body: Iterable[bytes]) -> http.client.HTTPResponse:
    """Send a body when the server says 100 (Continue); one that redirects or refuses at once is sent none."""
    stream, consents = _consent(sock)
    if consents:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for chunk in body:
                sock.sendall(chunk)
    response = _Resumed(stream, sock, method)
    response.begin()
    return response


def _consent(sock: socket.socket) -> tuple[io.BufferedReader, bool]:
    """Wait for a first word, but not for ever: servers need not say 100 (RFC 9110, 10.1.1)."""
    stream = sock.makefile("rb")
    sock.settimeout(CONSENT_SECONDS)
    try:
        return stream, stream.peek(16)[:12] == b"HTTP/1.1 100"
    except TimeoutError:
        stream.close()
        return sock.makefile("rb"), True  # one that timed out cannot be read any more
    finally:
        sock.settimeout(None)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname and (parts.port is None or parts.port):
            return parts
    except ValueError:
        pass
    raise Bad(Reason.PROTOCOL_ERROR, f"cannot go to {url!r}")
