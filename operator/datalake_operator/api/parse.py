"""From a manifest to a model, with everything that is wrong with it said at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from datalake_operator.api.kinds import KINDS, Resource
from datalake_operator.api.meta import GROUP, VERSION, Model
from datalake_operator.api.pending import not_implemented
from datalake_operator.api.problems import InvalidResource, Problem
from datalake_operator.api.values import DURATION_PATTERN, ONE_LINE

__all__ = ["describe", "first_sentence", "not_implemented", "parse", "validated"]

Part = TypeVar("Part", bound=Model)

# Messages of pydantic, said in the words of a manifest. Values come from the error's context.
_MESSAGES = {
    "missing": "is required",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have at most {max_length} entries",
    "string_pattern_mismatch": "must match {pattern}",
    "string_unicode": "must be valid text",
}

_PATTERNS = {
    DURATION_PATTERN: "must be a duration, e.g. 90s or 1h30m",
    ONE_LINE: "must not contain line breaks or other control characters",
}


def parse(body: Mapping[str, Any]) -> Resource:
    """Return the model of a manifest of one of our kinds; unknown fields are dropped, as the server prunes them.

    Raises:
        InvalidResource: It is none of our kinds, or something in it is wrong.
    """
    return validated(_kind(body), body)


def validated(model: type[Part], value: Any) -> Part:
    """Return the model of a manifest or of a part of one.

    Raises:
        InvalidResource: something in it is wrong.
    """
    try:
        part = model.model_validate(_without_nulls(value), by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidResource(tuple(_problem(model, details) for details in _sensible(error.errors()))) from error
    except RecursionError as error:
        raise InvalidResource((Problem("", "is nested too deeply"),)) from error
    problems = tuple(_broken_rules(part, ""))
    if problems:
        raise InvalidResource(problems)
    return part


def _kind(body: Any) -> type[Resource]:
    if not isinstance(body, Mapping):
        raise InvalidResource(
            (Problem("", "is not an object", "write a manifest with apiVersion, kind, metadata, spec"),)
        )
    if body.get("apiVersion") != f"{GROUP}/{VERSION}":
        raise InvalidResource((Problem("apiVersion", "is not ours", f"write {GROUP}/{VERSION}"),))
    for model in KINDS:
        if body.get("kind") == model.kind.kind:
            return model
    names = ", ".join(model.kind.kind for model in KINDS)
    raise InvalidResource((Problem("kind", "is unknown", f"write one of {names}"),))


def _without_nulls(value: Any) -> Any:
    """Leave out fields that are null: so does the API server, since no field of ours is nullable."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(child) for key, child in value.items() if child is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _sensible(errors: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Leave out that a list is too short where it is so only because an entry of it is bad."""
    for error in errors:
        size = len(error["loc"])
        if error["type"] != "too_short" or not any(
            len(other["loc"]) > size and other["loc"][:size] == error["loc"] for other in errors
        ):
            yield error


def _broken_rules(value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, Model):
        for rule in value.rules:
            if rule.broken_by(value):
                yield Problem((path + rule.at).removeprefix("."), rule.message, rule.mend_of(value))
        for name, info in type(value).model_fields.items():
            yield from _broken_rules(getattr(value, name), f"{path}.{info.alias or name}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _broken_rules(item, f"{path}[{index}]")


def _problem(model: type[Model], error: ErrorDetails) -> Problem:
    context: Mapping[str, Any] = error.get("ctx", {})
    location = error["loc"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    if "message" in context:
        return Problem(path + context.get("path", ""), context["message"], context.get("mend", ""))
    message = _PATTERNS.get(context.get("pattern", "")) or _message(error["type"], context) or error["msg"]
    sentence = first_sentence(describe(model, location))
    if error["type"] == "missing":
        return Problem(path, message, f"add it: {sentence}" if sentence else "add it")
    unquoted = error["type"] == "string_type" and isinstance(error["input"], int | float)
    return Problem(path, message, "put it in quotes" if unquoted else "")


def _message(error: str, context: Mapping[str, Any]) -> str:
    return _MESSAGES.get(error, "").format_map(context).replace("True", "true")


def describe(model: Any, location: Sequence[int | str]) -> str:
    """Return the description of a field, empty if there is none.

    Args:
        model: The model that the path starts from.
        location: Field names (as in the manifest) and list indexes.
    """
    description = ""
    for part in location:
        if isinstance(part, int):
            continue
        info = next((info for name, info in model.model_fields.items() if part in (info.alias, name)), None)
        if info is None:
            return ""
        description = info.description or ""
        model = _inner_model(info.annotation)
        if model is None:
            break
    return description


def _inner_model(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    inner = (_inner_model(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)


def first_sentence(text: str) -> str:
    """Return the first sentence of a description, on one line and without its full stop."""
    return re.split(r"(?<!e\.g)\.\s", " ".join(text.split()), maxsplit=1)[0].removesuffix(".")
