"""Secrets whose values are made up once: they stand in the first write only, which is no apply."""

import secrets

from datalake_operator.build.generated import GENERATED
from datalake_operator.kube.resource import SECRETS, of
from datalake_operator.reconcile.compare import with_hash
from datalake_operator.reconcile.kind import Manifest

_PASSWORD_BYTES = 32
"""Random bytes of each value that we make up; 43 characters of the URL-safe alphabet."""


def without_values(manifest: Manifest) -> Manifest:
    """A manifest as it is applied: a Secret without its values, everything else as it is."""
    if of(manifest) != SECRETS:
        return manifest
    return {part: value for part, value in manifest.items() if part not in ("data", "stringData")}


def filled(secret: Manifest) -> Manifest:
    """A Secret for its first write, with random values where they shall be made up."""
    values = {
        name: secrets.token_urlsafe(_PASSWORD_BYTES) if value == GENERATED else value
        for name, value in secret["stringData"].items()
    }
    return {**with_hash(without_values(secret)), "stringData": values}
