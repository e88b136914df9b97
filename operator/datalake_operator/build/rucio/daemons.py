"""Which daemons run, with which words, and the Deployment of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.api.rucio_daemons import DaemonInstance, DaemonOption
from datalake_operator.build.config import seconds
from datalake_operator.build.parts import port
from datalake_operator.build.refused import Refused
from datalake_operator.build.rucio import called, mounts
from datalake_operator.build.rucio.catalogue import Catalogue, Daemon
from datalake_operator.build.rucio.config import METRICS_PORT
from datalake_operator.build.rucio.pods import Pod, arguments, environment, resources, rucio_mounts, template
from datalake_operator.build.rucio.refusals import RucioRefusal, known, nearest
from datalake_operator.build.rucio.stage import Stage

CONVEYOR = "conveyor-"
"""What names of daemons begin with that move files."""

LONGEST_PAUSE = 60
"""Seconds that a conveyor daemon pauses at most unless the spec says otherwise: the submitter's own are 600."""

_LEAST_LIMIT = 600
"""Seconds after which a heartbeat is stale at the earliest, unless the spec says otherwise."""

_GRACE = 60
"""Seconds to finish a round after SIGTERM; 2 are usual, a reaper finishes its deletions."""

_FIELDS: Mapping[str, str] = {
    "threads": "use threads",
    "sleep-time": "use sleepTime",
    "run-once": "the daemon would end, and be started again for ever",
    "help": "the daemon would end, and be started again for ever",
}
"""Flags that are not for options, and why."""


@dataclass(frozen=True)
class Instance:
    """One daemon instance: one Deployment."""

    name: str
    daemon: str
    """Which daemon, as in rucio-NAME."""

    known: Daemon
    """What the catalogue says of it."""

    replicas: int
    """As the spec says, also while it is held."""

    arguments: tuple[str, ...]
    """Words after its name."""

    limit: int
    """Seconds after which a heartbeat is stale."""

    resources: Mapping[str, Any]
    """Canonical."""


def instances(server: RucioServer) -> tuple[Instance, ...]:
    """Every daemon instance that a server wants: those of the preset first, as the spec sets them, then the others.

    Raises:
        Refused: the version, a daemon, or one of its flags is not known, or a file is for somebody who is not there.
    """
    catalogue = known(server)
    said = {one.name: one for one in server.spec.daemons.instances}
    preset = catalogue.preset(server.spec.daemons.preset, transfers=bool(server.spec.transfers.tools))
    wanted = {name: said.get(name) or DaemonInstance(name=name) for name in preset} | said
    found = tuple(_instance(server, catalogue, one) for one in wanted.values())
    _check_files(server, {called.SERVER, called.AUTH, *wanted})
    return found


def deployment(server: RucioServer, stage: Stage, instance: Instance, config_name: str, image: str) -> dict[str, Any]:
    """The `spec` of an instance's Deployment, without its replicas.

    One pod goes before the next comes: daemons can pause for a moment, and the memory for another one may not be there.
    """
    component = called.daemon_component(instance.name)
    container = {
        "name": "daemon",
        "image": image,
        "command": ["tini", "--", "rucio-run", f"rucio-{instance.daemon}"],
        **arguments(instance.arguments),
        **environment(server, RUCIO_WAIT_FOR_DATABASE=1),
        "ports": [port("metrics", METRICS_PORT)],
        "resources": dict(instance.resources),
        **_readiness(instance),
    }
    pod = Pod(
        component,
        container,
        (*rucio_mounts(server, config_name), *mounts.files(server, (instance.name,))),
        fields={"terminationGracePeriodSeconds": _GRACE},
        labels={called.ROLE: called.DAEMON},
    )
    return {
        "revisionHistoryLimit": 1,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": template(server, pod, stage),
    }


def _readiness(instance: Instance) -> dict[str, Any]:
    """A probe that tells whether the process is up, by its metrics, which those without heartbeats need not have.

    None for liveness: whether a daemon works shows in its heartbeats, and one that was stopped from outside must be
    told of, not killed.
    """
    if not instance.known.heartbeats:
        return {}
    return {
        "readinessProbe": {
            "httpGet": {"path": "/metrics", "port": "metrics", "scheme": "HTTP"},
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        }
    }


