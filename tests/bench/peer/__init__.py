"""The peer: the same reconciler with controller-runtime, in Go."""

from pathlib import Path

from tests.cluster import builder

_PEER = builder.Component("peer", {"peer": "."}, source=Path(__file__).parent)


def program() -> Path:
    """The built program; built now, once, if it is not there yet."""
    return builder.ensure(_PEER) / "peer"
