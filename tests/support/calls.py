"""What a request to a Kubernetes API server asks for, and rules of the test proxy that match it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

WRITES = ("create", "update", "patch", "delete", "deletecollection")
NOT_COUNTED = ("leases", "events")
"""Resources outside the budget of writes: elections and events have limits of their own."""


@dataclass(frozen=True)
class Call:
    """One request in the words of the audit log."""

    client: str
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def is_write(self) -> bool:
        """Whether the request counts in the budget of writes."""
        return self.verb in WRITES and self.resource not in NOT_COUNTED


def parse(client: str, method: str, target: str) -> Call:
    """Read method and request target; the resource of other paths (`/version`) is empty."""
    url = urlsplit(target)
    group, parts = _group(url.path.strip("/").split("/"))
    if not parts:
        return Call(client, method.lower(), group)
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
        namespace, parts = parts[1], parts[2:]
    resource, name, subresource = (*parts, "", "")[:3]
    verb = _verb(method, name, parse_qs(url.query))
    return Call(client, verb, group, resource, subresource, namespace, name)


def _group(parts: list[str]) -> tuple[str, list[str]]:
    match parts:
        case ["api", _version, *rest]:
            return "", rest
        case ["apis", group, _version, *rest]:
            return group, rest
        case _:
            return "", []


def _verb(method: str, name: str, query: Mapping[str, list[str]]) -> str:
    if method == "GET" and query.get("watch", ["false"])[0] in ("true", "1"):
        return "watch"
    named, collection = {
        "GET": ("get", "list"),
        "POST": ("create", "create"),
        "PUT": ("update", "update"),
        "PATCH": ("patch", "patch"),
        "DELETE": ("delete", "deletecollection"),
    }.get(method, (method.lower(), method.lower()))
    return named if name else collection


@dataclass(frozen=True)
class Delay:
    """Forward only after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer; `answered`: only after the API server has done the work."""

    answered: bool = False


@dataclass(frozen=True)
class Answer:
    """Answer with an API error instead of forwarding."""

    status: int
    reason: str = ""
    message: str = "injected by the test proxy"
    retry_after: int | None = None


@dataclass(frozen=True)
class Silence:
    """Open the watch, then never forward a byte and never close it."""


@dataclass(frozen=True)
class GoneEvent:
    """Open the watch and send one ERROR event of code 410."""


@dataclass(frozen=True)
class Kill:
    """SIGKILL the client's process before the request is forwarded, or after the API server has done the work."""

    after: bool = False


Action = Delay | Drop | Answer | Silence | GoneEvent | Kill


@dataclass
class Rule:
    """An action for the requests that match; empty fields match everything.

    `first` is the first matching request that the action is for (from 1), `times` for how many (None: all).
    `verb` may also be `write`, what the budget counts.
    """

    action: Action
    verb: str = ""
    resource: str = ""
    subresource: str | None = None
    name: str = ""
    client: str = ""
    first: int = 1
    times: int | None = 1
    seen: int = field(default=0, init=False)
    moments: list[float] = field(default_factory=list, init=False)
    """`time.monotonic()` of each time that the action was taken."""

    @property
    def fired(self) -> int:
        """How often the action was taken."""
        return len(self.moments)

    def claims(self, call: Call) -> bool:
        """Count the request if it matches, and say whether the action is for it."""
        if not self._matches(call):
            return False
        self.seen += 1
        if self.seen < self.first or (self.times is not None and self.fired >= self.times):
            return False
        self.moments.append(time.monotonic())
        return True

    def _matches(self, call: Call) -> bool:
        verb = call.is_write if self.verb == "write" else self.verb in ("", call.verb)
        return (
            verb
            and self.resource in ("", call.resource)
            and self.subresource in (None, call.subresource)
            and self.name in ("", call.name)
            and self.client in ("", call.client)
        )
