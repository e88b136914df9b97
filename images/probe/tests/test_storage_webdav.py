"""HTTP storage that does not behave: COPY that promises and fails, redirects, and servers that say little."""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from datalake_probe import webdav
from datalake_probe.guests import Guest
from datalake_probe.outcome import Bad, Reason
from datalake_probe.payload import Payload
from datalake_probe.trust import Anchors
from datalake_probe.webdav import WebDav

HERE = "127.0.0.1"
FOLDER = ".datalake-probe/4f2a91c0.science.mesh"
MARKER = "Perf Marker\nTimestamp: 1\nStripe Index: 0\nStripe Bytes Transferred: {}\nTotal Stripe Count: 1\nEnd\n"

# What a server says after 201, what it does then, and the reason.
COPIES = {
    "success": ([MARKER.format(0), MARKER.format(10), "success: Created\n"], "end", None),
    "success-of-dcache": ([MARKER.format(10), "  Success: created\r\n"], "end", None),
    "success-without-newline": (["success: Created"], "end", None),
    "fails": ([MARKER.format(10), "failure: rejected: the other side went away\n"], "end", Reason.TRANSFER_FAILED),
    "has-no-space": ([MARKER.format(0), "failure: no space left on device\n"], "end", Reason.NO_SPACE),
    "other-side-refuses": (["failure: Remote side failed with status code 403\n"], "end", Reason.FORBIDDEN),
    "checksum": (["failure: checksum mismatch\n"], "end", Reason.CHECKSUM_MISMATCH),
    "ends-early": ([MARKER.format(10)], "end", Reason.TRANSFER_FAILED),
    "says-nothing": ([], "end", Reason.TRANSFER_FAILED),
    "is-cut-off": ([MARKER.format(10)], "cut", Reason.TRANSFER_FAILED),
    "is-silent": ([MARKER.format(10)], "wait", Reason.TIMEOUT),
    "stands-still": ([MARKER.format(10)] * 100, "end", Reason.TIMEOUT),
    "is-slow": ([MARKER.format(number) for number in range(1, 101)], "end", Reason.SLOW),
    "talks-of-success": ([MARKER.format(10), "no success: yet\n", "successful\n"], "end", Reason.TRANSFER_FAILED),
}


