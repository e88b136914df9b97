"""What status is made from, and what comes out: plain frozen values, so that `assess` can be pure."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from datalake_operator.status.conditions import Condition


@dataclass(frozen=True)
class Observation:
    """What the operator last heard from an operand over HTTP."""

    time: datetime
    """When `data` was received; as long as there is none, when the last attempt failed."""

    error: str | None
    """Why the last attempt failed, in one line that does not change while the cause does not; None: it succeeded."""

    data: Mapping[str, Any] | None
    """The last good answer, kept while attempts fail; None: there never was one."""


@dataclass(frozen=True)
class View:
    """All that was observed about one resource at one moment."""

    children: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """Live objects by (kind, name): our children, and every claim that carries our instance label."""

    pods: Sequence[Mapping[str, Any]] = ()
    """Pods of the workload."""

    references: Mapping[tuple[str, str], Mapping[str, Any] | None] = field(default_factory=dict)
    """Objects that the spec names, by (kind, name); None: known not to be there."""

    observation: Observation | None = None
    """The last answer of the operand; None: never asked."""

    previous: Mapping[str, Any] = field(default_factory=dict)
    """`status` as the API server holds it now."""

    disputed: Mapping[Hashable, Sequence[str]] = field(default_factory=dict)
    """Names that other resources of the kind and namespace mean something else by, with the names of these."""


@dataclass(frozen=True)
class Assessment:
    """What status shall say. The engine adds Reconciling, Stalled, Suspended and the observed generation."""

    conditions: tuple[Condition, ...]
    """Ready first, then the kind's own."""

    fields: Mapping[str, Any]
    """Further fields of status, complete: one that is absent here goes."""

    progressing: bool
    """The cluster is still at work and no hands are needed: the engine adds Reconciling."""

    wake_at: datetime | None = None
    """When to assess again although nothing changed."""

    stalled: bool = False
    """A user must mend what Ready's reason and message say: the engine adds Stalled with these, and no Reconciling."""
