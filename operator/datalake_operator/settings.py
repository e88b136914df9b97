"""What the operator process is told by its environment.

The chart writes these variables (`charts/datalake-operator/templates/deployment.yaml`).
"""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from datalake_operator import __version__

_SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where the kubelet puts the namespace of the pod (Kubernetes documentation, "Access the API from a Pod")."""

_LEAST_SECONDS = 0.1
"""Every duration is a pause between two requests or passes: zero would be a loop without one."""

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class InvalidSetting(ValueError):
    """A variable of the environment that cannot be used; the message names it and its mend."""


@dataclass(frozen=True)
class Settings:
    """The operator's own settings; durations in seconds."""

    namespaces: tuple[str, ...]
    """Namespaces whose resources are served; empty means all of them."""
    namespace: str
    """The operator's own namespace: its Lease lives there."""
    lease: str
    """Name of the Lease; empty means that this process works without asking."""
    identity: str
    host: str
    port: int
    xcache_image: str
    rucio_image: str
    """Image of Rucio; without tag and digest, the tag is the version of each resource."""
    postgres_image: str
    probe_image: str
    """Image of the runs of a probe whose resource names none."""
    monitoring_namespaces: tuple[str, ...]
    """Namespaces of Prometheus, for the NetworkPolicies of caches."""
    workers: int
    resync: float
    lease_duration: float
    renew_deadline: float
    retry_period: float
    log_format: str
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read every setting.

        Raises:
            InvalidSetting: a value that cannot be used.
        """
        own = environment.get("DATALAKE_NAMESPACE") or _own_namespace()
        watched = _names(environment.get("DATALAKE_NAMESPACES") or own)
        host, _, port = environment.get("DATALAKE_LISTEN", "0.0.0.0:8080").rpartition(":")
        settings = cls(
            namespaces=() if "*" in watched else watched,
            namespace=own,
            lease=environment.get("DATALAKE_LEASE", ""),
            identity=environment.get("DATALAKE_IDENTITY") or socket.gethostname(),
            host=host.removeprefix("[").removesuffix("]"),
            port=_whole("DATALAKE_LISTEN", port, 0, 65535),
            xcache_image=environment.get("DATALAKE_XCACHE_IMAGE") or "ghcr.io/projectescape/datalake-xcache:5.8.1-1",
            rucio_image=environment.get("DATALAKE_RUCIO_IMAGE") or "ghcr.io/projectescape/datalake-rucio",
            postgres_image=environment.get("DATALAKE_POSTGRES_IMAGE") or "ghcr.io/projectescape/datalake-postgres:17",
            probe_image=environment.get("DATALAKE_PROBE_IMAGE")
            or f"ghcr.io/projectescape/datalake-probe:{__version__}",
            monitoring_namespaces=_names(environment.get("DATALAKE_MONITORING_NAMESPACES", "")),
            workers=_whole("DATALAKE_WORKERS", environment.get("DATALAKE_WORKERS", "16"), 1, 64),
            resync=_seconds("DATALAKE_RESYNC", environment.get("DATALAKE_RESYNC", "10m")),
            lease_duration=_seconds("DATALAKE_LEASE_DURATION", environment.get("DATALAKE_LEASE_DURATION", "15s")),
            renew_deadline=_seconds(
                "DATALAKE_LEASE_RENEW_DEADLINE", environment.get("DATALAKE_LEASE_RENEW_DEADLINE", "10s")
            ),
            retry_period=_seconds("DATALAKE_LEASE_RETRY_PERIOD", environment.get("DATALAKE_LEASE_RETRY_PERIOD", "2s")),
            log_format=_one_of("DATALAKE_LOG_FORMAT", environment.get("DATALAKE_LOG_FORMAT", "text"), ("text", "json")),
            log_level=_one_of(
                "DATALAKE_LOG_LEVEL",
                environment.get("DATALAKE_LOG_LEVEL", "INFO").upper(),
                ("DEBUG", "INFO", "WARNING", "ERROR"),
            ),
        )
        if not settings.retry_period < settings.renew_deadline < settings.lease_duration:
            raise InvalidSetting(
                "DATALAKE_LEASE_RETRY_PERIOD < DATALAKE_LEASE_RENEW_DEADLINE < DATALAKE_LEASE_DURATION does not hold: "
                f"{settings.retry_period:g} s, {settings.renew_deadline:g} s, {settings.lease_duration:g} s"
            )
        return settings


def _own_namespace() -> str:
    try:
        return _SERVICE_ACCOUNT_NAMESPACE.read_text().strip() or "default"
    except OSError:
        return "default"


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted({name.strip() for name in text.split(",")} - {""}))


def _whole(variable: str, text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise InvalidSetting(f"{variable}: {text!r} is no whole number from {least} to {most}")
    return int(text)


def _seconds(variable: str, text: str) -> float:
    if not re.fullmatch(r"([0-9]+(ms|s|m|h))+", text):
        raise InvalidSetting(f"{variable}: {text!r} is no duration; write it as 30s, 10m or 1h30m")
    seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(r"([0-9]+)(ms|s|m|h)", text))
    if seconds < _LEAST_SECONDS:
        raise InvalidSetting(f"{variable}: {text} is too short, at least {_LEAST_SECONDS:g} s are needed")
    return seconds


def _one_of(variable: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InvalidSetting(f"{variable}: {value!r} is none of {', '.join(allowed)}")
    return value
