"""What all our kinds have in common: how the CRD describes them, and the rule on their names."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from datalake_operator.api.meta import Model, ObjectMeta
from datalake_operator.api.rules import Rule


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; priority 1 is shown with ``-o wide`` only."""

    name: str
    path: str
    description: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True)
class Kind:
    """A kind as its CRD names it."""

    kind: str
    plural: str
    short: str
    description: str
    status: type[Model]
    columns: tuple[Column, ...]


class Resource(Model):
    """A custom resource: its metadata; each kind adds `spec`."""

    kind: ClassVar[Kind]

    metadata: ObjectMeta


READY = Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether it does what it is for.")
MESSAGE = Column(
    "Message", '.status.conditions[?(@.type=="Ready")].message', "What is the matter and what to do.", priority=1
)
AGE = Column("Age", ".metadata.creationTimestamp", "Time since it was made.", "date")


def name_rule(longest: int) -> Rule:
    """Return the root rule on `metadata.name`: it starts the names of all children, which must fit 63 characters."""
    pattern = f"[a-z]([-a-z0-9]{{0,{longest - 2}}}[a-z0-9])?"

    def holds(resource: Any) -> bool:
        return re.fullmatch(pattern, resource.metadata.name) is not None

    return Rule(
        f"self.metadata.name.matches('^{pattern}$')",
        f"the name must be a DNS label that starts with a letter, at most {longest} characters",
        "choose another metadata.name: lower-case letters, digits and '-'",
        holds,
        ".metadata.name",
    )
