"""Names of container images."""

from datalake_operator.api.common import Image


def image_reference(image: Image, default: str) -> str:
    """Lay what a spec says over the operator's default image.

    A digest wins over tags. A tag or digest of the default is used as long as the spec names neither, also with
    another repository: a mirror holds the same image.

    Args:
        image: `spec.image`.
        default: `repository:tag`, `repository@digest` or both.
    """
    repository, tag, digest = _split(default)
    if image.tag is not None or image.digest is not None:
        tag, digest = image.tag, image.digest
    named = image.repository or repository
    if digest is not None:
        return f"{named}@{digest}"
    return f"{named}:{tag}" if tag is not None else named


def image_version(reference: str) -> str | None:
    """The tag of a reference, None if it has none."""
    return _split(reference)[1]


def _split(reference: str) -> tuple[str, str | None, str | None]:
    named, _, digest = reference.partition("@")
    host, slash, rest = named.rpartition("/")
    rest, _, tag = rest.partition(":")
    return f"{host}{slash}{rest}", tag or None, digest or None
