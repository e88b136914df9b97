"""Every fault of storage that we know, on real servers: XRootD 5.8.1 over root and HTTP, TLS, and bad company."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import EXPIRED, Authority
from tests.support.storage_lab import HOST, Envelope, Origin, StorageLab, endpoint, storage, storage_lab

AUTHDB = "ofs.authorize 1\nacc.authdb /etc/xcache/authdb\n"
LIAR = "/etc/xcache/liar"
FULL = "dd if=/dev/zero of=probe/fill bs=1k count=60"
THROTTLE = "xrootd.fslib throttle default\nthrottle.throttle data 300k\n"

# What is the matter, and what must be said over root and over http.
ORIGINS = {
    Origin("sound", 1): ("ok", "ok"),
    Origin("exported-read-only", 2, access="r/o"): ("bad/ReadOnly", "bad/ReadOnly"),
    Origin("mounted-read-only", 3, size="1m", prepare="mount -o remount,ro ."): ("bad/ReadOnly", "bad/ReadOnly"),
    Origin("full", 4, size="64k", prepare=FULL): ("bad/NoSpace", "bad/NoSpace"),
    Origin("nearly-full", 5, size="256k"): ("bad/NoSpace", "bad/NoSpace"),
    Origin("not-ours", 6, prepare="chown -R 0 probe; chmod 755 probe/x"): ("bad/Forbidden", "bad/Forbidden"),
    Origin("forbidden", 7, extra=AUTHDB): ("bad/Forbidden", "bad/Forbidden"),
    Origin("liar", 8, script=LIAR): ("bad/ChecksumMismatch", "bad/ChecksumMismatch"),
    Origin("no-checksum", 9, checksum=False): ("bad/ProtocolError", "bad/ProtocolError"),
}
THROTTLED = Origin("throttled", 10, extra=THROTTLE)

TLS = {"roots": "roots", "davs": "davs"}
SECURE = {
    Origin("trusted", 21, protocols=TLS): "ok",
    Origin("expired", 22, protocols=TLS): "bad/TLSExpired",
    Origin("foreign", 23, protocols=TLS): "bad/TLSUntrusted",
    Origin("wrong-name", 24, protocols=TLS): "bad/TLSWrongName",
}

SILENT = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
kept = []
while True: kept.append(server.accept())
"""
RESETTING = """
import socket, struct, sys
server = socket.create_server(("", int(sys.argv[1])))
while True:
    client, _ = server.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.recv(1)
    client.close()
"""
ANSWERING = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_PROPFIND(self):
        self.send_response(int(sys.argv[2]))
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_MKCOL = do_PROPFIND
http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
"""
ANSWERS = {401: "bad/Unauthenticated", 403: "bad/Forbidden", 404: "bad/NotFound", 500: "bad/ServerError"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageLab]:
    logs: Path = tmp_path_factory.mktemp("storage")
    with storage_lab(logs) as found:
        found.root(
            f"echo 'u nobody-else /probe a' > /etc/xcache/authdb; printf '#!/bin/sh\\necho deadbeef\\n' > {LIAR}"
        )
        found.root(f"chmod 755 {LIAR}")
        for origin in ORIGINS:
            found.start(origin)
        yield found


def run(opened: StorageLab, *endpoints: dict[str, Any], **values: Any) -> Envelope:
    names = [str(entry["name"]) for entry in endpoints]
    return opened.run(opened.plan("storage", list(endpoints), storage(names), **values))


def urls(port: int, host: str = HOST) -> dict[str, str]:
    return {"root": f"root://{host}:{port}//probe/x", "http": f"http://{host}:{port}/probe/x"}


def test_each_fault_of_a_server_has_its_reason_over_root_and_over_http(opened: StorageLab) -> None:
    found = run(opened, *(origin.endpoint() for origin in ORIGINS))
    expected = {
        f"{origin.name}/{protocol}": outcome
        for origin, outcomes in ORIGINS.items()
        for protocol, outcome in zip(("root", "http"), outcomes, strict=True)
    }
    assert found.cells() == expected, found.log
    assert opened.files("/origin -name 'probe-*'") == []


def test_the_folder_of_the_url_itself_is_never_made(opened: StorageLab) -> None:
    found = run(opened, Origin("sound", 1).endpoint("probe/mistyped/y"))
    assert found.cells() == {"sound/root": "bad/NotFound", "sound/http": "bad/NotFound"}, found.log
    assert opened.files("/origin -path '*mistyped*'") == []


def test_what_is_measured_of_sound_storage(opened: StorageLab) -> None:
    found = run(opened, Origin("sound", 1).endpoint())
    for protocol in ("root", "http"):
        measured = found.measured(f"sound/{protocol}")
        steps = {f"{name}_seconds" for name in ("connect", "stat", "list", "write", "read", "checksum", "delete")}
        assert measured.keys() == {*steps, "seconds", "throughput_bytes_per_second"}
        assert all(value > 0 for value in measured.values())


def test_who_cannot_be_reached_and_why(opened: StorageLab) -> None:
    opened.serve(RESETTING, 8301)
    opened.swallow("10.231.0.9")
    found = run(
        opened,
        endpoint("nobody", urls(8302)),
        endpoint("nameless", urls(8302, "gone.example.org")),
        endpoint("resetting", urls(8301)),
        endpoint("swallowing", urls(8302, "10.231.0.9")),
        endpoint("far", urls(8302, "10.99.0.1")),
        endpoint("six", urls(8302), ipFamily="IPv6"),
        deadlineSeconds=20,
    )
    expected = {"nobody": "bad/Refused", "nameless": "bad/NameNotFound", "resetting": "bad/Reset"}
    expected |= {"swallowing": "bad/ConnectTimeout", "far": "bad/Unreachable", "six": "skipped/NoFamilyInPod"}
    assert found.cells() == {f"{name}/{protocol}": value for name, value in expected.items() for protocol in urls(1)}


def test_a_server_that_accepts_and_is_silent_costs_its_step_and_no_more(opened: StorageLab) -> None:
    opened.serve(SILENT, 8303)
    silent = {**urls(8303), "roots": f"roots://{HOST}:8303//probe/x", "https": f"https://{HOST}:8303/probe/x"}
    found = run(opened, endpoint("silent", silent), deadlineSeconds=20)
    assert found.cells() == {f"silent/{protocol}": "bad/Timeout" for protocol in silent}


@pytest.mark.parametrize(("status", "outcome"), ANSWERS.items())
def test_what_a_web_server_answers_has_its_reason(opened: StorageLab, status: int, outcome: str) -> None:
    opened.serve(ANSWERING, 8400 + status, str(status))
    found = run(opened, endpoint("web", {"http": f"http://{HOST}:{8400 + status}/probe/x"}))
    assert found.cells() == {"web/http": outcome}, found.log


def test_certificates_over_roots_and_over_davs(opened: StorageLab, tmp_path: Path) -> None:
    known, foreign = Authority(tmp_path / "known"), Authority(tmp_path / "foreign")
    pairs = {
        "trusted": known.issue("trusted", f"DNS:{HOST}"),
        "expired": known.issue("expired", f"DNS:{HOST}", EXPIRED),
        "foreign": foreign.issue("foreign", f"DNS:{HOST}"),
        "wrong-name": known.issue("wrong-name", "DNS:other.example.org"),
    }
    opened.root("mkdir -p /etc/probe/trust")
    opened.lab.write("/etc/probe/trust/lab.pem", known.certificate.read_text())
    for origin in SECURE:
        certificate, key = pairs[origin.name]
        at = f"/etc/xcache/{origin.name}"
        files = f"{at}.pem {at}.key"
        opened.lab.write(f"{at}.pem", certificate.read_text())
        opened.lab.write(f"{at}.key", key.read_text())
        opened.root(f"chmod 400 {files}; chown 10940 {files}")
        tls = f"xrd.tls {files}\nxrd.tlsca noverify\nxrootd.tls capable all\n"
        opened.start(Origin(origin.name, origin.number, extra=tls, protocols=TLS))
    trust = {"system": False, "igtf": False, "bundles": ["lab"]}
    found = run(opened, *(origin.endpoint() for origin in SECURE), trust=trust)
    expected = {f"{origin.name}/{protocol}": outcome for origin, outcome in SECURE.items() for protocol in TLS}
    assert found.cells() == expected, found.log
    for protocol in TLS:
        assert 29 < found.measured(f"trusted/{protocol}")["tls_days_left"] <= 30


def test_storage_that_still_moves_bytes_when_its_time_is_over_is_slow(opened: StorageLab) -> None:
    opened.start(THROTTLED)
    plan = opened.plan("storage", [THROTTLED.endpoint()], storage(["throttled"], 8 * 2**20), deadlineSeconds=20)
    found = opened.run(plan)
    # The throttle may hold everything up until a time-out of the client; XRootD's HTTP may have taken away by then
    # what it had.
    for cell in ("throttled/root", "throttled/http"):
        assert found.cells()[cell] in ("bad/Slow", "bad/Timeout"), found.log
