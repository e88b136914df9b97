"""Manifests from YAML files, each with the lines that its fields stand on."""

import re
import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from datalake_operator.api.kinds import KINDS
from datalake_operator.api.meta import GROUP

_STEP = re.compile(r"\[(\d+)\]|([^.\[]+)")


class Unreadable(click.ClickException):
    """A file that cannot be read, or is no YAML."""

    exit_code = 2


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it: dates are text, and no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse keys that stand twice."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value} is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Manifest:
    """One object of a file.

    Attributes:
        source: Name of the file.
        body: The object.
        node: The same with lines.
    """

    source: str
    body: Any
    node: yaml.Node

    @property
    def is_ours(self) -> bool:
        """Whether it is, or was meant to be, one of our kinds."""
        if not isinstance(self.body, Mapping):
            return True
        kinds = {model.kind.kind for model in KINDS}
        return str(self.body.get("apiVersion")).startswith(f"{GROUP}/") or self.body.get("kind") in kinds

    @property
    def name(self) -> str:
        """Kind and name, for people."""
        metadata = self.body.get("metadata") if isinstance(self.body, Mapping) else None
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        return f"{self.body.get('kind')} {name}" if isinstance(self.body, Mapping) else "document"

    def line(self, path: str) -> int:
        """Return the line of a field, or of the innermost object around it that is there."""
        node, line = self.node, self.node.start_mark.line
        for index, name in _STEP.findall(path):
            if index and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
                node = node.value[int(index)]
                line = node.start_mark.line
                continue
            found = [(key, value) for key, value in _pairs(node) if key.value == name]
            if index or not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
        return line + 1


def _pairs(node: yaml.Node) -> Sequence[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else ()


def read(sources: Sequence[str]) -> Iterator[Manifest]:
    """Yield the objects of YAML files (`-` is standard input); items of a List one by one, empty documents not.

    Raises:
        Unreadable: A file cannot be read or is no YAML.
    """
    for source in sources:
        name = "<stdin>" if source == "-" else source
        try:
            yield from _objects(name, sys.stdin.read() if source == "-" else Path(source).read_text("utf-8"))
        except OSError as error:
            raise Unreadable(f"{name}: {error.strerror}") from error
        except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
            raise Unreadable(f"{name}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    if "'\\t'" in problem:
        problem = "a tab; indent with blanks"
    if isinstance(error, UnicodeDecodeError):
        problem = "is not text in UTF-8"
    return f"line {mark.line + 1}: {problem}" if mark else problem


def _objects(source: str, text: str) -> Iterator[Manifest]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # noqa: S101 - check_node said so
            body = loader.construct_document(node)
            if isinstance(body, Mapping) and body.get("kind") == "List" and isinstance(body.get("items"), list):
                items = next(value for key, value in _pairs(node) if key.value == "items")
                yield from (
                    Manifest(source, item, child) for item, child in zip(body["items"], items.value, strict=True)
                )
            elif body is not None:
                yield Manifest(source, body, node)
    finally:
        loader.dispose()