def _instance(server: RucioServer, catalogue: Catalogue, one: DaemonInstance) -> Instance:
    name = one.daemon or one.name
    daemon = catalogue.daemons.get(name)
    if daemon is None:
        raise Refused(
            RucioRefusal.UNKNOWN_DAEMON,
            f"spec.daemons.instances: {name} is no daemon of Rucio {server.spec.version}; "
            f"{nearest(name, catalogue.daemons)}",
        )
    pause = _pause(one, name, daemon)
    default = {"requests": {"cpu": daemon.cpu, "memory": daemon.memory}}
    return Instance(
        name=one.name,
        daemon=name,
        known=daemon,
        replicas=one.replicas,
        arguments=tuple(_arguments(one, daemon, pause)),
        limit=seconds(one.heartbeat_timeout) if one.heartbeat_timeout else max(_LEAST_LIMIT, 3 * pause),
        resources=resources(one.resources, server.spec.resources, default),
    )


def _pause(one: DaemonInstance, name: str, daemon: Daemon) -> int:
    """Seconds between two rounds."""
    if one.sleep_time is not None:
        if not daemon.sleep:
            raise _wrong(one, f"it has no --sleep-time; remove sleepTime{_instead(daemon, 'sleep-time')}")
        return seconds(one.sleep_time)
    return min(daemon.default_sleep, LONGEST_PAUSE) if name.startswith(CONVEYOR) else daemon.default_sleep


def _arguments(one: DaemonInstance, daemon: Daemon, pause: int) -> Iterator[str]:
    if one.threads != 1:
        if not daemon.threads:
            raise _wrong(one, f"it has no --threads; remove threads{_instead(daemon, 'threads')}, or use more replicas")
        yield f"--threads={one.threads}"
    if daemon.sleep and pause != daemon.default_sleep:
        yield f"--sleep-time={pause}"
    for option in one.options:
        yield from _option(one, daemon, option)


def _option(one: DaemonInstance, daemon: Daemon, option: DaemonOption) -> Iterator[str]:
    """The words of an option. A value is one word behind its flag, so that it can never become a flag itself."""
    flag, values = option.flag, option.values
    if flag in _FIELDS:
        raise _wrong(one, f"--{flag} is not for options: {_FIELDS[flag]}")
    if flag not in daemon.flags:
        raise _wrong(one, f"it has no flag --{flag}; {nearest(flag, daemon.flags)}")
    if not daemon.flags[flag]:
        if values:
            raise _wrong(one, f"--{flag} is a switch; remove its values")
        yield f"--{flag}"
    elif not values:
        raise _wrong(one, f"--{flag} needs a value")
    elif len(values) == 1:
        yield f"--{flag}={values[0]}"
    elif flag not in daemon.many:
        raise _wrong(one, f"--{flag} takes one value; keep one")
    elif any(value.startswith("-") for value in values):
        raise _wrong(one, f"values of --{flag} must not begin with '-' where there are several")
    else:
        yield f"--{flag}"
        yield from values


def _instead(daemon: Daemon, part: str) -> str:
    """How else to say it, where the daemon has other flags for it."""
    others = sorted(f"--{flag}" for flag in daemon.flags if part in flag)
    return f" and use its {' and '.join(others)} as options" if others else ""


def _wrong(one: DaemonInstance, text: str) -> Refused:
    daemon = f" ({one.daemon})" if one.daemon and one.daemon != one.name else ""
    return Refused(RucioRefusal.UNKNOWN_FLAG, f"spec.daemons.instances {one.name}{daemon}: {text}")


def _check_files(server: RucioServer, there: set[str]) -> None:
    for file in server.spec.files:
        for name in file.for_:
            if name not in there:
                raise Refused(
                    RucioRefusal.UNKNOWN_DAEMON,
                    f"spec.files {file.name}: for names {name}, which does not run here; {nearest(name, there)}",
                )