class Handler(http.server.BaseHTTPRequestHandler):
    """COPY does as the file's name says; /door/ redirects everything to /pool/; files live in memory."""

    protocol_version = "HTTP/1.1"
    kept: ClassVar[dict[str, bytes]] = {}
    folders: ClassVar[set[str]] = {"/pool"}
    bodies: ClassVar[list[tuple[str, int]]] = []

    def do_COPY(self) -> None:
        name = self.path.rpartition("/")[2]
        if name.isdecimal():
            self._say(int(name), b"failure: no")
            return
        lines, then, _ = COPIES[name]
        self.send_response(201)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            for line in lines:
                self.wfile.write(f"{len(line.encode()):x}\r\n{line}\r\n".encode())
                time.sleep(0.05)
            if then == "wait":
                time.sleep(5)
            if then != "cut":
                self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def do_PUT(self) -> None:
        if self._redirected():
            return
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        self.bodies.append((self.path, len(body)))
        if self.path.rpartition("/")[0] not in self.folders:
            self._say(409)
        else:
            self.kept[self.path] = body
            self._say(201)

    def do_MKCOL(self) -> None:
        if self.path in self.folders:
            self._say(405)
        elif self.path.rpartition("/")[0] not in self.folders:
            self._say(409)
        else:
            self.folders.add(self.path)
            self._say(201)

    def do_GET(self) -> None:
        if not self._redirected():
            found = self.kept.get(self.path)
            self._say(200 if found is not None else 404, found or b"")

    def do_PROPFIND(self) -> None:
        if self.path.rstrip("/") not in self.folders:
            self._say(404)
            return
        self._say(207, b'<d:multistatus xmlns:d="DAV:"><d:response><d:href>/x/</d:href></d:response></d:multistatus>')

    def handle_expect_100(self) -> bool:
        return self.path.startswith("/door/") or super().handle_expect_100()

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002
        """Nothing."""

    def _redirected(self) -> bool:
        if not self.path.startswith("/door/"):
            return False
        self.send_response(307)
        self.send_header("Location", self.path.replace("/door/", "/pool/", 1))
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.close_connection = True  # with a body unread
        return True

    def _say(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    """Forgives clients that go away."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with Server((HERE, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def files(port: int, tmp_path: Path) -> WebDav:
    anchors = tmp_path / "trust.pem"
    anchors.touch()
    return WebDav(f"http://{HERE}:{port}/pool", "http", "Any", Anchors(anchors))


@pytest.fixture
def door(port: int, tmp_path: Path) -> WebDav:
    anchors = tmp_path / "trust.pem"
    anchors.touch()
    return WebDav(f"http://{HERE}:{port}/door", "http", "Any", Anchors(anchors))


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_has_succeeded_when_its_last_line_says_so_and_never_else(files: WebDav, name: str) -> None:
    reason = COPIES[name][2]
    begun = time.monotonic()
    if reason is None:
        files.copy(name, 2, source="http://elsewhere.example.org/x")
        return
    with pytest.raises(Bad) as caught:
        files.copy(name, 2, source="http://elsewhere.example.org/x")
    assert caught.value.reason is reason
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.UNAUTHENTICATED),
        (403, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (405, Reason.NO_THIRD_PARTY_COPY),
        (412, Reason.TRANSFER_FAILED),
        (500, Reason.TRANSFER_FAILED),
        (501, Reason.NO_THIRD_PARTY_COPY),
        (507, Reason.NO_SPACE),
    ],
)
def test_a_copy_that_is_refused_never_began(files: WebDav, status: int, reason: Reason) -> None:
    with pytest.raises(Bad) as caught:
        files.copy(str(status), 2, destination="http://elsewhere.example.org/x")
    assert caught.value.reason is reason


@pytest.mark.parametrize("size", [1000, 8 * 2**20])
def test_redirects_of_writes_and_reads_are_followed_and_a_large_body_is_sent_once(door: WebDav, size: int) -> None:
    payload = Payload("redirected", size)
    Handler.bodies.clear()
    door.write("file", payload, 10)
    assert Handler.bodies == [("/pool/file", size)]
    assert door.read("file", 10) == (size, payload.adler32)


def test_parents_are_made_for_a_server_that_does_not(files: WebDav) -> None:
    Handler.folders.difference_update({f"/pool/{FOLDER}", "/pool/.datalake-probe"})
    with pytest.raises(Bad):
        files.write(f"{FOLDER}/x", Payload("x", 10), 10)
    files.make_folder(FOLDER, 10)
    files.make_folder(FOLDER, 10)
    files.write(f"{FOLDER}/x", Payload("x", 10), 10)


def test_the_folder_of_the_url_itself_is_never_made(port: int, tmp_path: Path) -> None:
    (tmp_path / "trust.pem").touch()
    mistyped = WebDav(f"http://{HERE}:{port}/pol/escape", "http", "Any", Anchors(tmp_path / "trust.pem"))
    before = set(Handler.folders)
    with pytest.raises(Bad) as caught:
        mistyped.make_folder(FOLDER, 10)
    assert (caught.value.reason, Handler.folders) == (Reason.NOT_FOUND, before)


def test_what_is_not_ours_is_refused_before_anything_is_sent(files: WebDav) -> None:
    guest = Guest(files, FOLDER, 60)
    for path in ("x", f"{FOLDER}/x", f"{FOLDER}/../x", f"{FOLDER}/a/{guest.new_path().rpartition('/')[2]}"):
        with pytest.raises(ValueError, match="not ours"):
            guest.write(path, Payload("x", 1), 1)
        with pytest.raises(ValueError, match="not ours"):
            guest.delete(path, 1)


def test_davs_is_https_on_the_wire(tmp_path: Path) -> None:
    files = WebDav("davs://storage.example.org:8443//escape/", "davs", "Any", Anchors(tmp_path))
    assert files.url("a/b") == "https://storage.example.org:8443/escape/a/b"
    assert files.url("") == "https://storage.example.org:8443/escape"
    assert (
        WebDav("https://storage.example.org", "https", "Any", Anchors(tmp_path)).url("")
        == "https://storage.example.org/"
    )


def test_a_copy_that_stands_still_is_noticed_before_its_time_is_over(
    files: WebDav, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webdav, "STALL_SECONDS", 0.3)
    begun = time.monotonic()
    with pytest.raises(Bad) as caught:
        files.copy("stands-still", 30, source="http://elsewhere.example.org/x")
    assert (caught.value.reason, time.monotonic() - begun < 3) == (Reason.TIMEOUT, True)
