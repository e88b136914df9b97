"""Kinds that this version accepts and validates, but does not serve yet."""

from datetime import datetime
from typing import Never

from datalake_operator.api.parse import parse
from datalake_operator.build import Context, Refused
from datalake_operator.kube.resource import Resource
from datalake_operator.reconcile.kind import Kind, Manifest
from datalake_operator.status import Assessment, EngineReason, View


class Unserved(Kind[Never]):
    """Answers every valid resource of its kind with `Stalled/NotImplemented`; there is never a model to build from."""

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
            EngineReason.NOT_IMPLEMENTED,
            f"{self.resource.kind} is checked, but not served by this version of the operator",
        )

    def build(self, model: Never, context: Context, view: View) -> tuple[Manifest, ...]:
        """Never asked."""
        return model

    def assess(self, model: Never, view: View, now: datetime) -> Assessment:
        """Never asked."""
        return model
