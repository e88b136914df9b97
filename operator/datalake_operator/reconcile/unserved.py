"""Kinds that this version accepts and validates, but does not serve yet."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Never

from datalake_operator.api.parse import parse
from datalake_operator.build import Context, Refused
from datalake_operator.kube.resource import Resource
from datalake_operator.reconcile.kind import Manifest, Reference
from datalake_operator.status import Assessment, EngineReason, View


class Unserved:
    """Answers every valid resource of its kind with `Stalled/NotImplemented`; nothing else is ever asked of it."""

    children: tuple[Resource, ...] = ()

    def __init__(self, resource: Resource, app: str) -> None:
        self.resource = resource
        self.app = app

    def parse(self, body: Manifest) -> Never:
        """Validate, then refuse.

        Raises:
            InvalidResource: names each bad field.
            Refused: always, for a valid resource.
        """
        parse(body)
        raise Refused(
            EngineReason.NOT_IMPLEMENTED, f"this version of the operator checks {self.resource.kind}, but does not serve it"
        )

    def references(self, model: Never) -> tuple[Reference, ...]:
        """Never asked."""
        return model

    def build(self, model: Never, context: Context, view: View) -> tuple[Manifest, ...]:
        """Never asked."""
        return model

    def assess(self, model: Never, view: View, now: datetime) -> Assessment:
        """Never asked."""
        return model

    def rolled(self, view: View) -> bool:
        """Never asked."""
        return False

    def stuck_pods(self, model: Never, view: View) -> tuple[Manifest, ...]:
        """Never asked."""
        return model

    def observed_at(self, model: Never, view: View) -> str | None:
        """Never asked."""
        return model

    def notable(self, data: Mapping[str, Any]) -> object:
        """Never asked."""
        return None
