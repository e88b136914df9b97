"""What is known of each version of Rucio: its daemons, their flags and heartbeats, its schema.

The files in `catalogue/` beside this module are written by `images/rucio/catalogue.py` from the packages themselves.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

_FOLDER = Path(__file__).parent / "catalogue"


@dataclass(frozen=True)
class Daemon:
    """One daemon of one version."""

    name: str
    """As in `rucio-NAME`."""

    flags: Mapping[str, bool]
    """Long flags without dashes, and whether each takes a value; none that would end the daemon."""

    many: frozenset[str]
    """Flags that take several values, one after the other; the others that take one are given once."""

    heartbeats: tuple[str, ...]
    """Beginnings of the names under which it writes heartbeats; every one of them, in every pod. Empty: none."""

    threads: bool
    """Whether it has a flag `threads`."""

    sleep: bool
    """Whether it has a flag `sleep-time`."""

    default_sleep: int
    """Seconds between two rounds unless said; 0 where that is not known."""

    destructive: bool
    """Whether it deletes or moves files, or decides that others shall."""

    cpu: str
    """Measured: CPU to ask for."""

    memory: str
    """Measured: memory to ask for."""


@dataclass(frozen=True)
class Catalogue:
    """One version."""

    version: str
    """Of Rucio."""

    head: str
    """Alembic revision of its schema."""

    daemons: Mapping[str, Daemon]
    """All daemons by name."""

    presets: Mapping[str, tuple[str, ...]]
    """Names of daemons: `Minimal`, `Standard`, `transfers` (beside Minimal) and `standardTransfers` (beside Standard);
    see `preset`."""

    endpoints: frozenset[str]
    """All parts of the REST interface, served by default or not."""

    removed_options: Mapping[str, str]
    """Options of the version before that this one does not read, as `section.option`, and what to do about each."""

    def preset(self, name: Literal["Minimal", "Standard", "None"], *, transfers: bool) -> tuple[str, ...]:
        """Names of the daemons that run without being named.

        Args:
            name: as in `spec.daemons.preset`.
            transfers: whether there are transfer tools; without them no conveyor runs.
        """
        if name == "None":
            return ()
        moving = self.presets["transfers" if name == "Minimal" else "standardTransfers"]
        return (*self.presets[name], *(moving if transfers else ()))


def _read(text: str) -> Catalogue:
    data: dict[str, Any] = json.loads(text)
    return Catalogue(
        version=data["version"],
        head=data["head"],
        daemons=MappingProxyType({name: _daemon(name, daemon) for name, daemon in data["daemons"].items()}),
        presets=MappingProxyType({name: tuple(names) for name, names in data["presets"].items()}),
        endpoints=frozenset(data["endpoints"]),
        removed_options=MappingProxyType(data["removedOptions"]),
    )


def _daemon(name: str, data: Mapping[str, Any]) -> Daemon:
    return Daemon(
        name=name,
        flags=MappingProxyType(data["flags"]),
        many=frozenset(data["many"]),
        heartbeats=tuple(data["heartbeats"]),
        threads=data["threads"],
        sleep=data["sleep"],
        default_sleep=data["defaultSleep"],
        destructive=data["destructive"],
        **data["requests"],
    )


_ALL = {catalogue.version: catalogue for catalogue in (_read(path.read_text()) for path in _FOLDER.glob("*.json"))}

KNOWN: tuple[str, ...] = tuple(
    sorted(_ALL, key=lambda version: tuple(int(part) for part in version.split(".")), reverse=True)
)
"""All known versions, the newest first."""


def find(version: str) -> Catalogue:
    """What is known of a version.

    Raises:
        KeyError: it is none of `KNOWN`.
    """
    return _ALL[version]
