"""Kinds that this version accepts and validates, but does not serve yet: each is `Stalled/NotImplemented`."""

from datetime import datetime
from typing import Never

from datalake_operator.build import Context
from datalake_operator.kube.resource import Resource
from datalake_operator.reconcile.kind import Kind, Manifest
from datalake_operator.status import Assessment, View


class Unserved(Kind[Never]):
    """Has no model to build from, since `parse` refuses every one."""

    def __init__(self, resource: Resource, app: str) -> None:
        self.resource = resource
        self.app = app

    def build(self, model: Never, context: Context, view: View) -> tuple[Manifest, ...]:
        """Never asked."""
        return model

    def assess(self, model: Never, context: Context, view: View, now: datetime) -> Assessment:
        """Never asked."""
        return model
