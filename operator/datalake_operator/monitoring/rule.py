"""What an alert is made of, and how its expression is put together.

Every expression groups by `NAMESPACE`. With `honorLabels` (as our monitors have it) that is the namespace of the
resource. Without it Prometheus calls that one `exported_namespace`, and `namespace` is the operator's own; grouping by
both keeps resources of different namespaces apart either way. Grouping also drops the operator's pod from the labels:
an alert goes on when another pod takes over.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

NAMESPACE = "namespace, exported_namespace"
WHERE = "{{ or $labels.exported_namespace $labels.namespace }}"
"""The namespace of the resource, in the text of an alert."""
PROBE_NAME = f"{NAMESPACE}, probe"
PROBE = f"{PROBE_NAME}, kind"
CELL = f"{PROBE}, source, destination, protocol"
RESOURCE = f"{NAMESPACE}, kind, name"
TARGET = "namespace, job, pod, instance"
"""Labels of one scraped process, with and without the Prometheus Operator."""

RUNBOOK = "https://github.com/projectescape/datalake-operator/blob/main/docs/operations.md"
"""Where each alert has a section of its name."""


@dataclass(frozen=True)
class Unless:
    """What keeps an alert quiet, since another one tells of it or somebody meant it."""

    name: str
    """The other alert, or a word for what was meant."""
    on: str
    """Labels that both must share."""
    expr: str


@dataclass(frozen=True)
class Alert:
    """One alert."""

    name: str
    expr: str
    wait: str
    """Time that it must hold."""
    severity: Literal["critical", "warning", "info"]
    summary: str
    description: str
    """What is the matter, and what to do about it."""
    unless: tuple[Unless, ...] = field(default=())
    group: str = ""
    """Labels that are left at last: many series become one alert."""
    keep: str | None = None
    """Time that it goes on firing, so that a restart of the operator does not end it: the verdict of a probe has its
    own guard against flapping (`policy.recoveries`)."""

    @property
    def query(self) -> str:
        """The whole expression."""
        lines = "\n".join([self.expr, *(f"unless on ({one.on}) ({one.expr})" for one in self.unless)])
        return f"max by ({self.group}) (\n{lines}\n)" if self.group else lines

    def rule(self) -> dict[str, Any]:
        """The alert as Prometheus reads it."""
        keep = {} if self.keep is None else {"keep_firing_for": self.keep}
        return {
            "alert": self.name,
            "expr": self.query,
            "for": self.wait,
            **keep,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOK}#{self.name.lower()}",
            },
        }


def condition(type_: str, status: int, kind: str | None = None) -> str:
    """Resources with a condition: 1 is True, 0 is False, -1 is Unknown."""
    of = f'kind="{kind}",' if kind else ""
    return f'max by ({RESOURCE}) (datalake_resource_condition{{{of}type="{type_}"}}) == {status}'


def suspended(kind: str | None = None) -> Unless:
    """Somebody has set spec.suspend."""
    return Unless("suspended", RESOURCE, condition("Suspended", 1, kind))
