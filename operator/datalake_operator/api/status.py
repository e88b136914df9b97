"""What the status of every kind holds."""

from typing import Annotated

from pydantic import Field

from datalake_operator.api.meta import Condition, Items, Model
from datalake_operator.api.rules import ListType


class Status(Model):
    """Conditions, and what was acted on."""

    conditions: Annotated[Items[Condition], Field(max_length=32), ListType("map", ("type",))] | None = None
    """What is the matter, by type; docs/conditions.md lists every reason."""
    observed_generation: Annotated[int, Field(json_schema_extra={"format": "int64"})] | None = None
    """The generation that conditions speak about; -1 while the operator has not looked yet."""
    last_handled_reconcile_at: Annotated[str, Field(max_length=256)] | None = None
    """Value of the annotation datalake.projectescape.eu/reconcile-at that was acted on last."""
