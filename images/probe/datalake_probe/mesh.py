"""Which pairs of endpoints this run copies between, in which order, and how many at once. Pure but for `Slots`."""

import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from datalake_probe.outcome import Cell
from datalake_probe.plan import Plan, Turn

log = logging.getLogger(__name__)

# A CronJob names its Jobs after the minute that they were due, in minutes since 1970.
_SCHEDULED = re.compile(r"-(\d{8})")


class Pair(NamedTuple):
    """Two endpoints and the protocols that both have."""

    source: str
    destination: str
    protocols: tuple[str, ...]


class Link(NamedTuple):
    """A pair over a protocol."""

    source: str
    destination: str
    protocol: str

    @property
    def cell(self) -> Cell:
        """Its cell in the grid."""
        return Cell(self.source, self.destination, self.protocol)


def due(plan: Plan) -> list[Link]:
    """Return the links of this run and pod, in the order in which they are tried.

    At step k source i writes to destination i + k: no endpoint is crowded. Where pairs take turns, those of a turn
    follow each other in that order, so that every endpoint has its share of each turn.
    """
    pairs = diagonal(_pairs(plan))
    groups = plan.section["rotation"]["groups"]
    group = int(due_at(plan.turn) // plan.section["rotation"]["periodSeconds"]) % groups
    mine = pairs[len(pairs) * group // groups : len(pairs) * (group + 1) // groups]
    source = own_source(plan)
    return [
        Link(pair[0], pair[1], protocol) for pair in mine if source is None or pair[0] == source for protocol in pair[2]
    ]


def diagonal(pairs: Sequence[Pair]) -> list[Pair]:
    """Order pairs so that those next to each other have different sources and different destinations."""
    sources = {name: number for number, name in enumerate(dict.fromkeys(pair.source for pair in pairs))}
    destinations = {name: number for number, name in enumerate(dict.fromkeys(pair.destination for pair in pairs))}

    def step(pair: Pair) -> tuple[int, int]:
        source = sources[pair.source]
        return (destinations[pair.destination] - source) % len(destinations), source

    return sorted(pairs, key=step)


def due_at(turn: Turn) -> float:
    """Return when a run was due, the same for all pods of a Job however late they begin (Unix time)."""
    found = _SCHEDULED.search(turn.run[-9:])
    return int(found[1]) * 60.0 if found else turn.begun


def own_source(plan: Plan) -> str | None:
    """Return the source that this pod serves; None: all of them."""
    if not plan.section["indexed"]:
        return None
    return str(plan.section["sources"][plan.turn.index or 0])


def reported(plan: Plan) -> list[Cell]:
    """Return the endpoints, over each protocol of any of their pairs, whose own check this pod reports.

    Of the pods of an indexed Job each reports its source, and the endpoints that are destinations only are shared out.
    """
    sources, source = list(plan.section["sources"]), own_source(plan)
    found: dict[Cell, None] = {}
    for pair in _pairs(plan):
        for protocol in pair.protocols:
            found |= {Cell(pair.source, None, protocol): None, Cell(pair.destination, None, protocol): None}
    if source is None:
        return list(found)
    others = [name for name in dict.fromkeys(cell.source for cell in found) if name not in sources]
    mine = {source, *others[sources.index(source) :: len(sources)]}
    return [cell for cell in found if cell.source in mine]


def _pairs(plan: Plan) -> list[Pair]:
    return [Pair(source, destination, tuple(protocols)) for source, destination, protocols in plan.section["pairs"]]


class Slots:
    """Does links at the same time: so many in all, so many of one endpoint, the earlier ones first."""

    def __init__(self, links: Sequence[Link], at_once: int, of_one: int) -> None:
        self._waiting = list(links)
        self._at_once, self._of_one = at_once, of_one
        self._busy: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._rounds = self._left()

    def do(self, work: Callable[[Link], object]) -> None:
        """Do all; returns when the last is done."""
        threads = [threading.Thread(target=self._serve, args=(work,), daemon=True) for _ in range(self._at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def share(self, seconds: float) -> float:
        """Return how much of the seconds that are left one link may take, so that those that wait get as much."""
        with self._changed:
            return seconds / self._left()

    def least(self, seconds: float) -> float:
        """Return what one link must have to be judged, of the seconds that all were to have: half its share of them."""
        return seconds / self._rounds / 2

    def _left(self) -> int:
        return -(-len(self._waiting) // self._at_once) + 1

    def _serve(self, work: Callable[[Link], object]) -> None:
        while (link := self._take()) is not None:
            try:
                work(link)
            except Exception:
                log.exception("a fault of the runner's own")  # the link stays unmeasured, and its place is free again
            finally:
                with self._changed:
                    self._busy.subtract({link.source, link.destination})
                    self._changed.notify_all()

    def _take(self) -> Link | None:
        with self._changed:
            while self._waiting:
                for link in self._waiting:
                    if all(self._busy[name] < self._of_one for name in link[:2]):
                        self._waiting.remove(link)
                        self._busy.update({link.source, link.destination})
                        return link
                self._changed.wait()
        return None
