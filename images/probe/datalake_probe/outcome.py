"""What is measured, and what came out: the words that every part of the runner shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

Result = Literal["ok", "bad", "skipped", "unknown"]


class Reason(StrEnum):
    """Why a cell is not ok: the bounded set of envelope.schema.json."""

    NAME_NOT_FOUND = "NameNotFound"
    REFUSED = "Refused"
    RESET = "Reset"
    UNREACHABLE = "Unreachable"
    CONNECT_TIMEOUT = "ConnectTimeout"
    TLS_EXPIRED = "TLSExpired"
    TLS_UNTRUSTED = "TLSUntrusted"
    TLS_WRONG_NAME = "TLSWrongName"
    TLS_FAILED = "TLSFailed"
    UNAUTHENTICATED = "Unauthenticated"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "NotFound"
    NO_SPACE = "NoSpace"
    READ_ONLY = "ReadOnly"
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    SIZE_MISMATCH = "SizeMismatch"
    SLOW = "Slow"
    TIMEOUT = "Timeout"
    UNEXPECTED_STATUS = "UnexpectedStatus"
    UNEXPECTED_BODY = "UnexpectedBody"
    PROTOCOL_ERROR = "ProtocolError"
    NO_THIRD_PARTY_COPY = "NoThirdPartyCopy"
    TRANSFER_FAILED = "TransferFailed"
    SERVER_ERROR = "ServerError"
    NOT_FROM_CACHE = "NotFromCache"
    HEARTBEATS_STALE = "HeartbeatsStale"
    FAILED = "Failed"
    # skipped
    NO_FAMILY_IN_POD = "NoFamilyInPod"
    NOT_PERMITTED = "NotPermitted"
    IN_USE = "InUse"
    EARLIER_STEP_FAILED = "EarlierStepFailed"
    # unknown
    NOT_MEASURED = "NotMeasured"
    CONFIG_ERROR = "ConfigError"


class Cell(NamedTuple):
    """One thing that is measured.

    Attributes:
        source: an endpoint, a target, a cache or a server.
        destination: the other endpoint of a pair; None when one is measured alone.
        protocol: a protocol, or the name of a check; None where there is but one way.
    """

    source: str
    destination: str | None = None
    protocol: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came out.

    Attributes:
        result: see envelope.schema.json.
        reason: None only with ok.
        measurements: by name, in base units; also of what failed in the end.
    """

    result: Result
    reason: Reason | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)


NOT_MEASURED = Outcome("unknown", Reason.NOT_MEASURED)


class Stopped(Exception):
    """A measurement ends here. The text, if any, is for the log alone, never for the envelope."""

    result: Result = "bad"

    def __init__(self, reason: Reason, text: str = "") -> None:
        super().__init__(text or reason.value)
        self.reason = reason


class Bad(Stopped):
    """What is measured is broken."""


class Skip(Stopped):
    """It cannot or must not be measured, which is nobody's failure."""

    result: Result = "skipped"


class Unmeasured(Stopped):
    """The run has no time left for it, or cannot tell."""

    result: Result = "unknown"
