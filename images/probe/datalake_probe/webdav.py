"""Files over http, https and davs, as HTTP storage of the grid does it: WebDAV, checksums of RFC 3230, COPY.

Parents of a file are made first, because dCache does not make them; redirects (dCache, EOS) are followed by `web`.
"""

import contextlib
import email.utils
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from datalake_probe import failures, net, web
from datalake_probe.files import Content, Entry, Hello
from datalake_probe.outcome import Bad, Reason
from datalake_probe.payload import Meter, Payload
from datalake_probe.plan import Family
from datalake_probe.trust import Anchors

LISTING_BYTES = 4 * 2**20
"""What is read of a listing: more than 10000 entries of ours would be a fault of ours."""

_DAV = "{DAV:}"
_NO_METHOD = {405, 501}
_NO_PARENT = {404, 409}
_MOVED = "stripe bytes transferred"

LARGE_BYTES = 2**16
"""A larger body is only sent when the server agrees: most redirect, and hang up on who sends on."""

LINGER_SECONDS = 0.1
"""A connection is kept for so long after a checksum was answered over it. XRootD 5.8.1 sums up in another thread, which
races with the end of the connection: of clients that hung up at once one in some hundred left the server hanging, or
dead (double free); of 5000 that waited for 0.02 s none did."""

STALL_SECONDS = 60.0
"""A third-party copy that moves nothing for so long stands still; servers report every 5 s or so."""


class WebDav:
    """An endpoint over http, https or davs.

    Args:
        url: of the endpoint.
        protocol: in the words of the plan.
        family: of addresses.
        anchors: CA certificates, for https and davs.
    """

    def __init__(self, url: str, protocol: str, family: Family, anchors: Anchors) -> None:
        parts = urlsplit(url)
        scheme = "https" if parts.scheme == "davs" else parts.scheme
        self.protocol = protocol
        self._server = f"{scheme}://{parts.netloc}"
        self._base = parts.path.strip("/")
        self._family, self._anchors = family, anchors

    def url(self, path: str) -> str:
        """Return the URL of a path; https for davs."""
        return "/".join(filter(None, (self._server, self._base, path))) if self._base or path else f"{self._server}/"

    def hello(self, seconds: float) -> Hello:
        """Look the name up, connect and, but for http, do TLS."""
        parts = urlsplit(self._server)
        tls = self._anchors.context if parts.scheme == "https" else None
        port = parts.port or (443 if tls else 80)
        opened = net.connect(parts.hostname or "", port, self._family, seconds, tls)
        opened.socket.close()
        return Hello(opened.seconds, opened.tls_days_left)

    def stat(self, path: str, seconds: float) -> Entry:
        """Look at a file or folder."""
        return self._properties(path, 0, seconds)[0]

    def entries(self, path: str, seconds: float) -> list[Entry]:
        """Look into a folder."""
        return self._properties(path, 1, seconds)[1:]

    def make_folder(self, path: str, seconds: float) -> None:
        """Make a folder with its parents, but never the URL's own: that one missing is a fault of the endpoint."""
        end = time.monotonic() + seconds
        try:
            self.stat(path, seconds)
        except Bad as bad:
            if bad.reason is not Reason.NOT_FOUND:
                raise
            self.stat("", _left(end))
            self._make(path, end)

    def write(self, path: str, payload: Payload, seconds: float) -> None:
        """Write a file, over one that is there."""
        end = time.monotonic() + seconds
        headers = {"Content-Length": str(payload.size)}
        if payload.size > LARGE_BYTES:
            headers["Expect"] = "100-continue"
        try:
            with web.ask(self._request("PUT", path, seconds, headers, payload.chunks)) as answer:
                _must_succeed(answer).drain()
        except Bad as bad:
            if bad.reason is Reason.RESET and payload.size and self._takes_names_only(path, end):
                raise Bad(Reason.NO_SPACE, f"an empty file can be written, one with content cannot: {bad}") from bad
            raise

    def read(self, path: str, seconds: float) -> Content:
        """Read a file, all of it, and sum it up here."""
        meter = Meter()
        try:
            with web.ask(self._request("GET", path, seconds)) as answer:
                _must_succeed(answer)
                for chunk in answer.chunks():
                    meter.add(chunk)
        except Bad as bad:
            if bad.reason is Reason.TIMEOUT and meter.moving:
                raise Bad(Reason.SLOW, str(bad)) from bad
            raise
        return Content(meter.size, meter.adler32)

    def adler32(self, path: str, seconds: float) -> str:
        """Ask the server for the checksum."""
        end = time.monotonic() + seconds
        wanted = {"Want-Digest": "adler32", "Connection": "keep-alive"}
        with web.ask(self._request("HEAD", path, seconds, wanted)) as answer:
            status, digest = answer.status, answer.headers.get("Digest", "")
            time.sleep(LINGER_SECONDS)
        found = re.search(r"adler32=([0-9a-f]{1,8})\b", digest, re.IGNORECASE)
        if status < 300 and found:
            return f"{int(found[1], 16):08x}"
        # XRootD 5.8.1 without checksums answers 403: whether the file itself may be seen decides.
        self.stat(path, _left(end))
        if status == 403 or status < 300:
            raise Bad(Reason.PROTOCOL_ERROR, "the server sends no adler32 (Want-Digest)")
        raise failures.of_status(status)

    def delete(self, path: str, seconds: float) -> None:
        """Delete a file."""
        with web.ask(self._request("DELETE", path, seconds)) as answer:
            _must_succeed(answer).drain()

    def copy(self, path: str, seconds: float, *, source: str = "", destination: str = "") -> None:
        """Let this server copy a file from or to another one: third-party copy, over a file that is there.

        Success is the final line `success:` alone. 201 comes before any byte has moved.

        Args:
            path: of the file here.
            seconds: for all of it.
            source: URL, for pull.
            destination: URL, for push.
        """
        end = {"Source": source} if source else {"Destination": destination}
        headers = {**end, "Overwrite": "T", "X-No-Delegate": "true", "Credential": "none", "Content-Length": "0"}
        with web.ask(self._request("COPY", path, seconds, headers)) as answer:
            if answer.status in _NO_METHOD:
                raise Bad(Reason.NO_THIRD_PARTY_COPY, f"HTTP {answer.status}")
            if answer.status >= 300:
                raise failures.of_copy(answer.read().decode(errors="replace"), answer.status)
            _follow(answer, seconds)

    def _takes_names_only(self, path: str, end: float) -> bool:
        """Whether an empty file can be written: XRootD 5.8.1 without space hangs up on the first byte of content."""
        headers = {"Content-Length": "0"}
        with contextlib.suppress(Bad), web.ask(self._request("PUT", path, _left(end), headers)) as answer:
            return answer.status < 300
        return False

    def _make(self, path: str, end: float) -> None:
        if self._mkcol(path, end):
            return
        parent = path.rpartition("/")[0]
        if parent:
            self._make(parent, end)
        if not self._mkcol(path, end):
            raise Bad(Reason.NOT_FOUND, f"MKCOL: {path} has no parent, though that is there")

    def _mkcol(self, path: str, end: float) -> bool:
        """Whether a folder could be made or is there: False if its parent is missing."""
        with web.ask(self._request("MKCOL", path, _left(end))) as answer:
            if answer.status in _NO_PARENT:
                return False
            if answer.status != 405:  # it is there
                _must_succeed(answer).drain()
            return True

    def _properties(self, path: str, depth: int, seconds: float) -> list[Entry]:
        with web.ask(self._request("PROPFIND", path, seconds, {"Depth": str(depth), "Content-Length": "0"})) as answer:
            _must_succeed(answer)
            text = answer.read(LISTING_BYTES)
        try:
            found = [_entry(response) for response in ET.fromstring(text).iter(f"{_DAV}response")]  # noqa: S314
        except (ET.ParseError, ValueError) as error:
            raise Bad(Reason.PROTOCOL_ERROR, f"PROPFIND: {failures.clean(str(error))}") from error
        if not found:
            raise Bad(Reason.PROTOCOL_ERROR, "PROPFIND: no entries")
        return found

    def _request(
        self,
        method: str,
        path: str,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        body: web.Body | None = None,
    ) -> web.Request:
        return web.Request(method, self.url(path), self._anchors, seconds, headers or {}, body, self._family)


