"""The exporter's configuration, from environment variables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STREAMS = ("pfc", "summary")
"""What XRootD sends: the g-stream of the cache and the summary."""


class SettingsError(ValueError):
    """A variable cannot be used; the message names it."""


@dataclass(frozen=True)
class Disk:
    """A volume of the cache: its space (`data` or `meta`), its name and where it is mounted."""

    space: str
    name: str
    path: Path


@dataclass(frozen=True)
class Destination:
    """Where the packets of one stream are sent on to."""

    stream: str
    host: str
    port: int


@dataclass(frozen=True)
class Settings:
    """Everything that can be set.

    Attributes:
        listen: address of the HTTP server.
        gstream: UDP address that pfc's g-stream is sent to.
        summary: UDP address that `xrd.report` is sent to.
        state_dir: where pfc writes `DirStat.json`: `pfc-stats` under `oss.localroot`.
        disks: volumes to measure.
        drain_file: there while the cache is draining.
        forward: collectors that want the packets too.
        origin: URL of the origin, to be asked after failures; without it every failure counts as the origin's.
        site: used until the server says its own.
        low_percent: low watermark, for `xcache_watermark_bytes`.
        high_percent: high watermark.
        max_size: `maxCacheSize` in bytes.
    """

    listen: tuple[str, int] = ("0.0.0.0", 9931)  # noqa: S104 - Prometheus and the operator ask from other pods
    gstream: tuple[str, int] = ("127.0.0.1", 9932)
    summary: tuple[str, int] = ("127.0.0.1", 9931)
    state_dir: Path = Path("/meta/ns/pfc-stats")
    disks: tuple[Disk, ...] = ()
    drain_file: Path = Path("/run/xcache/drain")
    forward: tuple[Destination, ...] = ()
    origin: str = ""
    site: str = ""
    low_percent: int | None = None
    high_percent: int | None = None
    max_size: int | None = None


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings; an empty variable counts as absent.

    Raises:
        SettingsError: when a variable is malformed.
    """
    given = {name: value for name, value in environment.items() if value}
    default = Settings()
    return Settings(
        listen=_address(given, "EXPORTER_LISTEN", default.listen),
        gstream=_address(given, "EXPORTER_GSTREAM", default.gstream),
        summary=_address(given, "EXPORTER_SUMMARY", default.summary),
        state_dir=Path(given.get("EXPORTER_STATE_DIR", default.state_dir)),
        disks=_disks(given.get("EXPORTER_DISKS", "")),
        drain_file=Path(given.get("EXPORTER_DRAIN_FILE", default.drain_file)),
        forward=_destinations(given.get("EXPORTER_FORWARD", "[]")),
        origin=given.get("EXPORTER_ORIGIN", ""),
        site=given.get("SITE", ""),
        low_percent=_number(given, "EXPORTER_LOW_PERCENT"),
        high_percent=_number(given, "EXPORTER_HIGH_PERCENT"),
        max_size=_number(given, "EXPORTER_MAX_SIZE"),
    )


def _address(given: Mapping[str, str], name: str, default: tuple[str, int]) -> tuple[str, int]:
    if name not in given:
        return default
    host, _, port = given[name].rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise SettingsError(f"{name}={given[name]}: write host:port")
    return host.strip("[]"), int(port)


def _number(given: Mapping[str, str], name: str) -> int | None:
    if name not in given:
        return None
    if not given[name].isdecimal():
        raise SettingsError(f"{name}={given[name]}: write a whole number")
    return int(given[name])


def _disks(text: str) -> tuple[Disk, ...]:
    disks = []
    for entry in filter(None, text.split(",")):
        label, _, path = entry.partition("=")
        space, _, name = label.partition(":")
        if space not in {"data", "meta"} or not name or not path.startswith("/"):
            raise SettingsError(f"EXPORTER_DISKS={text}: write data:NAME=/PATH or meta:NAME=/PATH, with commas between")
        disks.append(Disk(space, name, Path(path)))
    return tuple(disks)


def _destinations(text: str) -> tuple[Destination, ...]:
    try:
        return tuple(_destination(entry) for entry in json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f'EXPORTER_FORWARD: write [{{"stream": "summary", "host": "...", "port": 1}}] ({error})'
        ) from None


def _destination(entry: Mapping[str, object]) -> Destination:
    destination = Destination(str(entry["stream"]), str(entry["host"]), int(str(entry["port"])))
    if destination.stream not in STREAMS:
        raise SettingsError(f"stream is one of {', '.join(STREAMS)}")
    return destination
