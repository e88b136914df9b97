"""Which endpoint is broken, when many cells are red: the fewest that explain the red ones, worst first.

Rules after CMS site support (`eval_fts.py`), with one bad link spared: an endpoint with one bad link of many is not
blamed, for the other end may be at fault.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from datalake_operator.probes.model import CellKey, Role

SHARE = 0.75
"""More of its links than this must be bad."""

SMALL = 5
"""Below so many links a share says little: all must be bad, and each partner good elsewhere."""


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
    good = _good_partners(links)
    left = {link.key: link.bad for link in links if link.key.source not in down and link.key.destination not in down}
    found: dict[str, Blame] = {}
    while True:
        worst = _worst(left, good)
        if worst is None:
            return found
        name, role = worst
        mine = {key for key in left if _takes_part(key, name, role)}
        fault = Blame(role, frozenset(key for key in mine if left[key]))
        found[name] = _both(found[name], fault) if name in found else fault
        for key in mine:
            del left[key]


def _takes_part(key: CellKey, name: str, role: Role) -> bool:
    return (role != "destination" and key.source == name) or (role != "source" and key.destination == name)


def _good_partners(links: Iterable[Link]) -> Mapping[tuple[str, Role], set[str]]:
    """With whom each endpoint works, by (endpoint, role)."""
    good: dict[tuple[str, Role], set[str]] = {}
    for link in links:
        if not link.bad:
            good.setdefault((link.key.source, "source"), set()).add(str(link.key.destination))
            good.setdefault((str(link.key.destination), "destination"), set()).add(link.key.source)
    return good


def _worst(left: Mapping[CellKey, bool], good: Mapping[tuple[str, Role], set[str]]) -> tuple[str, Role] | None:
    """The endpoint and role to blame next: both roles before one, then the highest share, the most links, the name."""
    count: Counter[tuple[str, Role]] = Counter()
    bad: Counter[tuple[str, Role]] = Counter()
    for key, is_bad in left.items():
        sides: tuple[tuple[str, Role], ...] = ((key.source, "source"), (str(key.destination), "destination"))
        for name, role in (*sides, *((name, "both") for name, _ in sides)):
            count[name, role] += 1
            bad[name, role] += is_bad
    candidates = [
        (role != "both", -_share(bad[name, role], count[name, role], role), -bad[name, role], name, role)
        for name, role in count
        if _to_blame(name, role, bad[name, role], count[name, role], left, good)
    ]
    return min(candidates)[3:] if candidates else None


def _share(bad: int, links: int, role: Role) -> float:
    return (bad - 1) / (links if role == "both" else links - 1)


def _to_blame(
    name: str,
    role: Role,
    bad: int,
    links: int,
    left: Mapping[CellKey, bool],
    good: Mapping[tuple[str, Role], set[str]],
) -> bool:
    if bad < 2:
        return False
    if role == "both" or links >= SMALL:
        return _share(bad, links, role) > SHARE
    if bad < links:
        return False
    mine = [key for key in left if _takes_part(key, name, role)]
    if role == "source":
        return all(good.get((str(key.destination), "destination"), set()) - {name} for key in mine)
    return all(good.get((key.source, "source"), set()) - {name} for key in mine)
