"""Names of children. All fit into 63 characters, since `metadata.name` of a resource is at most 40 long."""

import hashlib
import json
from collections.abc import Mapping

_HASH_LENGTH = 10
"""Hexadecimal digits of a hash in a name: 40 bits, and only versions of one resource's configuration must differ."""


def hashed(name: str, data: Mapping[str, str]) -> str:
    """Name of an immutable ConfigMap or Secret, `<name>-<hash of its content>`."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]}"


def claim(name: str, entry: str) -> str:
    """Name of the claim of one storage entry."""
    return f"{name}-{entry}"


def pods(name: str) -> str:
    """Name of the headless Service that gives pods their addresses."""
    return f"{name}-pods"
