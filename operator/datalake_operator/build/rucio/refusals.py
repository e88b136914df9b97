"""What no schema can see, and yet cannot work: refused before anything is written, with the nearest that can."""

from collections.abc import Iterable
from difflib import get_close_matches

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.refused import Refused
from datalake_operator.build.rucio import catalogue
from datalake_operator.build.rucio.catalogue import Catalogue

ALLOW_VERSION = "datalake.projectescape.eu/allow-version"
"""Annotation of the resource with a version of Rucio that shall be used although we do not know it."""


class RucioRefusal:
    """Reasons why a RucioServer is refused before anything is built."""

    UNKNOWN_VERSION = "UnknownVersion"
    """This version of the operator does not know `spec.version`; the message lists those that it knows."""

    UNKNOWN_DAEMON = "UnknownDaemon"
    """`spec.daemons.instances` or `files[].for` names what this version of Rucio does not have; see the message."""

    UNKNOWN_FLAG = "UnknownFlag"
    """A daemon of this version has no such flag, or takes its values differently; the message names the nearest."""

    INVALID_SPEC = "InvalidSpec"
    """The spec breaks a rule that the schema cannot express; the message names field and mend."""


def known(server: RucioServer) -> Catalogue:
    """What is known of the version that a server wants.

    A patched one (`41.5.1.cms7`) is taken for what it was made from. One that we do not know, and that an annotation
    allows, is taken for the newest one that is not newer, else for the oldest.

    Raises:
        Refused: nobody allowed a version that we do not know.
    """
    version = server.spec.version
    exact = ".".join(version.split(".")[:3])
    if exact in catalogue.KNOWN:
        return catalogue.find(exact)
    if server.metadata.annotations.get(ALLOW_VERSION) != version:
        raise Refused(
            RucioRefusal.UNKNOWN_VERSION,
            f"spec.version: Rucio {version} is not known here; use {_listed(catalogue.KNOWN)}, or a "
            f"newer operator, or annotate the resource with {ALLOW_VERSION}: {version} to try it on your own risk",
        )
    older = [one for one in catalogue.KNOWN if _order(one) <= _order(exact)]
    return catalogue.find(max(older, key=_order) if older else min(catalogue.KNOWN, key=_order))


def nearest(word: str, choices: Iterable[str]) -> str:
    """A proposal for a message: the most similar choice, else all of them."""
    choices = sorted(choices)
    close = get_close_matches(word, choices, 1)
    return f"did you mean {close[0]}?" if close else f"there are {_listed(choices)}"


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:3]))
