"""Reasons, from what real servers and clients have said."""

import errno
import http.client
import socket
import ssl

import pytest

from datalake_probe import failures
from datalake_probe.outcome import Bad, Reason

SAID = "[ERROR] Server responded with an error: "

# Recorded from xrdfs, xrdcp and servers of XRootD 5.8.1.
PROGRAMS = {
    f"{SAID}[3005] Unable to create /probe/x/h; file path marked read/only (destination)": Reason.READ_ONLY,
    f"{SAID}[3025] Unable to mkdir /probe/x; read-only file system": Reason.READ_ONLY,
    f"{SAID}[3010] Unable to create /probe/x/h; permission denied (destination)": Reason.FORBIDDEN,
    f"{SAID}[3010] Stating path '/other/x' is disallowed.": Reason.FORBIDDEN,
    f"{SAID}[3011] Unable to locate /probe/x/nope; no such file or directory": Reason.NOT_FOUND,
    f"{SAID}[3009] Unable to write /probe/x/h; no space left on device (destination)": Reason.NO_SPACE,
    f"{SAID}[3005] [ERROR] Local error: no space left on device:  (destination)": Reason.NO_SPACE,
    f"{SAID}[3013] Unable to open /probe/x/h; tpc not supported (destination)": Reason.NO_THIRD_PARTY_COPY,
    "[ERROR] Operation not supported: Source does not support third-party-copy": Reason.NO_THIRD_PARTY_COPY,
    f"{SAID}[3013] query chksum is not supported": Reason.PROTOCOL_ERROR,
    f"{SAID}[3012] internal server error": Reason.SERVER_ERROR,
    f"{SAID}[3999] something new": Reason.SERVER_ERROR,
    "[FATAL] Connection error": Reason.RESET,
    "[FATAL] Invalid address": Reason.NAME_NOT_FOUND,
    "[FATAL] Auth failed: No protocols left to try": Reason.UNAUTHENTICATED,
    "[FATAL] TLS error: connection refused: Server was not configured to support encryption.": Reason.TLS_FAILED,
    "[ERROR] Operation expired": Reason.TIMEOUT,
    "something new": Reason.FAILED,
}
# Recorded from COPY of XRootD 5.8.1.
COPIES = {
    "Error when interacting with local filesystem: Unable to write /x; no space left on device": Reason.NO_SPACE,
    "Error when interacting with local filesystem: Unknown filesystem write failure., local=/x": Reason.NO_SPACE,
    "Unable to create /x; read-only file system, local=/x, remote=http://a/x": Reason.READ_ONLY,
    "Unable to create /x; permission denied, local=/x, remote=http://a/x": Reason.FORBIDDEN,
    "Remote side 10.231.0.1 failed with status code 404 while fetching remote size": Reason.NOT_FOUND,
    "Remote side 10.231.0.1 failed with status code 401 while fetching remote size": Reason.UNAUTHENTICATED,
    "Internal transfer failure, HTTP library failure=Could not connect to server": Reason.UNREACHABLE,
    "Internal transfer failure, HTTP library failure=Could not resolve hostname": Reason.NAME_NOT_FOUND,
    "Internal transfer failure, HTTP library failure=Server returned nothing (no headers, no data)": (
        Reason.TRANSFER_FAILED
    ),
}
ERRORS = [
    (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Reason.REFUSED),
    (ConnectionResetError(errno.ECONNRESET, "x"), Reason.RESET),
    (http.client.RemoteDisconnected("x"), Reason.RESET),
    (BrokenPipeError(errno.EPIPE, "x"), Reason.RESET),
    (TimeoutError("x"), Reason.TIMEOUT),
    (OSError(errno.EHOSTUNREACH, "x"), Reason.UNREACHABLE),
    (OSError(errno.ENETUNREACH, "x"), Reason.UNREACHABLE),
    (PermissionError(errno.EPERM, "a packet filter"), Reason.UNREACHABLE),
    (socket.gaierror(socket.EAI_NONAME, "x"), Reason.NAME_NOT_FOUND),
    (ssl.SSLError(1, "x"), Reason.TLS_FAILED),
    (ssl.SSLEOFError(8, "x"), Reason.RESET),
    (http.client.BadStatusLine("x"), Reason.PROTOCOL_ERROR),
    (http.client.IncompleteRead(b""), Reason.PROTOCOL_ERROR),
    (OSError(errno.EIO, "x"), Reason.FAILED),
    (Bad(Reason.NO_SPACE), Reason.NO_SPACE),
]


@pytest.mark.parametrize(("text", "reason"), PROGRAMS.items())
def test_what_programs_say(text: str, reason: Reason) -> None:
    assert failures.of_program(f"Run: {text}\n\0\n").reason is reason


@pytest.mark.parametrize(("text", "reason"), COPIES.items())
def test_what_copies_say(text: str, reason: Reason) -> None:
    assert failures.of_copy(text).reason is reason


@pytest.mark.parametrize(("error", "reason"), ERRORS)
def test_what_exceptions_mean(error: BaseException, reason: Reason) -> None:
    assert failures.of_error(error).reason is reason


def test_nobody_answers_while_connecting() -> None:
    assert failures.of_error(TimeoutError(), connecting=True).reason is Reason.CONNECT_TIMEOUT


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        (401, "", Reason.UNAUTHENTICATED),
        (403, "", Reason.FORBIDDEN),
        (404, "", Reason.NOT_FOUND),
        (507, "", Reason.NO_SPACE),
        (500, "Unable to create /x; no space left on device", Reason.NO_SPACE),
        (500, "Unable to create /x; file path marked read/only", Reason.READ_ONLY),
        (500, "no idea", Reason.SERVER_ERROR),
        (409, "", Reason.UNEXPECTED_STATUS),
    ],
)
def test_what_answers_mean(status: int, text: str, reason: Reason) -> None:
    assert failures.of_status(status, text).reason is reason


def test_a_foreign_text_is_one_short_line_of_the_log() -> None:
    said = str(failures.of_status(500, "a\0b\r\n\x1b[31mred" + "x" * 10000))
    assert "\n" not in said
    assert "\x1b" not in said
    assert len(said) < 400
