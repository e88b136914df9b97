"""Which endpoint is broken, when many cells are red: the fewest that explain the red ones, worst first.

Rules after CMS site support (`eval_fts.py`), with one bad link spared: an endpoint with one bad link of many is not
blamed, for the other end may be at fault.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from datalake_operator.probes.model import CellKey, Role

SHARE = 0.75
"""More of its links than this must be bad."""

SMALL = 5
"""Below so many links a share says little: all must be bad, and partners good elsewhere.

Two of them at least, that is. All would be too many: where one endpoint reads badly and another writes badly, the link
between them proves nothing for either, and in a small mesh nobody would be blamed.
"""

PROVED = 2
"""Partners of a small mesh that must be good elsewhere."""


@dataclass(frozen=True)
class Link:
    """A cell with a destination whose state is known."""

    key: CellKey
    bad: bool


@dataclass(frozen=True)
class Blame:
    """What an endpoint is blamed for."""

    role: Role
    links: frozenset[CellKey]
    """The bad links that led to it; empty: its own check did."""


def blame(links: Iterable[Link], down: Iterable[str]) -> dict[str, Blame]:
    """Say which endpoints are broken.

    Args:
        links: Links that were measured and are in no maintenance.
        down: Endpoints whose own check alone is critical.
    """
    by_protocol: dict[str | None, list[Link]] = {}
    for link in links:
        if link.key.destination is not None:
            by_protocol.setdefault(link.key.protocol, []).append(link)
    own = frozenset(down)
    found = {name: Blame("both", frozenset()) for name in sorted(own)}
    for protocol in sorted(by_protocol, key=str):
        for name, fault in _of_protocol(by_protocol[protocol], own).items():
            found[name] = _both(found[name], fault) if name in found else fault
    return found


def _both(one: Blame, other: Blame) -> Blame:
    return Blame(one.role if one.role == other.role else "both", one.links | other.links)


def _of_protocol(links: list[Link], down: frozenset[str]) -> dict[str, Blame]:
    if not any(link.bad for link in links):
        return {}
    board = _Board(links, down)
    found: dict[str, Blame] = {}
    while True:
        worst = board.worst()
        if worst is None:
            return found
        name, role = worst
        fault = Blame(role, board.take(name, role))
        found[name] = _both(found[name], fault) if name in found else fault


class _Board:
    """Links that are not yet explained, and the counts of each endpoint and role."""

    def __init__(self, links: list[Link], down: frozenset[str]) -> None:
        self._left = {
            link.key: link.bad for link in links if link.key.source not in down and link.key.destination not in down
        }
        self._count: Counter[tuple[str, Role]] = Counter()
        self._bad: Counter[tuple[str, Role]] = Counter()
        for key, bad in self._left.items():
            self._add(key, 1, bad)
        self._links = links
        self._good: set[tuple[str, Role]] = set()
        """Who works with anybody in which role; explained links still tell."""
        for link in links:
            if not link.bad:
                self._good |= {(link.key.source, "source"), (str(link.key.destination), "destination")}

    def _add(self, key: CellKey, count: int, bad: bool) -> None:
        for side in _sides(key):
            self._count[side] += count
            self._bad[side] += count * bad

    def take(self, name: str, role: Role) -> frozenset[CellKey]:
        """Take the links of an endpoint away; its bad ones are returned."""
        mine = [key for key in self._left if (name, role) in _sides(key)]
        bad = frozenset(key for key in mine if self._left[key])
        for key in mine:
            self._add(key, -1, self._left.pop(key))
        return bad

    def worst(self) -> tuple[str, Role] | None:
        """The endpoint and role to blame next: both roles first, then the highest share, the most links, the name."""
        candidates = [
            (role != "both", -self._share(name, role), -self._bad[name, role], name, role)
            for (name, role), bad in self._bad.items()
            if bad >= 2 and self._to_blame(name, role)
        ]
        return min(candidates)[3:] if candidates else None

    def _share(self, name: str, role: Role) -> float:
        links = self._count[name, role]
        return (self._bad[name, role] - 1) / (links if role == "both" else links - 1)

    def _to_blame(self, name: str, role: Role) -> bool:
        links = self._count[name, role]
        if role == "both" or links >= SMALL:
            return self._share(name, role) > SHARE and self._others_work(name)
        proved = [partner for partner in self._partners(name, role) if partner in self._good]
        return self._bad[name, role] == links and len(proved) >= PROVED

    def _others_work(self, name: str) -> bool:
        """Whether a link without an endpoint is good, or there is no such link.

        Where nothing works with anybody, all are alike: whoever is blamed first would be so for its name.
        """
        alone = True
        for link in self._links:
            if name not in (link.key.source, link.key.destination):
                alone = False
                if not link.bad:
                    return True
        return alone

    def _partners(self, name: str, role: Role) -> list[tuple[str, Role]]:
        """The other end of each link of an endpoint in a role, with the role that it has there."""
        if role == "source":
            return [(str(key.destination), "destination") for key in self._left if key.source == name]
        return [(key.source, "source") for key in self._left if key.destination == name]


def _sides(key: CellKey) -> tuple[tuple[str, Role], ...]:
    source, destination = key.source, str(key.destination)
    return (source, "source"), (destination, "destination"), (source, "both"), (destination, "both")
