"""What probes must say of a fault, and what is wrong about what they say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.demo.kubectl import Object

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


class Must(NamedTuple):
    """What a cell must say."""

    states: Sequence[str]
    """One of these."""
    reason: str | None
    """None: any."""


GREEN = Must(("ok",), None)


@dataclass(frozen=True)
class Said:
    """What one probe must say.

    Attributes:
        blamed: Reason by the endpoint that is blamed; all its cells are red, or left out for this reason.
        protocol: Of its cells, only those with this protocol are concerned; empty: all.
        links: Reason by link (source, destination) that is red by itself, both ends being sound.
        left_out: Reason by endpoint whose cells are left out, without anybody's fault.
        maintenance: Endpoints whose cells are in maintenance, whatever happens to them.
        states: State and reason by protocol, of cells of the blamed that are not simply red.
        every: State and reason of every cell, where there is no verdict on any.
    """

    blamed: Mapping[str, str] = field(default_factory=dict)
    protocol: str = ""
    links: Mapping[tuple[str, str], str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    maintenance: frozenset[str] = frozenset()
    states: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    every: tuple[str, str] | None = None

    def words(self) -> str:
        """The same for people."""
        parts = [f"{name} red: `{reason}`" for name, reason in self.blamed.items()]
        if len(self.blamed) > 1 and len(set(self.blamed.values())) == 1:
            parts = [f"{', '.join(self.blamed)} red: `{next(iter(self.blamed.values()))}`"]
        parts += [f"only the link {source} → {to} red: `{reason}`" for (source, to), reason in self.links.items()]
        parts += [f"{name} left out, nobody red: `{reason}`" for name, reason in self.left_out.items()]
        parts += [f"{name} in maintenance, nobody red" for name in sorted(self.maintenance)]
        if self.every:
            parts.append(f"everything {self.every[0]}, nobody red: `{self.every[1]}`")
        return ", ".join(parts)

    def of(self, key: Key) -> Must | None:
        """What a cell must say; None: it is not concerned."""
        return next(self._all(key), None)

    def _all(self, key: Key) -> Iterator[Must]:
        """Yield it; what comes first counts."""
        if self.every:
            yield Must((self.every[0],), self.every[1])
        if any(key.touches(name) for name in self.maintenance):
            yield Must(("maintenance",), None)
        yield from (Must(("skipped",), reason) for name, reason in self.left_out.items() if key.touches(name))
        if key.destination and (key.source, key.destination) in self.links:
            yield Must(("critical",), self.links[key.source, key.destination])
        if key.protocol and key.protocol in self.states:
            state, why = self.states[key.protocol]
            yield Must((state,), why)
        touched = [name for name in self.blamed if key.touches(name) and self.protocol in ("", key.protocol)]
        if touched:
            states = UNMEASURED if key.destination else ("critical",)
            yield Must(states, self.blamed[touched[0]] if len(touched) == 1 else None)


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
        must = _both([found for one in expected if (found := one.of(key))])
        if must == GREEN and any(one.of(key) for one in pardoned):
            continue
        if state not in must.states or (must.reason and reason != must.reason):
            wanted = " or ".join(must.states)
            yield f"{body['metadata']['name']}: {key} is {state} ({reason}), not {wanted} ({must.reason})"
    blamed = {
        one["name"]: one.get("reason") for one in body["status"].get("endpoints", ()) if one["state"] == "critical"
    }
    must_be = {name: reason for one in expected for name, reason in one.blamed.items()}
    was = {name for one in pardoned for name in one.blamed}
    if {name: why for name, why in blamed.items() if name in must_be or name not in was} != must_be:
        yield f"{body['metadata']['name']}: blames {blamed}, not {must_be}"


def _both(musts: Sequence[Must]) -> Must:
    """What a cell must say that several faults concern, if any: that of one of them."""
    if len(musts) < 2:
        return musts[0] if musts else GREEN
    return Must([state for must in musts for state in must.states], None)


def red(body: Object) -> set[Key]:
    """Cells that are critical."""
    return {key for key, (state, _) in cells(body).items() if state == "critical"}