def _must_succeed(answer: web.Answer) -> web.Answer:
    if answer.status >= 300:
        raise failures.of_status(answer.status, answer.read().decode(errors="replace"))
    return answer


def _follow(answer: web.Answer, seconds: float) -> None:
    """Read the progress of a copy to its end.

    Raises:
        Bad: the reason of its `failure:` line, TransferFailed when it ends without any, Timeout when it stands still,
            Slow when it still moves at the end of its time.
    """
    moved, last = 0, time.monotonic()
    stall = min(STALL_SECONDS, seconds / 2)
    try:
        for line in answer.lines():
            word, _, rest = (part.strip() for part in line.partition(":"))
            if word.lower() == "success":
                return
            _must_go_on(word.lower(), rest, time.monotonic() - last, stall)
            if word.lower() == _MOVED and rest.isdecimal() and int(rest) > moved:
                moved, last = int(rest), time.monotonic()
    except Bad as bad:
        if bad.reason is Reason.TIMEOUT and moved and time.monotonic() - last <= stall:
            raise Bad(Reason.SLOW, f"{moved} bytes within {seconds:.0f} s") from bad
        raise
    raise Bad(Reason.TRANSFER_FAILED, "the copy ended without a word of success")


def _must_go_on(word: str, rest: str, still: float, stall: float) -> None:
    if word == "failure":
        raise failures.of_copy(rest)
    if still > stall:
        raise Bad(Reason.TIMEOUT, f"nothing moved for {still:.0f} s")


def _left(end: float) -> float:
    return max(0.1, end - time.monotonic())


def _entry(response: ET.Element) -> Entry:
    def text(name: str) -> str:
        return (response.findtext(f".//{_DAV}{name}") or "").strip()

    size, modified = text("getcontentlength"), text("getlastmodified")
    return Entry(
        unquote(text("href")).rstrip("/").rpartition("/")[2],
        int(size) if size.isdecimal() else 0,
        email.utils.parsedate_to_datetime(modified).timestamp() if modified else None,
        response.find(f".//{_DAV}resourcetype/{_DAV}collection") is not None,
    )
