"""rucio.cfg without its secrets, and where those are found.

Whatever a field holds, it stays one option: the models check each by its grammar, and here nothing is printed that a
reader of the file could take for the end of a line. Rucio reads values with interpolation, so `%` is doubled.
"""

import json
import re
from collections.abc import Mapping
from enum import Enum

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.refused import Refused
from datalake_operator.build.render import UnsafeValue
from datalake_operator.build.rucio.refusals import RucioRefusal, known, nearest

METRICS_PORT = 8080
"""Port of each daemon's metrics."""

MAIL_TEMPLATES = "/opt/rucio/etc/mail_templates"
"""Where the image keeps the templates of Rucio's wheel."""

OPTIONS = "/run/secrets/options"
"""Folder of the values that are in Secrets: `<number>/value`."""

Sections = dict[str, dict[str, str]]

_SECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*", re.ASCII)
_LINE_END = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
"""What any reader might take for one: `str.splitlines` knows more than `configparser` does."""


class Role(Enum):
    """Whose configuration it is."""

    SERVER = "server"
    """REST and authentication servers, and Jobs at the database."""

    DAEMON = "daemon"
    """Daemons: fewer connections, and metrics that Rucio serves itself."""


def data(server: RucioServer, role: Role) -> dict[str, str]:
    """The content of the ConfigMap: `base.cfg` and `secret-options.json`.

    Raises:
        Refused: options that cannot stand beside each other.
        UnsafeValue: a field holds what must not stand in a configuration file (the models refuse it before).
    """
    _check(server)
    sections = _owned(server, role)
    for one in server.spec.config:  # like Rucio, which does not regard case in options
        sections.setdefault(one.section, {})[one.option.lower()] = one.value
    files = [
        {"section": _name(_SECTION, one.section), "option": _name(_OPTION, one.option), "file": f"{OPTIONS}/{n}/value"}
        for n, one in enumerate(server.spec.secret_config)
    ]
    return {"base.cfg": text(sections), "secret-options.json": json.dumps(files, indent=1) + "\n"}


def lfn2pfn(server: RucioServer) -> str:
    """How names become paths on deterministic storage."""
    return server.spec.policy.lfn2pfn or "hash"


def text(sections: Mapping[str, Mapping[str, str]]) -> str:
    """Print a configuration.

    Raises:
        UnsafeValue: a name or a value is none of one line.
    """
    return "\n".join(
        f"[{_name(_SECTION, section)}]\n"
        + "".join(f"{_name(_OPTION, option)} = {_value(value)}".rstrip() + "\n" for option, value in options.items())
        for section, options in sections.items()
    )


def _owned(server: RucioServer, role: Role) -> Sections:
    """Options that come from other fields of the spec."""
    spec = server.spec
    pool = spec.database.pool if role is Role.SERVER else spec.daemons.pool
    external, policy, transfers, endpoints = spec.database.external, spec.policy, spec.transfers, spec.server.endpoints
    metrics = {"enable_metrics": "True", "metrics_port": str(METRICS_PORT)}
    sections = {
        "common": {"mailtemplatedir": MAIL_TEMPLATES, "multi_vo": "False"},
        "database": {
            "pool_size": str(pool.size),
            "max_overflow": str(pool.max_overflow),
            **({"schema": external.schema_} if external and external.schema_ else {}),
        },
        # Without these Rucio gives root the well-known identities of its developers.
        "bootstrap": {"x509_identity": "", "gss_identity": "", "ssh_identity": ""},
        "policy": {
            "permission": policy.permission or "generic",
            "schema": policy.schema_ or "generic",
            "lfn2pfn_algorithm_default": lfn2pfn(server),
            **({"package": policy.package} if policy.package else {}),
        },
        "conveyor": {
            "scheme": ",".join(transfers.schemes),
            **({"transfertool": ",".join(transfers.tools)} if transfers.tools else {}),
        },
        "api": {
            **({"endpoints_add": ",".join(sorted(endpoints.add))} if endpoints.add else {}),
            **({"endpoints_remove": ",".join(sorted(endpoints.remove))} if endpoints.remove else {}),
        },
        "monitor": {"enable_metrics": "False"} if role is Role.SERVER else metrics,
        # The endpoint `traces` writes files there, and the root file system is read-only.
        "trace": {"tracedir": "/tmp"},  # noqa: S108 - an emptyDir of the pod's own
        "nongrid-trace": {"tracedir": "/tmp"},  # noqa: S108
    }
    return {section: options for section, options in sections.items() if options}


def _check_endpoints(server: RucioServer) -> None:
    """A server with an endpoint that its version does not have would not start."""
    chosen, there = server.spec.server.endpoints, known(server).endpoints
    for field, names in (("add", chosen.add), ("remove", chosen.remove)):
        for name in sorted(set(names) - there):
            raise Refused(
                RucioRefusal.INVALID_SPEC,
                f"spec.server.endpoints.{field}: Rucio {server.spec.version} has no endpoint {name}; "
                f"{nearest(name, there)}",
            )
    for name in sorted(set(chosen.add) & set(chosen.remove)):
        raise Refused(
            RucioRefusal.INVALID_SPEC,
            f"spec.server.endpoints: {name} is both added and removed; keep it in one of the lists",
        )


def _check(server: RucioServer) -> None:
    _check_endpoints(server)
    spec, seen = server.spec, set[tuple[str, str]]()
    for field, options in (("config", spec.config), ("secretConfig", spec.secret_config)):
        for one in options:
            key = (one.section, one.option.lower())
            if key in seen:
                raise Refused(
                    RucioRefusal.INVALID_SPEC,
                    f"spec.{field}: option {one.option} of section {one.section} is said twice; keep one of them",
                )
            seen.add(key)
    for free in spec.config:
        if _LINE_END.search(free.value):
            raise Refused(
                RucioRefusal.INVALID_SPEC,
                f"spec.config: the value of {free.section}.{free.option} holds a character that ends a line; remove it",
            )


def _name(grammar: re.Pattern[str], name: str) -> str:
    if not grammar.fullmatch(name) or name == "DEFAULT":
        raise UnsafeValue(f"{name!r} is no name of a section or an option")
    return name


def _value(value: str) -> str:
    if _LINE_END.search(value):
        raise UnsafeValue(f"{value!r} is not one line of a configuration file")
    return value.replace("%", "%%")
