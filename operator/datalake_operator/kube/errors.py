"""What can go wrong between the operator and the API server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """The API server refused a request, or did not answer it.

    Attributes:
        status: HTTP status, 0 where there was no answer.
        reason: CamelCase reason of the server's Status object, such as `AlreadyExists`.
        message: the server's words.
        retry_after: seconds that the server asks us to wait, or None.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(status, reason, message, retry_after)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.status or 'no answer'} {self.reason}: {self.message}"


class Unauthorized(ApiError):
    """401: the credentials are not accepted, even after they were read anew."""


class Forbidden(ApiError):
    """403: the operator's role does not allow it."""


class NamespaceTerminating(ApiError):
    """403: the namespace is being deleted and takes no new objects; no role can mend that."""


class NotFound(ApiError):
    """404: no such object, or no such kind."""


class Conflict(ApiError):
    """409: another version, another uid, or another owner of the name is there."""


class Gone(ApiError):
    """410: the resource version or the continue token is too old."""


class Invalid(ApiError):
    """422: the object breaks the schema or a rule of the API server."""


class Throttled(ApiError):
    """429: the API server asks for patience."""


class Unreachable(ApiError):
    """No whole answer: refused, reset, cut, garbled or timed out."""

    def __init__(self, message: str) -> None:
        super().__init__(0, "Unreachable", message)


_CLASSES: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: Throttled,
}

_TERMINATING = "NamespaceTerminating"
"""Cause that the API server's plug-in NamespaceLifecycle gives."""


def from_status(code: int, status: Mapping[str, Any], retry_after: float | None = None) -> ApiError:
    """Make the error for a Status object (`kind: Status`) of the API server.

    Args:
        code: HTTP status.
        status: the Status object, or an empty mapping where the answer was none.
        retry_after: seconds from the `Retry-After` header; wins over `details.retryAfterSeconds`.
    """
    details = status.get("details") or {}
    if retry_after is None:
        retry_after = details.get("retryAfterSeconds")
    kind = _CLASSES.get(code, ApiError)
    if code == 403 and any(cause.get("reason") == _TERMINATING for cause in details.get("causes") or ()):
        kind = NamespaceTerminating
    return kind(code, str(status.get("reason") or "Unknown"), str(status.get("message") or f"HTTP {code}"), retry_after)
