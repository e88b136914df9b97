"""The only part that talks to operands: polls them over HTTP, outside the workers, and keeps what they said last."""

from datalake_operator.observe.poller import Poller

__all__ = ["Poller"]
