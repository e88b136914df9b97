"""What went wrong, in the bounded words of the envelope: from exceptions, HTTP answers and what XRootD's programs say.

Texts of servers end here: they choose a reason and go to the log, never into the result. Nor do they ever decide who is
to blame, for in a third-party copy one server reports the other's trouble.
"""

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Iterable

from datalake_probe.outcome import Bad, Reason, Stopped

TEXT_LIMIT = 300
"""Characters of a foreign text that are logged."""

_Words = tuple[tuple[Reason, re.Pattern[str]], ...]


def _words(*rows: tuple[Reason, str]) -> _Words:
    return tuple((reason, re.compile(pattern, re.IGNORECASE)) for reason, pattern in rows)


# The words of `strerror` and of XRootD 5.8.1, which sends them with general codes: kXR_FSError by root, 500 by HTTP.
_STORAGE = _words(
    # "filesystem write failure": the copy of XRootD's HTTP found that the disk took a part of a block.
    (Reason.NO_SPACE, r"no space left|quota exceeded|insufficient (storage|space)|filesystem write failure"),
    (Reason.READ_ONLY, r"read-only file ?system|marked read/only"),
)
_COPY = _words(
    (
        Reason.NO_THIRD_PARTY_COPY,
        r"tpc not supported|not support third.party|tpc authorization expired|request unknown",
    ),
    (Reason.CHECKSUM_MISMATCH, r"checksum"),
    (Reason.FORBIDDEN, r"permission denied|not authorized|disallowed"),
    (Reason.NOT_FOUND, r"no such file"),
    (Reason.NAME_NOT_FOUND, r"could not resolve|couldn't resolve"),
    (Reason.UNREACHABLE, r"could not connect|couldn't connect"),
    (Reason.TIMEOUT, r"timed? ?out|timeout"),
)
# What a server says, in the words of the client that it was to the other one in a third-party copy.
_OTHER = _words(
    (Reason.NAME_NOT_FOUND, r"\[FATAL\] invalid address"),
    (Reason.UNREACHABLE, r"\[FATAL\] connection error"),
    (Reason.TIMEOUT, r"operation expired|socket timeout"),
)
# enum XErrorCode of XProtocol.hh, XRootD 5.8.1.
_CODES = {
    3009: Reason.NO_SPACE,
    3010: Reason.FORBIDDEN,
    3011: Reason.NOT_FOUND,
    3012: Reason.SERVER_ERROR,
    3013: Reason.PROTOCOL_ERROR,  # not supported
    3019: Reason.CHECKSUM_MISMATCH,
    3021: Reason.NO_SPACE,  # over quota
    3025: Reason.READ_ONLY,
    3028: Reason.TLS_FAILED,  # TLS required
    3030: Reason.UNAUTHENTICATED,
    3034: Reason.TIMEOUT,
    3035: Reason.TIMEOUT,
}
# What XRootD's client says itself, without a code of a server.
_CLIENT = _words(
    (Reason.NAME_NOT_FOUND, r"invalid address"),
    (Reason.UNAUTHENTICATED, r"auth failed|authentication"),
    (Reason.TLS_EXPIRED, r"certificate (has expired|is not yet valid)"),
    (Reason.TLS_WRONG_NAME, r"host ?name|subject alternative"),
    (Reason.TLS_UNTRUSTED, r"certificate verify failed|self.signed|issuer certificate"),
    (Reason.TLS_FAILED, r"tls error"),
    (Reason.TIMEOUT, r"operation expired|socket timeout|timed? ?out"),
    (Reason.REFUSED, r"connection refused"),
    (Reason.RESET, r"socket (error|disconnect)|stream.*disconnect|connection reset|link dead|connection error"),
)
_STATUS = {
    401: Reason.UNAUTHENTICATED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    410: Reason.NOT_FOUND,
    507: Reason.NO_SPACE,
}
# The first that fits. http.client.RemoteDisconnected is a ConnectionResetError too.
_ERRORS: tuple[tuple[tuple[type[BaseException], ...], Reason], ...] = (
    (
        (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError),
        Reason.RESET,
    ),
    ((TimeoutError,), Reason.TIMEOUT),
    ((ssl.SSLError,), Reason.TLS_FAILED),
    ((ConnectionRefusedError,), Reason.REFUSED),
    ((socket.gaierror,), Reason.NAME_NOT_FOUND),
    ((http.client.HTTPException, ValueError), Reason.PROTOCOL_ERROR),
)
# X509_V_ERR_* of OpenSSL's x509_vfy.h; a certificate of tomorrow is as useless as one of yesterday.
_VERIFY = {
    9: Reason.TLS_EXPIRED,
    10: Reason.TLS_EXPIRED,
    62: Reason.TLS_WRONG_NAME,
    64: Reason.TLS_WRONG_NAME,
}
# Packet filters answer with EPERM or EACCES where the node itself drops.
_UNREACHABLE = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.EACCES,
    errno.EPERM,
}


def of_error(error: BaseException, *, connecting: bool = False) -> Stopped:
    """Name what an exception of a socket, of TLS or of HTTP means.

    Args:
        error: what was caught; one that is named already is given back.
        connecting: whether TCP was not there yet, where a time-out means that nobody answers at all.
    """
    if isinstance(error, Stopped):
        return error
    return Bad(_of_error(error, connecting=connecting), f"{type(error).__name__}: {clean(str(error))}")


def _of_error(error: BaseException, *, connecting: bool) -> Reason:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY.get(error.verify_code, Reason.TLS_UNTRUSTED)
    if isinstance(error, TimeoutError) and connecting:
        return Reason.CONNECT_TIMEOUT
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno in _UNREACHABLE:
        return Reason.UNREACHABLE
    return next((reason for kinds, reason in _ERRORS if isinstance(error, kinds)), Reason.FAILED)


def of_status(status: int, text: str = "") -> Bad:
    """Name what an HTTP answer that is no success means; `text` is its body, which may know more than its status."""
    reason = _STATUS.get(status) or _said(_STORAGE, text)
    if reason is None:
        reason = Reason.SERVER_ERROR if status >= 500 else Reason.UNEXPECTED_STATUS
    return Bad(reason, f"HTTP {status}: {clean(text)}")


def of_copy(text: str, status: int = 0) -> Bad:
    """Name what the end of an HTTP third-party copy means: its `failure:` line, or its status where it never began."""
    inner = re.search(r"status code (\d{3})", text)
    reason = _said(_STORAGE, text) or _said(_COPY, text) or _STATUS.get(int(inner[1]) if inner else status)
    return Bad(reason or Reason.TRANSFER_FAILED, f"HTTP {status}: {clean(text)}" if status else clean(text))


def of_program(text: str) -> Bad:
    """Name what the output of an xrdfs or xrdcp that failed means."""
    code = re.search(r"\[(3\d\d\d)\]", text)
    if code is None:
        reason = _said(_COPY[:1], text) or _said(_CLIENT, text) or Reason.FAILED
    else:
        said = _said(_STORAGE, text) or _said(_COPY[:1], text) or _said(_OTHER, text)
        reason = said or _CODES.get(int(code[1])) or Reason.SERVER_ERROR
    return Bad(reason, clean(text))


def clean(text: str) -> str:
    """Make a foreign text fit for one line of a log: no control characters, not long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * TEXT_LIMIT]).split())[:TEXT_LIMIT]


def _said(words: Iterable[tuple[Reason, re.Pattern[str]]], text: str) -> Reason | None:
    return next((reason for reason, pattern in words if pattern.search(text)), None)
