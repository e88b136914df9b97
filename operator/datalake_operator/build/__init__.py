"""Pure: a validated model becomes the children it stands for, as plain dicts. No I/O, no clock, no randomness."""

from datalake_operator.build.context import Context
from datalake_operator.build.refused import Refused

__all__ = ["Context", "Refused"]
