"""What probes must say of a fault, and what is wrong about what they say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.demo.kubectl import Object
from tests.e2e.grid.probes import ONLY_IPV6

UNMEASURED = ("skipped", "critical")
"""States of a pair with a blamed endpoint: left out, or red if it was so before."""


@dataclass(frozen=True)
class Key:
    """A cell."""

    source: str
    destination: str | None
    protocol: str | None

    def touches(self, name: str) -> bool:
        """Whether an endpoint is part of it."""
        return name in (self.source, self.destination)

    def __str__(self) -> str:
        link = f"{self.source}→{self.destination}" if self.destination else self.source
        return f"{link} {self.protocol or ''}".strip()


@dataclass(frozen=True)
class Said:
    """What one probe must say.

    Attributes:
        blamed: Reason by the endpoint that is blamed; all its cells are red, or left out for this reason.
        protocol: Of its cells, only those with this protocol are concerned; empty: all.
        links: Reason by link (source, destination) that is red by itself, both ends being sound.
        maintenance: Endpoints whose cells are in maintenance, whatever happens to them.
        states: State and reason by protocol, of cells of the blamed that are not simply red.
        every: State and reason of every cell, where there is no verdict on any.
    """

    blamed: Mapping[str, str] = field(default_factory=dict)
    protocol: str = ""
    links: Mapping[tuple[str, str], str] = field(default_factory=dict)
    maintenance: frozenset[str] = frozenset()
    states: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    every: tuple[str, str] | None = None

    def of(self, key: Key) -> tuple[Sequence[str], str | None] | None:
        """States of which a cell must have one, and its reason; None: it is not concerned."""
        if self.every:
            return (self.every[0],), self.every[1]
        for name in self.maintenance:
            if key.touches(name):
                return ("maintenance",), None
        if key.destination and (key.source, key.destination) in self.links:
            return ("critical",), self.links[key.source, key.destination]
        if key.protocol and key.protocol in self.states:
            state, why = self.states[key.protocol]
            return (state,), why
        for name, reason in self.blamed.items():
            if key.touches(name) and self.protocol in ("", key.protocol):
                others = [one for one in self.blamed if key.touches(one)]
                return (UNMEASURED if key.destination else ("critical",)), None if len(others) > 1 else reason
        return None


def cells(body: Object) -> dict[Key, tuple[str, str | None]]:
    """State and reason of every cell of a probe."""
    return {
        Key(one["source"], one.get("destination"), one.get("protocol")): (one["state"], one.get("reason"))
        for one in body["status"].get("cells", ())
    }


def wrong(body: Object, expected: Sequence[Said], pardoned: Sequence[Said] = ()) -> Iterator[str]:
    """What a probe says that it must not, or does not say that it must.

    Args:
        body: The probe.
        expected: What is the matter with what it looks at.
        pardoned: What was the matter before: its cells need not be green again yet.
    """
    for key, (state, reason) in cells(body).items():
        if key.source == ONLY_IPV6:
            must: tuple[Sequence[str], str | None] = ("skipped",), "NoFamilyInPod"
            if any(one.every or one.maintenance for one in expected):
                continue
        else:
            must = next(filter(None, (one.of(key) for one in expected)), (("ok",), None))
        if must[0] == ("ok",) and any(one.of(key) for one in pardoned):
            continue
        if state not in must[0] or (must[1] and reason != must[1]):
            yield f"{body['metadata']['name']}: {key} is {state} ({reason}), not {' or '.join(must[0])} ({must[1]})"
    blamed = {
        one["name"]: one.get("reason") for one in body["status"].get("endpoints", ()) if one["state"] == "critical"
    }
    must_be = {name: reason for one in expected for name, reason in one.blamed.items()}
    was = {name for one in pardoned for name in one.blamed}
    if {name: why for name, why in blamed.items() if name in must_be or name not in was} != must_be:
        yield f"{body['metadata']['name']}: blames {blamed}, not {must_be}"


def red(body: Object) -> set[Key]:
    """Cells that are critical."""
    return {key for key, (state, _) in cells(body).items() if state == "critical"}
