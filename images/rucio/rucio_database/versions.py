"""Whether the Rucio of this image is the one that is wanted. Known before anything of Rucio's models is loaded."""

import importlib
import os

from packaging.specifiers import SpecifierSet
from rucio.common.config import config_get
from rucio.version import current_version

from rucio_database.errors import Trouble
from rucio_database.installed import VERSION


def fits(wanted: str) -> bool:
    """Whether the image has that version; a community's suffix, as in 41.5.1.cms7, fits 41.5.1."""
    return wanted == VERSION or VERSION.startswith(f"{wanted}.")


def policy_supports() -> list[str] | None:
    """Versions that the policy package says it supports; None without a package, or one that says nothing.

    Raises:
        ImportError: The package is not in the image.
    """
    name = os.environ.get("RUCIO_POLICY_PACKAGE") or config_get(
        "policy", "package", raise_exception=False, default="", check_config_table=False
    )
    if not name:
        return None
    supported = getattr(importlib.import_module(name), "SUPPORTED_VERSION", None)
    if supported is None:
        return None
    return [supported] if isinstance(supported, str) else [str(part) for part in supported]


def check(wanted: str | None) -> None:
    """Refuse to touch a database for another version.

    Raises:
        Trouble: version-mismatch.
    """
    if wanted and not fits(wanted):
        message = f"The image has Rucio {VERSION}, but version is {wanted}. Use the image of that version"
        raise Trouble("version-mismatch", message)
    try:
        supported = policy_supports()
    except ImportError as error:
        message = f"The policy package cannot be loaded: {error}. Use an image that has it"
        raise Trouble("version-mismatch", message) from None
    # Rucio compares its major version too: see rucio.common.plugins.check_policy_module_version.
    if supported is not None and current_version() not in SpecifierSet(",".join(supported)):
        message = f"The policy package supports Rucio {', '.join(supported)}, not {VERSION}. Use an image that fits"
        raise Trouble("version-mismatch", message)
