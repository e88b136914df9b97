"""The types tcp and http, and what both stand on: every failure is a real one of a real server."""

import contextlib
import errno
import http.server
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from datalake_probe import net, web
from datalake_probe.outcome import Bad, Reason, Skip, Stopped
from datalake_probe.plan import Family, Trust
from datalake_probe.trust import Anchors, TrustError, gather
from datalake_probe.xrootd import Xrootd
from tests.support import probe_runs as runs
from tests.support.certificates import EXPIRED, Authority

HERE = "127.0.0.1"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the path says: /status/CODE, /body/TEXT, /to/URL, /see/URL, /loop, /large, /drip."""

    seen: ClassVar[list[tuple[str, str | None, bytes]]] = []

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.seen.append((self.path, self.headers.get("Authorization"), self.rfile.read(length)))
        word, _, rest = self.path.lstrip("/").partition("/")
        if word == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            with contextlib.suppress(OSError):
                for number in range(1000):
                    self.wfile.write(f"X-{number}: 1\r\n".encode())
                    time.sleep(0.05)
            return
        code = {"status": int(rest) if rest.isdecimal() else 200, "to": 307, "see": 303, "loop": 301}.get(word, 200)
        body = b"x" * 2**20 if word == "large" else rest.encode()
        self.send_response(code)
        if 300 < code < 400:
            self.send_header("Location", rest or "/loop")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    do_PUT = do_GET  # noqa: N815

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002
        """Nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Forgives clients that go away."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    with Server((HERE, 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does one thing with whoever connects."""
    with socket.create_server((HERE, 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def reset(connection: socket.socket) -> None:
    connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(connection: socket.socket) -> None:
    connection.settimeout(10)
    while connection.recv(1000):
        pass


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def anchors(authority: Authority) -> Anchors:
    return Anchors(authority.certificate)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as found:
        yield found


def free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def reason(work: Callable[[], object]) -> Reason:
    with pytest.raises(Stopped) as stopped:
        work()
    return stopped.value.reason


def get(url: str, anchors: Anchors, **fields: Any) -> tuple[int, bytes]:
    with web.ask(web.Request("GET", url, anchors, fields.pop("seconds", 10), **fields)) as answer:
        return answer.status, answer.read()


# --- connections


def test_what_listens_is_found_and_what_does_not_is_refused(port: int) -> None:
    connection = net.connect(HERE, port)
    connection.socket.close()
    assert 0 < connection.seconds < 5
    assert reason(lambda: net.connect(HERE, free_port())) is Reason.REFUSED


def test_a_name_that_nobody_has_is_not_found() -> None:
    assert reason(lambda: net.resolve("no-such-name.invalid", 80)) is Reason.NAME_NOT_FOUND
    assert reason(lambda: net.resolve("x" * 70 + ".example", 80)) is Reason.NAME_NOT_FOUND


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*_: object) -> list[Any]:
        released.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    begun = time.monotonic()
    assert reason(lambda: net.resolve("slow.example", 80, seconds=0.1)) is Reason.NAME_NOT_FOUND
    assert time.monotonic() - begun < 5
    released.set()


def test_a_listener_whose_queue_is_full_is_a_connection_that_times_out() -> None:
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind((HERE, 0))
        server.listen(0)
        port = server.getsockname()[1]
        for _ in range(4):  # the kernel drops what comes when the queue is full
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((HERE, port))
        assert reason(lambda: net.connect(HERE, port, seconds=0.5)) is Reason.CONNECT_TIMEOUT


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_a_family_that_the_pod_lacks_is_skipped(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net, "_ELSEWHERE", {"IPv4": "999.0.0.0", "IPv6": "none"})
    monkeypatch.setattr(net, "_has_global_ipv6", lambda _: False)
    monkeypatch.setattr(net, "_has_ipv4", lambda _: False)
    with pytest.raises(Skip) as skipped:
        net.connect("localhost", 80, family)
    assert skipped.value.reason is Reason.NO_FAMILY_IN_POD


def test_a_host_that_only_has_addresses_of_a_family_that_the_pod_lacks_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Nowhere(socket.socket):
        def connect(self, _: object) -> None:
            raise OSError(errno.ENETUNREACH, "no way")

    found = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 80, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    monkeypatch.setattr(socket, "socket", Nowhere)
    for pod_has_it, expected in ((False, Reason.NO_FAMILY_IN_POD), (True, Reason.UNREACHABLE)):
        monkeypatch.setattr(net, "has_family", lambda *_, known=pod_has_it: known)
        assert reason(lambda: net.connect("six.example", 80)) is expected


def test_a_server_of_roots_that_drips_is_cut_off_in_time(anchors: Anchors) -> None:
    def drip(connection: socket.socket) -> None:
        for _ in range(1000):
            connection.sendall(b"\0")
            time.sleep(0.05)

    begun = time.monotonic()
    with answering(drip) as port:
        files = Xrootd(f"roots://{HERE}:{port}//probe/x", "Any", anchors)
        assert reason(lambda: files.hello(0.3)) is Reason.TIMEOUT
    assert time.monotonic() - begun < 5


def test_a_listing_of_one_endless_line_does_not_stop_the_runner(
    anchors: Anchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = "-rw-r--r-- u g 12 2026-11-26 07:00:00 /probe/x/file"
    monkeypatch.setattr(Xrootd, "_fs", lambda *_: f"- {'1' * 64000}\n{ours}\n")
    begun = time.monotonic()
    found = Xrootd(f"root://{HERE}//probe/x", "Any", anchors).entries("", 1)
    assert [(entry.name, entry.size) for entry in found] == [("file", 12)]
    assert time.monotonic() - begun < 5


def test_with_both_families_a_dead_one_is_hidden_and_asked_for_alone_it_is_not(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(_: str, number: int, family: int, kind: int) -> list[Any]:
        found = [(socket.AF_INET6, kind, 6, "", ("::1", number, 0, 0)), (socket.AF_INET, kind, 6, "", (HERE, number))]
        return [entry for entry in found if family in {socket.AF_UNSPEC, entry[0]}]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    monkeypatch.setattr(net, "has_family", lambda *_: True)
    for family in ("Any", "IPv4"):
        net.connect("dual.example", port, family).socket.close()
    assert reason(lambda: net.connect("dual.example", port, "IPv6")) in {Reason.REFUSED, Reason.UNREACHABLE}


def test_an_address_of_global_scope_is_a_family_even_without_a_way_out(tmp_path: Path) -> None:
    listing = tmp_path / "if_inet6"
    listing.write_text("00000000000000000000000000000001 01 80 10 80       lo\n")
    assert not net._has_global_ipv6(listing)  # noqa: SLF001
    listing.write_text("fd000000000000000000000000000001 02 40 00 80     eth0\n")
    assert net._has_global_ipv6(listing)  # noqa: SLF001
    listing.write_text("Iface\tDestination\n")
    assert not net._has_ipv4(listing)  # noqa: SLF001
    listing.write_text("Iface\tDestination\neth0\t0000000A\n")
    assert net._has_ipv4(listing)  # noqa: SLF001


# --- TLS


@pytest.mark.parametrize(
    ("name", "hosts", "dates", "expected"),
    [
        ("expired", "IP:127.0.0.1", EXPIRED, Reason.TLS_EXPIRED),
        ("foreign-host", "DNS:other.example", None, Reason.TLS_WRONG_NAME),
        ("foreign-address", "IP:192.0.2.1", None, Reason.TLS_WRONG_NAME),
    ],
)
def test_bad_certificates_are_told_apart(
    authority: Authority, anchors: Anchors, name: str, hosts: str, dates: tuple[str, str] | None, expected: Reason
) -> None:
    with serving(authority.context(name, hosts, dates)) as port:
        assert reason(lambda: get(f"https://{HERE}:{port}/", anchors)) is expected


def test_an_authority_that_nobody_knows_is_untrusted(tmp_path: Path, anchors: Anchors) -> None:
    with serving(Authority(tmp_path, "Somebody").context("good")) as port:
        assert reason(lambda: get(f"https://{HERE}:{port}/", anchors)) is Reason.TLS_UNTRUSTED
        (tmp_path / "none.pem").touch()
        assert reason(lambda: get(f"https://{HERE}:{port}/", Anchors(tmp_path / "none.pem"))) is Reason.TLS_UNTRUSTED


def test_a_good_certificate_says_how_long_it_lasts(authority: Authority, anchors: Anchors) -> None:
    with serving(authority.context("good")) as port:
        for scheme in ("https", "davs"):
            with web.ask(web.Request("GET", f"{scheme}://{HERE}:{port}/body/hi", anchors, 10)) as answer:
                assert answer.read() == b"hi"
                assert answer.tls_days_left == pytest.approx(30, abs=0.1)


def test_who_does_not_speak_tls_fails_it(port: int, anchors: Anchors) -> None:
    assert reason(lambda: get(f"https://{HERE}:{port}/", anchors)) is Reason.TLS_FAILED


# --- HTTP


def test_a_connection_that_is_cut_is_a_reset_and_a_silent_one_a_time_out(anchors: Anchors) -> None:
    with answering(reset) as port:
        assert reason(lambda: get(f"http://{HERE}:{port}/", anchors)) is Reason.RESET
    with answering(silent) as port:
        assert reason(lambda: get(f"http://{HERE}:{port}/", anchors, seconds=0.3)) is Reason.TIMEOUT


def test_a_server_that_drips_is_cut_off_in_time(port: int, authority: Authority, anchors: Anchors) -> None:
    begun = time.monotonic()
    assert reason(lambda: get(f"http://{HERE}:{port}/drip", anchors, seconds=0.5)) is Reason.TIMEOUT
    with serving(authority.context("drip")) as secured:
        assert reason(lambda: get(f"https://{HERE}:{secured}/drip", anchors, seconds=0.5)) is Reason.TIMEOUT
    assert time.monotonic() - begun < 5


def test_an_answer_that_hangs_is_cut_off_though_its_server_closes_after_it(anchors: Anchors) -> None:
    def begin(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nbegun")
        silent(connection)

    begun = time.monotonic()
    with answering(begin) as port:
        assert reason(lambda: get(f"http://{HERE}:{port}/", anchors, seconds=0.3)) is Reason.TIMEOUT
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("method", ["DELETE", "PUT", "COPY", "MKCOL", "PROPFIND"])
@pytest.mark.parametrize("target", ["/", "/probe/", "https://{}/", "/probe/file/inner", "/probe/file?/other"])
def test_what_changes_or_lists_something_is_never_sent_to_another_path(
    method: str, target: str, anchors: Anchors
) -> None:
    seen: list[bytes] = []

    def redirect(connection: socket.socket) -> None:
        seen.append(connection.recv(1000).split(b"\r\n")[0])
        connection.sendall(f"HTTP/1.1 301 Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())

    with answering(redirect) as port:
        target = target.format(f"{HERE}:{port}")
        request = web.Request(method, f"http://{HERE}:{port}/probe/own", anchors, 5)
        assert reason(lambda: web.ask(request).__enter__()) is Reason.PROTOCOL_ERROR
    assert seen == [f"{method} /probe/own HTTP/1.1".encode()]


@pytest.mark.parametrize(
    ("asked", "location", "kept"),
    [
        ("https://h/auth", "https://h/auth/", True),
        ("davs://h/auth", "/auth/", True),
        ("https://h/auth", "http://h/auth", False),  # the same host, in the clear
        ("https://h/auth", "https://h:8443/auth", False),
        ("https://h/auth", "//other/auth", False),
    ],
)
def test_a_secret_is_only_repeated_to_the_server_that_it_is_for(
    asked: str, location: str, kept: bool, anchors: Anchors
) -> None:
    request = web.Request("GET", asked, anchors, 5, {"X-Rucio-Password": "x", "Accept": "y"})
    headers = web._redirected(request, 307, location).headers  # noqa: SLF001
    assert headers == request.headers if kept else headers == {"Accept": "y"}


def test_what_is_no_http_is_a_protocol_error(anchors: Anchors) -> None:
    def chat(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"220 mail.example ESMTP\r\n")

    with answering(chat) as port:
        assert reason(lambda: get(f"http://{HERE}:{port}/", anchors)) is Reason.PROTOCOL_ERROR


def test_a_body_that_ends_early_is_a_reset(anchors: Anchors) -> None:
    def short(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    def read(url: str) -> None:
        with web.ask(web.Request("GET", url, anchors, 10)) as answer:
            list(answer.chunks())

    with answering(short) as port:
        assert reason(lambda: read(f"http://{HERE}:{port}/")) in {Reason.RESET, Reason.PROTOCOL_ERROR}


def test_a_put_is_sent_anew_where_it_is_redirected_and_a_secret_only_to_its_own_host(
    port: int, anchors: Anchors
) -> None:
    with serving() as other:
        Handler.seen.clear()
        headers = {"Content-Length": "4", "Authorization": "Bearer secret"}
        request = web.Request(
            "PUT", f"http://{HERE}:{port}/to/http://{HERE}:{other}/body/ok", anchors, 10, headers,
            lambda: [b"da", b"ta"],
        )  # fmt: skip
        with web.ask(request) as answer:
            assert (answer.status, answer.url) == (200, f"http://{HERE}:{other}/body/ok")
    assert [(token, body) for _, token, body in Handler.seen] == [("Bearer secret", b"data"), (None, b"data")]


def test_after_303_a_page_is_fetched_without_the_body(port: int, anchors: Anchors) -> None:
    Handler.seen.clear()
    request = web.Request(
        "PUT", f"http://{HERE}:{port}/see//body/ok", anchors, 10, {"Content-Length": "4"}, lambda: [b"data"]
    )
    with web.ask(request) as answer:
        assert answer.status == 200
    assert Handler.seen[-1] == ("/see//body/ok", None, b"") or Handler.seen[-1][2] == b""


def test_redirects_without_end_and_to_nowhere_are_protocol_errors(port: int, anchors: Anchors) -> None:
    assert reason(lambda: get(f"http://{HERE}:{port}/loop", anchors)) is Reason.PROTOCOL_ERROR
    assert reason(lambda: get(f"http://{HERE}:{port}/to/file:///etc/passwd", anchors)) is Reason.PROTOCOL_ERROR


# --- the types


def target(name: str, url: str, *status: int, body: str | None = None) -> dict[str, Any]:
    return {"name": name, "url": url, "expectStatus": list(status) or [200], "expectBody": body}


def test_http_targets_are_judged_each_by_its_own(port: int, tmp_path: Path) -> None:
    targets = [
        target("good", f"http://{HERE}:{port}/body/welcome", body="come"),
        target("redirected", f"http://{HERE}:{port}/to//body/there", body="there"),
        target("redirect-wanted", f"http://{HERE}:{port}/to/elsewhere", 307),
        target("wrong-body", f"http://{HERE}:{port}/body/goodbye", body="welcome"),
        target("beyond-64KiB", f"http://{HERE}:{port}/large", body="y"),
        target("locked", f"http://{HERE}:{port}/status/401"),
        target("locked-wanted", f"http://{HERE}:{port}/status/401", 401, 403),
        target("gone", f"http://{HERE}:{port}/status/404"),
        target("broken", f"http://{HERE}:{port}/status/503"),
        target("odd", f"http://{HERE}:{port}/status/202"),
        target("refused", f"http://{HERE}:{free_port()}/"),
    ]
    found = runs.run(tmp_path, runs.document("http", {"targets": targets}))
    assert runs.cells(found) == {
        "good": ("ok", None),
        "redirected": ("ok", None),
        "redirect-wanted": ("ok", None),
        "wrong-body": ("bad", "UnexpectedBody"),
        "beyond-64KiB": ("bad", "UnexpectedBody"),
        "locked": ("bad", "Unauthenticated"),
        "locked-wanted": ("ok", None),
        "gone": ("bad", "NotFound"),
        "broken": ("bad", "ServerError"),
        "odd": ("bad", "UnexpectedStatus"),
        "refused": ("bad", "Refused"),
    }
    measured = {cell["source"]: cell.get("m", {}) for cell in found["cells"]}
    assert set(measured["good"]) == {"seconds", "connect_seconds", "http_status"}
    assert measured["broken"]["http_status"] == 503


def test_tcp_targets_have_a_time_or_a_reason(port: int, tmp_path: Path) -> None:
    targets = [
        {"name": "open", "host": HERE, "port": port, "ipFamily": "IPv4"},
        {"name": "closed", "host": HERE, "port": free_port(), "ipFamily": "Any"},
        {"name": "nowhere", "host": "no-such-name.invalid", "port": 1, "ipFamily": "Any"},
    ]
    found = runs.run(tmp_path, runs.document("tcp", {"targets": targets}))
    assert runs.cells(found) == {
        "open": ("ok", None), "closed": ("bad", "Refused"), "nowhere": ("bad", "NameNotFound"),
    }  # fmt: skip
    assert [set(cell["m"]) for cell in found["cells"] if cell["result"] == "ok"] == [{"connect_seconds"}]


# --- trust


def test_all_that_is_believed_is_in_one_file_and_a_garbled_certificate_costs_no_other(
    tmp_path: Path, authority: Authority
) -> None:
    good = authority.certificate.read_text()
    other = Authority(tmp_path / "other", "Grid CA").certificate.read_text()
    broken = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"
    crl = "-----BEGIN X509 CRL-----\nZXhwaXJlZA==\n-----END X509 CRL-----\n"
    (tmp_path / "igtf").mkdir()
    (tmp_path / "igtf" / "grid.pem").write_text(f"about it\n{other}{broken}")
    (tmp_path / "igtf" / "grid.r0").write_text(crl)
    (tmp_path / "mine.pem").write_text(f"{good}{good}{crl}")

    def trusted(trust: Trust) -> int:
        anchors = gather(
            trust, tmp_path / "work" / "all.pem", system=tmp_path / "none", igtf=tmp_path / "igtf", bundles=tmp_path
        )
        assert "CRL" not in anchors.file.read_text()
        return len(anchors.context.get_ca_certs())

    assert trusted(Trust(system=True, igtf=True, bundles=("mine",))) == 2
    assert trusted(Trust(system=True, igtf=False, bundles=())) == 0
    (tmp_path / "empty.pem").write_text(broken)
    with pytest.raises(TrustError, match="empty holds no certificate"):
        trusted(Trust(bundles=("mine", "empty")))


def test_a_stopped_step_never_shows_a_foreign_text() -> None:
    bad = Bad(Reason.FAILED, "<script>")
    assert bad.reason.value == "Failed"
