"""What the operator serves over HTTP: health, metrics, the page and its JSON. Read-only."""

from datalake_operator.web.bodies import Bodies, Ref, of_stores
from datalake_operator.web.server import Health, serve

__all__ = ["Bodies", "Health", "Ref", "of_stores", "serve"]
