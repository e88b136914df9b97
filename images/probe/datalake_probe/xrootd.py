"""Files over root and roots, by XRootD's own programs: each in a process that can be ended.

XrdCl alone needs 480 s to notice a refused port: its times are set from the step's, and what it says in one general
word ("Connection error") is looked at again with a connection of our own.
"""

import contextlib
import re
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from datalake_probe import failures, net, programs
from datalake_probe.files import Content, Entry, Hello
from datalake_probe.outcome import Bad, Reason
from datalake_probe.payload import Meter, Payload
from datalake_probe.plan import Family
from datalake_probe.trust import Anchors

PORT = 1094

CHUNK_BYTES = 2**16
"""What xrdcp writes at once, as long as a file has only a few of them. A server with room for a part of a chunk takes
that part in silence, and refuses only the next one with "no space left" (XRootD 5.8.1)."""

LINE = 2048
"""Characters of a line of a listing; none of ours is so long, and the time to understand one grows with its square."""

# With size before the time, or after it from servers that know neither owner nor group.
_LISTED = re.compile(
    r"(?P<kind>[d-])\S*\s.*?(?:(?P<size>\d+) +)?(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) +"
    r"(?:(?P<old>\d+) +)?(?P<path>/.*)"
)
_STACKS: Mapping[Family, str] = {"Any": "IPAuto", "IPv4": "IPv4", "IPv6": "IPv6"}

# The first words of a client (XProtocol.hh of XRootD 5): the handshake, and kXR_protocol with kXR_wantTLS.
_HANDSHAKE = struct.pack("!5i", 0, 0, 0, 4, 2012)
_PROTOCOL = struct.pack("!2sHIBB10xi", b"\0\1", 3006, 0x511, 0x06, 0x03, 0)
_HAVE_TLS = 0x80000000


class Xrootd:
    """An endpoint over root or roots.

    Args:
        url: of the endpoint.
        family: of addresses.
        anchors: CA certificates, for roots.
    """

    def __init__(self, url: str, family: Family, anchors: Anchors) -> None:
        parts = urlsplit(url)
        self.protocol = "roots" if parts.scheme == "roots" else "root"
        self._host, self._port = parts.hostname or "", parts.port or PORT
        self._server = f"{parts.scheme}://{parts.netloc}"
        self._base = "/" + parts.path.strip("/")
        self._family, self._anchors = family, anchors

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"{self._server}/{self._path(path)}"

    def hello(self, seconds: float) -> Hello:
        """Connect; with roots also agree on TLS and look at the certificate, as XrdCl does it."""
        end = time.monotonic() + seconds
        opened = net.connect(self._host, self._port, self._family, seconds)
        with contextlib.closing(opened.socket):
            if self.protocol == "root":
                return Hello(opened.seconds, None)
            try:
                _agree_on_tls(opened.socket, end)
            except (OSError, struct.error) as error:
                raise failures.of_error(error) from error
            secured = net.secure(opened, self._host, self._anchors.context, end)
            secured.socket.close()
            return Hello(secured.seconds, secured.tls_days_left)

    def stat(self, path: str, seconds: float) -> Entry:
        """Look at a file or folder."""
        found = dict(
            re.findall(r"^(Size|MTime|Flags): +(.*)$", self._fs(seconds, "stat", self._path(path)), re.MULTILINE)
        )
        with _understood():
            return Entry(path.rpartition("/")[2], int(found["Size"]), _time(found["MTime"]), "IsDir" in found["Flags"])

    def entries(self, path: str, seconds: float) -> list[Entry]:
        """Look into a folder."""
        said = self._fs(seconds, "ls", "-l", self._path(path)).splitlines()
        lines = (line for line in said if len(line) <= LINE)
        with _understood():
            return [_entry(found) for found in map(_LISTED.fullmatch, lines) if found]

    def make_folder(self, path: str, seconds: float) -> None:
        """Make a folder with its parents, but never the URL's own: that one missing is a fault of the endpoint.

        `mkdir -p` of one that is there fails (5.8.1): another pod may be first.
        """
        if not self._has(path, seconds):
            if not self._has("", seconds):
                raise Bad(Reason.NOT_FOUND, "the folder of the URL is not there")
            try:
                self._fs(seconds, "mkdir", "-p", self._path(path))
            except Bad:
                if not self._has(path, seconds):
                    raise

    def write(self, path: str, payload: Payload, seconds: float) -> None:
        """Write a file, over one that is there."""
        chunk = CHUNK_BYTES if payload.size <= 64 * CHUNK_BYTES else 64 * CHUNK_BYTES
        limits = {"XRD_CPCHUNKSIZE": str(chunk)}
        self._run(("xrdcp", "-s", "-f", "-", self.url(path)), seconds, limits, feed=payload.chunks())

    def read(self, path: str, seconds: float) -> Content:
        """Read a file, all of it, and sum it up here."""
        meter = Meter()
        self._run(("xrdcp", "-s", self.url(path), "-"), seconds, meter=meter)
        return Content(meter.size, meter.adler32)

    def adler32(self, path: str, seconds: float) -> str:
        """Ask the server for the checksum."""
        said = self._fs(seconds, "query", "checksum", f"{self._path(path)}?cks.type=adler32").split()
        with _understood():
            name, value = said[0], said[1]
            if name.lower() != "adler32":
                raise Bad(Reason.PROTOCOL_ERROR, f"a checksum of type {name}")
            return f"{int(value, 16):08x}"

    def delete(self, path: str, seconds: float) -> None:
        """Delete a file."""
        self._fs(seconds, "rm", self._path(path))

    def evict(self, path: str, seconds: float) -> None:
        """Let this cache forget a file: fine where it has not got it, refused while somebody reads it."""
        self._fs(seconds, "cache", "evict", self._path(path))

    def copy_from(self, source: str, path: str, seconds: float) -> None:
        """Let this server fetch a file from another: third-party copy, and nothing else ever (`--tpc only`).

        Args:
            source: URL, of root or roots.
            path: of the new file, over one that is there.
            seconds: for all of it.
        """
        self._run(("xrdcp", "-f", "-s", "--tpc", "only", source, self.url(path)), seconds)

    def _has(self, path: str, seconds: float) -> bool:
        try:
            return self.stat(path, seconds).folder
        except Bad as bad:
            if bad.reason is not Reason.NOT_FOUND:
                raise
            return False

    def _path(self, path: str) -> str:
        return f"{self._base.rstrip('/')}/{path}".rstrip("/") or "/"

    def _fs(self, seconds: float, *words: str) -> str:
        return self._run(("xrdfs", self._server, *words), seconds)

    def _run(
        self,
        words: tuple[str, ...],
        seconds: float,
        environment: Mapping[str, str] | None = None,
        *,
        feed: Iterable[bytes] | None = None,
        meter: Meter | None = None,
    ) -> str:
        trust = self._anchors.environment if self.protocol == "roots" else {}
        variables = {**trust, **_times(seconds, self._family), **(environment or {})}
        done = programs.run(words, seconds, variables, feed, meter.add if meter else None)
        if done.timed_out:
            moving = meter is not None and meter.moving
            raise Bad(Reason.SLOW if moving else Reason.TIMEOUT, f"{words[0]}: not done within {seconds:.0f} s")
        if done.code != 0:
            raise self._explained(failures.of_program(done.text))
        return done.output

    def _explained(self, failure: Bad) -> Bad:
        """Look again at what XrdCl only calls a connection error."""
        if failure.reason is Reason.RESET:
            self.hello(net.CONNECT_SECONDS)
        return failure


