"""Names of the lake."""

GRID = "e2e-grid"
"""Namespace of everything here."""
LAKE = "lake"
"""The headless Service whose names lead to the endpoints."""
ORIGINS = ("A", "B", "C", "D")
"""Endpoints. D speaks https instead of http."""
SHELF = "E"
"""One more, which stays sound: the cache's origin and an RSE of the Rucio, so that they are judged by themselves."""
SITES = {"A": "NORTH", "B": "SOUTH", "C": "SOUTH", "D": "WEST"}
FOLDER = "/lake"
"""What the endpoints export."""
ROOT, HTTP, HTTPS = 1094, 8080, 8443
"""Ports."""


def pod(endpoint: str) -> str:
    """The pod behind an endpoint."""
    return endpoint.lower()


def host(endpoint: str) -> str:
    """The name that leads to its pod, and to which the pod's address leads back (PTR): third-party copy needs both."""
    return f"{pod(endpoint)}.{LAKE}.{GRID}.svc.cluster.local"
