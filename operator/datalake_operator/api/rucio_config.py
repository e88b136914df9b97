"""Configuration of a RucioServer: free options, secret ones, files."""

import re
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from datalake_operator.api.meta import SET, ConfigMapKeyRef, Items, Model, SecretKeyRef
from datalake_operator.api.rucio_daemons import DaemonName
from datalake_operator.api.rules import ListType, Rule, exactly_one_of, matching, rule
from datalake_operator.api.values import ONE_LINE

# What the operator writes into rucio.cfg itself, from other fields of the spec. DEFAULT would reach every section.
_OWNED_SECTIONS = ("DEFAULT", "alembic", "bootstrap", "database")
_OWNED_OPTIONS = (
    "api.endpoints",
    "api.endpoints_add",
    "api.endpoints_remove",
    "common.mailtemplatedir",
    "common.multi_vo",
    "conveyor.scheme",
    "conveyor.transfertool",
    "monitor.enable_metrics",
    "monitor.metrics_port",
    "policy.lfn2pfn_algorithm_default",
    "policy.package",
    "policy.permission",
    "policy.schema",
)
_SECRET_OPTION = "(pass(word|wd|phrase)?|pwd|secret|token|credential|(private|secret|access|api)_?key)s?$"  # noqa: S105 - a pattern
_SECRET_VALUE = "://[^/@ ]*:[^/@ ]*@"  # noqa: S105 - a pattern

BY_OPTION = ListType("map", ("section", "option"))

Section: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=63),
    matching("[A-Za-z0-9][A-Za-z0-9_.-]*", "must be a section of rucio.cfg", mend="use letters, digits and _.-"),
]
Option: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=127),
    matching("[A-Za-z0-9][A-Za-z0-9_./-]*", "must be an option of rucio.cfg", mend="use letters, digits and _.-"),
]
Value: TypeAlias = Annotated[
    str,
    Field(max_length=2048, pattern=ONE_LINE),
]


def _is_free(entry: Any) -> bool:
    name = f"{entry.section}.{entry.option.lower()}"
    return entry.section not in _OWNED_SECTIONS and name not in _OWNED_OPTIONS


_FREE: Rule = rule(
    f"!(self.section in {list(_OWNED_SECTIONS)}) && "
    f"!((self.section + '.' + self.option.lowerAscii()) in {list(_OWNED_OPTIONS)})",
    "is set by the operator",
    _is_free,
    mend="remove it and use the field of the spec that is there for it (database, policy, transfers, server.endpoints)",
    at=".option",
)


def _shows_no_secret(entry: Any) -> bool:
    return not re.search(f"(?i){_SECRET_OPTION}", entry.option) and not re.search(_SECRET_VALUE, entry.value)


class ConfigOption(Model):
    """One option of rucio.cfg."""

    rules = (
        _FREE,
        rule(
            f"!self.option.matches('(?i){_SECRET_OPTION}') && !self.value.matches('{_SECRET_VALUE}')",
            "looks like a password, which must not stand in a spec",
            _shows_no_secret,
            mend="put it into a Secret and use secretConfig",
            at=".option",
        ),
    )

    section: Section
    """Section of rucio.cfg."""
    option: Option
    """Option of that section."""
    value: Value
    """Its value, on one line."""


class SecretOption(Model):
    """One option of rucio.cfg whose value is in a Secret."""

    rules = (_FREE,)

    section: Section
    """Section of rucio.cfg."""
    option: Option
    """Option of that section."""
    secret_key_ref: SecretKeyRef
    """Where the value is."""


class ConfigFile(Model):
    """A file beside rucio.cfg: exactly one of secretKeyRef, configMapKeyRef."""

    rules = (exactly_one_of("secretKeyRef", "configMapKeyRef"),)

    name: Annotated[
        str,
        Field(min_length=1, max_length=63),
        matching(
            "[A-Za-z0-9][A-Za-z0-9._-]*", "must be a file name", mend="use letters, digits, '.', '_' and '-', no folder"
        ),
    ]
    """Name of the file under /opt/rucio/etc/files/."""
    secret_key_ref: SecretKeyRef | None = None
    """Key of a Secret that holds the content."""
    config_map_key_ref: ConfigMapKeyRef | None = None
    """Key of a ConfigMap that holds the content."""
    for_: Annotated[Items[DaemonName], Field(min_length=1, max_length=64, alias="for"), SET]
    """Who gets it: server, auth, or names of daemon instances."""
