"""What the schema has and this version does not honour yet: refused aloud, never silently ignored."""

from collections.abc import Callable, Mapping

from datalake_operator.api.kinds import Resource
from datalake_operator.api.problems import Problem
from datalake_operator.api.xcache import XCacheNode, XCacheNodeSpec

# Field of the spec: (whether it asks for something that is not there yet, what to do instead).
_XCACHE: Mapping[str, tuple[Callable[[XCacheNodeSpec], bool], str]] = {
    "origin.url": (
        lambda spec: spec.origin.url.startswith(("roots:", "https:")),
        "use a root or http origin; TLS comes with a later version",
    ),
}


def not_implemented(model: Resource) -> list[Problem]:
    """Return the fields that ask for what this version does not do yet."""
    if not isinstance(model, XCacheNode):
        return []
    asked = {field: mend for field, (asks, mend) in _XCACHE.items() if asks(model.spec)}
    return [Problem(f"spec.{field}", "is not implemented by this version yet", mend) for field, mend in asked.items()]
