"""Pure: the one sentence at the top of the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from datalake_operator.web import words
from datalake_operator.web.probe import Probe

Row = Mapping[str, Any]

_NAMED = 3
"""So many of a kind are named; of the rest only the number is told."""

_BROKEN = {
    "endpoint": ("endpoint broken", "endpoints broken"),
    "server": ("Rucio server not ready", "Rucio servers not ready"),
    "cache": ("cache not ready", "caches not ready"),
    "link": ("link broken", "links broken"),
    "target": ("check failed", "checks failed"),
}


def headline(
    wrong: Sequence[Row], probes: Sequence[Probe], caches: Sequence[Row], servers: Sequence[Row]
) -> dict[str, Any]:
    """Give the sentence as `state`, `text` (times in UTC) and `parts`: each a `text` or a `time`.

    Args:
        wrong: what `problems` found, worst first.
        probes: all probes.
        caches: all caches.
        servers: all Rucio servers.
    """
    state, parts = _sentence(wrong, probes, caches, servers)
    return {"state": state, "text": "".join(part.get("text") or utc(part["time"]) for part in parts), "parts": parts}


def utc(time: str) -> str:
    """Give an RFC 3339 time in UTC as the page writes it where it does not know the reader's time zone."""
    return f"{time[:10]} {time[11:16]} UTC"


def _sentence(
    wrong: Sequence[Row], probes: Sequence[Probe], caches: Sequence[Row], servers: Sequence[Row]
) -> tuple[str, list[dict[str, str]]]:
    central = [problem for problem in wrong if problem["kind"] == "central"]
    critical = [problem for problem in wrong if problem["state"] == "critical"]
    warnings = sum(problem["state"] == "warning" for problem in wrong)
    cells = [cell["state"] for probe in probes for cell in probe.cells]
    fresh = sum(state in ("ok", "warning", "critical") for state in cells)
    unknown = cells.count("unknown")
    mute = sum(problem["state"] == "unknown" and problem["kind"] in ("cache", "server") for problem in wrong)
    if central and not fresh:
        return "unknown", [
            {"text": "Nothing can be judged: the network of the operator itself is at fault"},
            *_since(central[0]),
        ]
    if critical:
        return "critical", _broken(critical)
    if not probes and not caches and not servers:
        return "notrun", [{"text": "Nothing is watched yet: there is no QoSProbe, XCacheNode or RucioServer."}]
    if unknown and not fresh:
        return "unknown", [{"text": "Nothing is known: no check has a fresh result."}]
    if warnings or unknown or mute:
        told = [words.count(warnings, "warning")] if warnings else []
        told += [f"{words.count(unknown, 'check')} without a fresh result"] if unknown else []
        told += [f"{words.count(mute, 'cache or server', 'caches or servers')} not judged yet"] if mute else []
        calm = "Nothing is broken" if fresh or not probes else "Nothing is known yet"
        return ("warning" if warnings else "unknown"), [{"text": f"{calm}; {_and(told)}."}]
    return _calm(cells, caches, servers)


def _and(told: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(told[:-1]), told[-1]) if part)


def _calm(cells: Sequence[str], caches: Sequence[Row], servers: Sequence[Row]) -> tuple[str, list[dict[str, str]]]:
    good, planned = cells.count("ok"), cells.count("maintenance")
    if good:
        rest = f"; {planned} in maintenance" if planned else ""
        return "ok", [{"text": f"All is well: {words.count(good, 'check')} ok{rest}."}]
    if planned:
        return "maintenance", [{"text": f"Planned work: {words.count(planned, 'check')} in maintenance."}]
    if cells:
        return "notrun", [{"text": "No run has ended yet: first results come with the next runs."}]
    if any(row["state"] == "ok" for row in (*caches, *servers)):
        return "ok", [{"text": "Caches and servers are ready; nothing is probed yet."}]
    return "notrun", [{"text": "Nothing is probed yet."}]


def _broken(critical: Sequence[Row]) -> list[dict[str, str]]:
    """Tell what is broken: of the kind that matters most with reasons, of the others only names."""
    parts: list[dict[str, str]] = []
    for kind, (one, many) in _BROKEN.items():
        of_kind = [problem for problem in critical if problem["kind"] == kind]
        if not of_kind:
            continue
        first = not parts
        parts.append({"text": f"{'' if first else '. '}{words.count(len(of_kind), one, many)}: "})
        for place, problem in enumerate(of_kind[:_NAMED]):
            parts.append({"text": f"{_between(place, first)}{problem['subject']}"})
            if first:
                parts.append({"text": f", {problem['phrase']}" if problem.get("phrase") else ""})
                parts += _since(problem)
        if len(of_kind) > _NAMED:
            parts.append({"text": f" and {len(of_kind) - _NAMED} more"})
    return [part for part in parts if part.get("text") != ""]


def _between(place: int, first: bool) -> str:
    return "" if not place else "; " if first else ", "


def _since(problem: Row) -> list[dict[str, str]]:
    return [{"text": " since "}, {"time": problem["since"]}] if problem.get("since") else []
