"""plan.json: what this run is to do. Its schema is plan.schema.json; the operator writes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

VERSION = 1

Family = Literal["Any", "IPv4", "IPv6"]


class PlanError(Exception):
    """The plan cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True)
class KnownFile:
    """A file that is there already: its path below the URL, size in bytes, and adler32 in 8 hexadecimal digits."""

    path: str
    size: int
    adler32: str


@dataclass(frozen=True)
class Endpoint:
    """A storage endpoint.

    Attributes:
        name: in the grid.
        site: that it belongs to.
        writable: whether the probe may write, below `Plan.folder` alone.
        family: of addresses.
        read_file: what is read instead where it may not write.
        urls: one for each protocol.
    """

    name: str
    site: str
    writable: bool
    family: Family
    read_file: KnownFile | None
    urls: Mapping[str, str]


@dataclass(frozen=True)
class Trust:
    """Which CA certificates are believed: the system's, the grid's, and the files of these names."""

    system: bool = True
    igtf: bool = True
    bundles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Control:
    """Something that must work for any verdict at all; kind `tcp` without a host is the API server."""

    name: str
    kind: Literal["dns", "tcp"]
    host: str | None
    port: int | None


@dataclass(frozen=True)
class Turn:
    """Which run of a plan this is: its id, the pod's number in an indexed Job, when it began (Unix time)."""

    run: str = ""
    index: int | None = None
    begun: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What this run is to do.

    Attributes:
        namespace: of the probe.
        name: of the probe.
        type: a key of `table.TYPES`.
        deadline: seconds for the run, after the jitter.
        jitter: seconds to wait first.
        folder: below each endpoint's URL, the only place where anything is written, listed or deleted.
        leftovers_after: seconds after which files of ours there are left over from a killed run.
        trust: which certificates are believed.
        control: what must work for any verdict.
        endpoints: by name.
        section: the type's own part, as in the file.
        turn: which run this is; not in the file.
    """

    namespace: str
    name: str
    type: str
    deadline: float
    jitter: float
    folder: str
    leftovers_after: float
    trust: Trust
    control: tuple[Control, ...]
    endpoints: Mapping[str, Endpoint]
    section: Mapping[str, Any]
    turn: Turn = Turn()


def load(path: Path) -> Plan:
    """Read a plan.

    Raises:
        PlanError: it is not there, no JSON, of another version, or lacks something.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise PlanError(f"{path} cannot be read: {error}") from error
    return parse(text)


def parse(text: str) -> Plan:
    """Read the text of a plan.

    Raises:
        PlanError: see `load`.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise PlanError(f"the plan is no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise PlanError(f"the plan is not of version {VERSION}: the operator and this image do not belong together")
    try:
        return _plan(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlanError(f"the plan is incomplete or ill-formed: {type(error).__name__}: {error}") from error


def _plan(found: dict[str, Any]) -> Plan:
    trust = found["trust"]
    endpoints = [_endpoint(entry) for entry in found["endpoints"]]
    return Plan(
        namespace=str(found["probe"]["namespace"]),
        name=str(found["probe"]["name"]),
        type=str(found["type"]),
        deadline=float(found["deadlineSeconds"]),
        jitter=float(found["jitterSeconds"]),
        folder=_folder(found["folder"]),
        leftovers_after=float(found["leftoversAfterSeconds"]),
        trust=Trust(bool(trust["system"]), bool(trust["igtf"]), tuple(map(str, trust["bundles"]))),
        control=tuple(_control(entry) for entry in found["control"]),
        endpoints={endpoint.name: endpoint for endpoint in endpoints},
        section=dict(found[found["type"]]),
    )


def _endpoint(entry: dict[str, Any]) -> Endpoint:
    file = entry["readFile"]
    return Endpoint(
        name=str(entry["name"]),
        site=str(entry["site"]),
        writable=entry["access"] == "ReadWrite",
        family=entry["ipFamily"],
        read_file=KnownFile(str(file["path"]), int(file["size"]), str(file["adler32"])) if file else None,
        urls={str(protocol): str(url) for protocol, url in entry["urls"].items()},
    )


def _control(entry: dict[str, Any]) -> Control:
    port = entry.get("port")
    return Control(str(entry["name"]), entry["kind"], entry.get("host"), None if port is None else int(port))


def _folder(folder: str) -> str:
    """Guests have one folder: a plan that names another is not followed."""
    parts = folder.split("/")
    if len(parts) != 2 or parts[0] != ".datalake-probe" or parts[1].count(".") != 2 or not all(parts[1].split(".")):
        raise PlanError(f"folder {folder!r} is not .datalake-probe/CLUSTER.NAMESPACE.PROBE")
    return folder
