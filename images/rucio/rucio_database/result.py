"""The result of a run: one JSON document, as images/rucio/database.schema.json says."""

import base64
import json
import zlib
from dataclasses import asdict, dataclass, field, replace
from typing import Any

STATES = (
    "empty", "partial", "current", "behind", "unstamped", "ahead", "not-utf8", "unreachable", "wrong-password",
    "no-permission", "missing-schema", "pooler", "other-schema", "not-ours", "version-mismatch", "foreign-writers",
    "stale-plan", "failed", "busy",
)  # fmt: skip
"""All there are."""

LIMIT = 4000
"""Bytes of an encoded result: kubelet cuts a termination message at 4,096."""

_UNSTEADY = ("unreachable", "busy")
# Their messages change with every attempt and say nothing new.


@dataclass(frozen=True)
class Plan:
    """A migration: `hash` binds an approval to it; `sql` is None where it cannot be shown."""

    hash: str
    sql: str | None


@dataclass(frozen=True)
class Result:
    """What a run has to say. Units: bytes, connections; times are not told, so that equal states are equal."""

    verb: str
    state: str
    message: str
    rucioVersion: str  # noqa: N815 - the names of the document
    database: str = ""
    schema: str = ""
    revision: str | None = None
    head: str | None = None
    path: tuple[str, ...] = ()
    plan: Plan | None = None
    serverMajor: int | None = None  # noqa: N815
    databaseBytes: int | None = None  # noqa: N815
    maxConnections: int | None = None  # noqa: N815
    owner: dict[str, str] | None = None
    ours: bool = False
    hold: str | None = None
    lfn2pfn: str | None = None
    bootstrapped: bool = False
    rootPassword: str | None = None  # noqa: N815
    policySupports: list[str] | None = None  # noqa: N815
    foreign: tuple[str, ...] = field(default=())

    @property
    def settled(self) -> bool:
        """Whether everything is as wanted, so that nothing is left to wait for."""
        return self.state == "current" and self.ours

    @property
    def has_failed(self) -> bool:
        """Whether it is a migration that was begun and failed, and must not be tried again unasked."""
        return self.verb == "migrate" and self.state == "failed"

    @property
    def news(self) -> str:
        """What makes this result differ from another one, for those who were told the other."""
        document = asdict(self)
        for detail in ("databaseBytes", "bootstrapped", "rootPassword"):
            del document[detail]
        if self.state in _UNSTEADY:
            document = {"state": self.state}
        return json.dumps(document, sort_keys=True)


def document(result: Result) -> dict[str, Any]:
    """The result as the schema names it."""
    found = {"version": 1, **asdict(result)}
    found["path"] = list(result.path)
    found["foreign"] = list(result.foreign)
    return found


def encode(result: Result, limit: int = LIMIT) -> str:
    """The result in at most `limit` bytes: as JSON, else packed, else without the SQL, else without what is long."""
    shorter = [result]
    if result.plan is not None:
        shorter.append(replace(result, plan=replace(result.plan, sql=None)))
    shorter.append(
        replace(shorter[-1], path=(), foreign=result.foreign[:5], message=result.message[:500], policySupports=None)
    )
    for candidate in shorter:
        plain = json.dumps(document(candidate), separators=(",", ":"))
        packed = "z1:" + base64.b64encode(zlib.compress(plain.encode(), 9)).decode()
        for text in (plain, packed):
            if len(text.encode()) <= limit:
                return text
    raise ValueError("a result that cannot be told")  # pragma: no cover - fields are bounded by PostgreSQL's names
