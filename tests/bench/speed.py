"""How fast a cache is: reads through the configuration that the operator renders beside reads of the bare origin.

Ratios in one run; every time is the best of a few, since tests share their machine. Needs root and buildah, as the
image's own tests do.
"""

from collections.abc import Iterator

from images import engines
from tests.bench.budgets import Figure
from tests.bench.speed_lab import MIB, Site, site
from tests.images import lab as labs

REPEATS = 5
NEAR, FAR = 256 * MIB, 128 * MIB
"""Sizes of the files: without a line, and over one."""

ROUND_TRIPS = (0.050, 0.150)
"""Seconds, to the origin."""

COLD, HOT = 1.5, 1.0
"""Most that a read through the cache may take, in reads of the origin."""

NOISE = 0.1
"""Two equal reads differ by so much."""


def missing() -> str:
    """Why it cannot be measured here; empty when it can."""
    return labs.missing() or ("" if engines.find().name == "buildah" else "the image is run from buildah's storage")


def speed() -> Iterator[Figure]:
    """Cold and hot reads over root and HTTP, from an origin beside the cache and from far ones."""
    yield from _near()
    for round_trip in ROUND_TRIPS:
        yield from _far(round_trip)


def _near() -> Iterator[Figure]:
    """Without a line the origin's HTTP costs no time, and the cache always reads by root: no budget for that pair."""
    with site(NEAR, _names(), 0) as found:
        best = {protocol: _best(found, protocol) for protocol in ("root", "http")}
    origin = best["root"][0]
    for protocol, (direct, cold, hot) in best.items():
        yield Figure(f"cold read, {protocol}, over the origin's root", cold / origin, "", COLD)
        yield Figure(f"hot read, {protocol}, over the origin's {protocol}", hot / direct, "", HOT + NOISE)
    direct, cold, _ = best["http"]
    yield Figure("cold read, http, over the origin's http", cold / direct)


def _far(round_trip: float) -> Iterator[Figure]:
    with site(FAR, _names(), round_trip) as found:
        for protocol in ("root", "http"):
            direct, cold, hot = _best(found, protocol)
            where = f"{protocol}, {1000 * round_trip:g} ms away"
            yield Figure(f"direct read, {where}", direct, "s")
            yield Figure(f"cold read over direct, {where}", cold / direct, "", COLD)
            yield Figure(f"hot read over direct, {where}", hot / direct, "", HOT + NOISE)


def _names() -> list[str]:
    return [f"{protocol}-{number}" for protocol in ("root", "http") for number in range(REPEATS)]


def _best(found: Site, protocol: str) -> tuple[float, float, float]:
    """Seconds of a direct, a cold and a hot read. The three of a round follow each other, each round has its file."""
    rounds = []
    for number in range(REPEATS):
        path = f"/escape/{protocol}-{number}"
        urls = (found.origin[protocol] + path, found.cache[protocol] + path, found.cache[protocol] + path)
        rounds.append([found.seconds(url) for url in urls])
    direct, cold, hot = map(min, zip(*rounds, strict=True))
    return direct, cold, hot
