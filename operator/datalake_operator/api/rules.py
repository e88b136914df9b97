"""Rules: one declaration is the CEL rule of the CRD and the Python check of offline validation.

A rule stands either in ``Annotated[...]`` beside a field (``self`` is the value) or in the ``rules`` of a model
(``self`` is the object). The server answers with `Rule.text`; so do we.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from datalake_operator.api.values import parse_duration, parse_quantity

VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True)
class Rule:
    """A rule of the schema.

    Attributes:
        expression: CEL, only functions of Kubernetes 1.30; empty for what only we check (`check`).
        message: What is wrong when it does not hold.
        mend: What to do about it.
        holds: The same check on the Python value; None for transition rules, which need the old object.
        at: Path below the object of the field to blame, e.g. ``.lowPercent``; empty for the object itself.
        hint: What offline validation can say about this very value on top of `mend`; may be empty.
    """

    expression: str
    message: str
    mend: str
    holds: Callable[[Any], bool] | None = field(default=None, compare=False)
    at: str = ""
    hint: Callable[[Any], str] | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """The message as the API server shows it."""
        return f"{self.message}; {self.mend}" if self.mend else self.message

    @property
    def schema(self) -> dict[str, str]:
        """The rule as an entry of ``x-kubernetes-validations``."""
        entry = {"rule": self.expression, "message": self.text}
        return entry | {"fieldPath": self.at} if self.at else entry

    def broken_by(self, value: Any) -> bool:
        """Whether the value breaks the rule; like in CEL, a rule that cannot be computed is broken."""
        if self.holds is None:
            return False
        try:
            return not self.holds(value)
        except (ValueError, ArithmeticError):
            return True

    def mend_of(self, value: Any) -> str:
        """What to do about a value that breaks the rule."""
        hint = self.hint(value) if self.hint else ""
        return f"{self.mend}; {hint}" if hint else self.mend

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any) -> Any:
            if self.broken_by(value):
                context = {"message": self.message, "mend": self.mend_of(value)}
                raise PydanticCustomError("rule", "{message}", context)
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler(schema)
        if not self.expression:
            return json_schema
        return json_schema | {VALIDATIONS: [*json_schema.get(VALIDATIONS, ()), self.schema]}


def rule(
    expression: str,
    message: str,
    holds: Callable[[Any], bool] | None = None,
    *,
    mend: str = "",
    at: str = "",
    hint: Callable[[Any], str] | None = None,
) -> Rule:
    """Return a `Rule`; see there for the arguments."""
    return Rule(expression, message, mend, holds, at, hint)


def check(message: str, holds: Callable[[Any], bool], *, mend: str, hint: Callable[[Any], str] | None = None) -> Rule:
    """Return a rule that CEL cannot express or not pay for: only offline validation and the operator check it."""
    return Rule("", message, mend, holds, hint=hint)


def transition(expression: str, message: str, *, mend: str = "", at: str = "") -> Rule:
    """Return a rule about a change (``oldSelf``); only the server can check it."""
    return Rule(expression, message, mend, None, at)


def matching(pattern: str, message: str, *, mend: str = "", hint: Callable[[Any], str] | None = None) -> Rule:
    """Return a rule that the whole text matches a pattern that RE2 and Python read alike (no anchors in it)."""
    compiled = re.compile(pattern)
    escaped = pattern.replace("\\", "\\\\").replace("'", "\\'")
    expression = f"self.matches('^(?:{escaped})$')"
    return Rule(expression, message, mend, lambda text: compiled.fullmatch(text) is not None, hint=hint)


def amount(value: str) -> str:
    """Return the CEL expression for the number that a quantity stands for.

    Kubernetes 1.30 takes an int-or-string for a text of 3 MB: reading one costs 314,572 of the 10,000,000 that a rule
    may cost over all entries of the lists around it. `string(...)` and `type(...) == string` would cost as much again.
    """
    return f"(type({value}) in [string] ? quantity({value}).asApproximateFloat() : double({value}))"


def quantity_range(low: str, high: str) -> Rule:
    """Return a rule that a quantity lies between two others, both allowed."""
    least, most = parse_quantity(low), parse_quantity(high)
    return Rule(
        f"[{amount('self')}].all(x, x >= {least}.0 && x <= {most}.0)",
        f"must be between {low} and {high}",
        f"write a quantity, e.g. {low}",
        lambda text: least <= parse_quantity(text) <= most,
    )


CLAIM_SIZE = quantity_range("100Mi", "1Ei")

NO_SHRINKING = transition(
    f"{amount('self')} >= {amount('oldSelf')}", "a claim cannot shrink", mend="write the old size or more"
)


def duration_range(low: str, high: str) -> Rule:
    """Return a rule that a duration lies between two others, both allowed."""
    return Rule(
        f"duration(self) >= duration('{low}') && duration(self) <= duration('{high}')",
        f"must be between {low} and {high}",
        "write a duration, e.g. 90s or 1h30m",
        lambda text: parse_duration(low) <= parse_duration(text) <= parse_duration(high),
    )


def exactly_one_of(*members: str) -> Rule:
    """Return the rule of a union: of these fields (camelCase) of an object exactly one is there."""
    names = ", ".join(members)
    count = " + ".join(f"(has(self.{member}) ? 1 : 0)" for member in members)

    def holds(value: Any) -> bool:
        fields = type(value).model_fields.items()
        return sum(info.alias in members and getattr(value, name) is not None for name, info in fields) == 1

    message = f"needs exactly one of {names}" if len(members) > 1 else f"needs {names}"
    return Rule(f"{count} == 1", message, "name one of them, and only one" if len(members) > 1 else "add it", holds)


def unchanged(name: str, *, message: str, mend: str) -> Rule:
    """Return the transition rule that a field (camelCase) stays what it is, also in being absent."""
    return transition(
        f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || self.{name} == oldSelf.{name})",
        message,
        mend=mend,
        at=f".{name}",
    )


# For a list whose default is not empty: as a set, server-side apply would merge that default into what a user writes.
UNIQUE = Rule(
    "self.all(x, self.exists_one(y, x == y))",
    "has an entry twice",
    "remove one of them",
    lambda items: len(set(items)) == len(items),
)


@dataclass(frozen=True)
class ListType:
    """How the API server merges a list: ``atomic``, ``set``, or ``map`` keyed by fields; checks uniqueness alike."""

    kind: str
    keys: tuple[str, ...] = ()

    def _key(self, item: Any) -> Hashable:
        if not self.keys:
            return item if isinstance(item, Hashable) else repr(item)
        names = {info.alias: name for name, info in type(item).model_fields.items()}
        return tuple(getattr(item, names.get(key, key)) for key in self.keys)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(items: Sequence[Any]) -> Sequence[Any]:
            seen: set[Hashable] = set()
            for index, item in enumerate(items):
                key = self._key(item)
                if key in seen:
                    shown = ".".join(map(str, key)) if isinstance(key, tuple) else key
                    context = {"message": f"{shown!r} is there twice", "mend": "remove one", "path": f"[{index}]"}
                    raise PydanticCustomError("duplicate", "{message}", context)
                seen.add(key)
            return items

        schema = handler(source)
        return schema if self.kind == "atomic" else core_schema.no_info_after_validator_function(check, schema)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        extra: dict[str, Any] = {"x-kubernetes-list-type": self.kind}
        if self.keys:
            extra["x-kubernetes-list-map-keys"] = list(self.keys)
        return handler(schema) | extra


ATOMIC = ListType("atomic")
SET = ListType("set")
MAP_BY_NAME = ListType("map", ("name",))


def seconds(duration: timedelta) -> int:
    """Return a duration in whole seconds, rounded up: XRootD and Rucio count no finer."""
    return -(-duration // timedelta(seconds=1))
