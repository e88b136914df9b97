"""What Jobs found out: JSON documents in the termination messages of their pods.

An image is the user's choice, so a message may be anything. What is no result within these bounds counts as none, and
never reaches `status`.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from datalake_operator.build.labels import belongs_to
from datalake_operator.status.conditions import parse_time, rfc3339
from datalake_operator.status.view import View

Manifest: TypeAlias = Mapping[str, Any]

JOB_NAME = "batch.kubernetes.io/job-name"
"""Label that the Job controller puts on the pods of a Job."""

_PACKED = "z1:"
_LONGEST = 512 * 1024
"""Bytes of an unpacked result: plans of the known versions stay below 20 kB."""
_LONGEST_MESSAGE = 1500
"""Characters of a Job's words that are kept: a condition has to hold more than these."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

State: TypeAlias = Literal[
    "empty",
    "partial",
    "current",
    "behind",
    "unstamped",
    "ahead",
    "not-utf8",
    "unreachable",
    "wrong-password",
    "no-permission",
    "missing-schema",
    "pooler",
    "other-schema",
    "not-ours",
    "version-mismatch",
    "foreign-writers",
    "stale-plan",
    "failed",
    "busy",
]
"""States of a database (images/rucio/database.schema.json)."""


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def _moment(text: str) -> str:
    """A time as status holds it: UTC, whole seconds."""
    moment = parse_time(text)
    if moment is None:
        raise ValueError("no time")
    return rfc3339(moment)


Message: TypeAlias = Annotated[str, AfterValidator(_shortened)]
Word: TypeAlias = Annotated[str, Field(max_length=255)]
Revision: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]
Amount: TypeAlias = Annotated[int, Field(ge=0, le=2**62)]
Count: TypeAlias = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, alias_generator=to_camel)


class Owner(_Part):
    """Whom a database says it belongs to."""

    cluster: Word
    namespace: Word
    name: Word


class ToldPlan(_Part):
    """A migration, as the tool tells it; revisions stand in the result itself."""

    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    sql: str | None = None


class DatabaseResult(_Part):
    """What a run of the database tool says."""

    version: Literal[1]
    verb: Word
    state: State
    message: Message
    database: Word = ""
    revision: Revision | None = None
    head: Revision | None = None
    path: Annotated[list[Revision], Field(max_length=100)] = []
    plan: ToldPlan | None = None
    server_major: Count | None = None
    database_bytes: Amount | None = None
    max_connections: Count | None = None
    owner: Owner | None = None
    ours: bool = False
    hold: Word | None = None
    lfn2pfn: Annotated[Word | None, Field(alias="lfn2pfn")] = None
    rucio_version: Word | None = None
    foreign: Annotated[list[Word], Field(max_length=1000)] = []


class Backup(_Part):
    """One dump."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    time: Annotated[str, AfterValidator(_moment)]
    size: Amount


class BackupResult(_Part):
    """What a run of the backup tool says. `backups` holds those that are kept, of one prefix or of several."""

    version: Literal[1]
    state: Literal["done", "impossible", "failed"]
    message: Message
    file: Word | None = None
    backups: Annotated[list[Backup], Field(max_length=400)] = []


Result = TypeVar("Result", DatabaseResult, BackupResult)


def database(view: View, job: str) -> DatabaseResult | None:
    """What a Job of the database tool told last, None for nothing."""
    told = told_database(view, job)
    return told[1] if told else None


def told_database(view: View, job: str) -> tuple[datetime, DatabaseResult] | None:
    """The same, and when."""
    return _last(pods(view, job), DatabaseResult)


def backup(view: View, job: str) -> BackupResult | None:
    """What a Job of the backup tool told last, None for nothing."""
    told = _last(pods(view, job), BackupResult)
    return told[1] if told else None


def pods(view: View, job: str) -> list[Manifest]:
    """The pods of a Job that is there. One that merely carries its name, or is of an older Job, does not count."""
    live = view.children.get(("Job", job))
    if live is None:
        return []
    uid = live["metadata"].get("uid")
    return [pod for pod in view.pods if job_of(pod) == job and belongs_to(pod, uid)]


def job_of(pod: Manifest) -> str:
    """Name of the Job that a pod says it belongs to, empty for none."""
    return str(pod["metadata"].get("labels", {}).get(JOB_NAME, ""))


def decoded(text: object) -> object:
    """The JSON value in a termination message, plain or packed; None where there is none."""
    if not isinstance(text, str):
        return None
    try:
        if text.startswith(_PACKED):
            unpacker = zlib.decompressobj()
            text = unpacker.decompress(base64.b64decode(text.removeprefix(_PACKED), validate=True), _LONGEST).decode()
        value: object = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair could never be written into status
    except (ValueError, RecursionError, zlib.error, binascii.Error):
        return None
    return value


def backups(view: View, *prefixes: str) -> list[tuple[str, BackupResult]]:
    """What every Job whose name begins with one of these told, oldest first, with its name.

    Jobs of a CronJob are the CronJob's children and not ours, so that only their pods are looked at.
    """
    of_job: dict[str, list[Manifest]] = {}
    for pod in view.pods:
        if job_of(pod).startswith(prefixes):
            of_job.setdefault(job_of(pod), []).append(pod)
    found = [(told, name) for name, made in of_job.items() if (told := _last(made, BackupResult)) is not None]
    return [(name, result) for (_, result), name in sorted(found, key=lambda entry: (entry[0][0], entry[1]))]


def _last(made: Iterable[Manifest], model: type[Result]) -> tuple[datetime, Result] | None:
    """The last words of these pods that are a result, and when they were said."""
    told = sorted((end for pod in made for end in _ends(pod)), key=lambda end: (end[0], end[1]), reverse=True)
    for at, _, text in told:
        try:
            return at, model.model_validate(decoded(text))
        except ValidationError:
            continue
    return None


def _ends(pod: Manifest) -> Iterator[tuple[datetime, bool, object]]:
    """Each end of a container that is known: when, whether it was its last one so far, and its words."""
    for container in pod.get("status", {}).get("containerStatuses", ()):
        for key in ("state", "lastState"):
            ended = (container.get(key) or {}).get("terminated") or {}
            if ended.get("message"):
                at = parse_time(ended.get("finishedAt")) or _LONG_AGO
                yield at, key == "state", ended["message"]