def _times(seconds: float, family: Family) -> Mapping[str, str]:
    """Return XrdCl's own limits (README of xrootd-client: environment), whole seconds within the step's."""
    whole = str(max(1, int(seconds)))
    return {
        "XRD_CONNECTIONWINDOW": str(max(1, min(int(net.CONNECT_SECONDS), int(seconds / 2)))),
        "XRD_CONNECTIONRETRY": "1",
        "XRD_REQUESTTIMEOUT": whole,
        "XRD_STREAMTIMEOUT": whole,
        "XRD_STREAMERRORWINDOW": "0",
        "XRD_TIMEOUTRESOLUTION": "1",
        "XRD_CPTIMEOUT": whole,
        "XRD_CPTPCTIMEOUT": whole,
        "XRD_NETWORKSTACK": _STACKS[family],
        "XRD_APPNAME": "datalake-probe",
    }


def _agree_on_tls(connection: socket.socket, end: float) -> None:
    """Say the first words of XRootD's protocol, after which the server expects TLS."""
    connection.sendall(_HANDSHAKE + _PROTOCOL)
    _answer(connection, end)
    _, flags = struct.unpack("!iI", _answer(connection, end)[:8])
    if not flags & _HAVE_TLS:
        raise Bad(Reason.TLS_FAILED, "the server offers no TLS")


def _answer(connection: socket.socket, end: float) -> bytes:
    """Read one answer: two bytes of the request's, status, length, and that many bytes."""
    _, status, length = struct.unpack("!2sHi", _exactly(connection, 8, end))
    if status != 0 or not 0 <= length <= 4096:
        raise Bad(Reason.PROTOCOL_ERROR, "the server does not speak XRootD's protocol")
    return _exactly(connection, length, end)


def _exactly(connection: socket.socket, size: int, end: float) -> bytes:
    """Read so many bytes, and not longer than until then (`time.monotonic`), however they drip."""
    found = b""
    while len(found) < size:
        connection.settimeout(max(0.01, end - time.monotonic()))
        if time.monotonic() > end:
            raise TimeoutError("the answer drips")
        more = connection.recv(size - len(found))
        if not more:
            raise ConnectionResetError("closed in the middle of an answer")
        found += more
    return found


def _entry(found: re.Match[str]) -> Entry:
    return Entry(
        found["path"].rstrip("/").rpartition("/")[2],
        int(found["size"] or found["old"] or 0),
        _time(found["time"]),
        found["kind"] == "d",
    )


def _time(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError, IndexError) as error:
        raise Bad(Reason.PROTOCOL_ERROR, f"an answer without sense: {failures.clean(str(error))}") from error
