"""Where a RucioServer is asked, and as whom."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """One server pod and the account root."""

    health: str
    """Base URL of the health port, such as http://10.0.0.7:8083."""

    rest: str
    """Base URL of the REST interface, such as http://10.0.0.7:8080."""

    username: str
    """Login name of the account root."""

    password: str = field(repr=False)
    """Its password: never shown anywhere."""
