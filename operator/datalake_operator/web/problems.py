"""Pure: what is wrong, worst first, each once: what an endpoint explains is not told again for each of its links."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from datalake_operator.web import words
from datalake_operator.web.probe import OF_STORAGE, Probe, present

Row = Mapping[str, Any]

_FEW = 3
"""So many checks of a probe that are unknown for the same reason are told one by one; more are told together."""

_AS = {"source": " as a source", "destination": " as a destination"}
"""In which role alone an endpoint is broken: what it does with others in the other one is sound."""

_WRONG = ("critical", "warning", "unknown")


def problems(probes: Sequence[Probe], caches: Sequence[Row], servers: Sequence[Row]) -> list[dict[str, Any]]:
    """Give what is wrong: kind, state, subject, phrase, since, and what opens its details.

    `kind` is central, endpoint, link, target, cache, server or probe.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for problem in (*_of_probes(probes), *_of_operands("cache", caches), *_of_operands("server", servers)):
        key: tuple[str, ...] = (problem["kind"], problem["namespace"], problem["subject"])
        if problem["kind"] == "probe":  # several things may be the matter with one
            key = (*key, problem["phrase"])
        known = found.get(key)
        found[key] = problem if known is None else _joined(known, problem)
    return sorted(found.values(), key=_order)


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Give what two probes, protocols or roles say of the same thing: the worse, since the earlier where they agree."""
    first, second = sorted((one, other), key=lambda problem: words.rank(problem["state"]))
    if first["state"] != second["state"]:
        return first
    since = min((one["since"] for one in (first, second) if "since" in one), default=None)
    return {**first, "protocols": sorted({*first["protocols"], *second["protocols"]}), **present(since=since)}


_OF_CELLS = ("endpoint", "link", "target")
"""Kinds of problems that have details of their own."""

_KINDS = ("central", "endpoint", "server", "cache", "link", "target", "probe")


def _order(problem: Mapping[str, Any]) -> tuple[Any, ...]:
    place = _KINDS.index(problem["kind"])
    return words.rank(problem["state"]), place, problem.get("since", ""), problem["namespace"], problem["subject"]


def _of_probes(probes: Iterable[Probe]) -> Iterator[dict[str, Any]]:
    for probe in probes:
        if not probe.shown:  # a warning, so that not all is well
            yield _problem("probe", "warning", probe, probe.name, words.UNSHOWN, {})
            continue
        if probe.central is not None:
            yield _problem("central", "unknown", probe, "The operator's own network", "is at fault", probe.central)
            continue
        ready = probe.facts.get("ready") or {}
        if ready.get("status") == "False" and not probe.facts.get("suspended"):
            yield _problem("probe", "warning", probe, probe.name, f": {ready['message']}", ready)
        yield from _of_endpoints(probe)
        yield from _of_cells(probe)


def _of_endpoints(probe: Probe) -> Iterator[dict[str, Any]]:
    for endpoint in _blamed(probe):
        if endpoint["state"] in ("critical", "warning"):
            as_what = _AS.get(endpoint["role"], "")
            phrase = f"{words.phrase(endpoint.get('reason'))}{as_what}".strip()
            yield _problem("endpoint", endpoint["state"], probe, endpoint["name"], phrase, endpoint)


def _blamed(probe: Probe) -> Iterator[Mapping[str, Any]]:
    """Give the endpoints of storage; single targets of other probes are told as checks, with their protocols."""
    return iter(probe.blamed if probe.type in OF_STORAGE else ())


def _of_cells(probe: Probe) -> Iterator[dict[str, Any]]:
    blamed = {role: _states(_blamed(probe), role) for role in ("source", "destination")}
    left = [cell for cell in probe.cells if cell["state"] in _WRONG and not _explained(cell, blamed)]
    unknown = Counter(cell.get("reason") for cell in left if cell["state"] == "unknown")
    together = {reason for reason, number in unknown.items() if number > _FEW}
    for cell in left:
        if cell["state"] != "unknown" or cell.get("reason") not in together:
            yield _of_cell(probe, cell)
    for reason in sorted(together, key=str):
        first = min(
            (one for one in left if one["state"] == "unknown" and one.get("reason") == reason),
            key=lambda one: one.get("since", ""),
        )
        phrase = words.phrase(reason) or words.STATES["unknown"].word
        yield _problem("probe", "unknown", probe, probe.name, f": {unknown[reason]} checks, each {phrase}", first)


def _of_cell(probe: Probe, cell: Mapping[str, Any]) -> dict[str, Any]:
    source, destination = cell["source"], cell.get("destination")
    if destination is None:
        return _problem("target", cell["state"], probe, source, None, cell)
    return _problem("link", cell["state"], probe, f"{source} → {destination}", None, cell)


def _states(blamed: Iterable[Mapping[str, Any]], role: str) -> dict[str, str]:
    return {one["name"]: one["state"] for one in blamed if one["role"] in (role, "both")}


def _explained(cell: Mapping[str, Any], blamed: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether an endpoint that is named itself explains a cell: as bad as the cell, in the cell's role."""
    if cell["state"] not in ("critical", "warning"):
        return False
    if "destination" not in cell:
        said = [blamed[role].get(cell["source"]) for role in blamed]
    else:
        said = [blamed[role].get(cell[role]) for role in blamed]
    return any(_explains(one, cell["state"]) for one in said)


def _explains(blame: str | None, state: str) -> bool:
    return blame is not None and words.rank(blame) <= words.rank(state)


def _problem(
    kind: str, state: str, probe: Probe, subject: str, phrase: str | None, said: Mapping[str, Any]
) -> dict[str, Any]:
    return present(
        kind=kind,
        state=state,
        namespace=probe.namespace,
        subject=subject,
        phrase=words.phrase(said.get("reason")) if phrase is None else phrase,
        reason=said.get("reason"),
        message=said.get("message") if kind == "central" else None,
        since=said.get("since"),
        probe=probe.name,
        protocols=[said["protocol"]] if said.get("protocol") and kind in _OF_CELLS else [],
        source=said.get("source", subject) if kind in _OF_CELLS else None,
        destination=said.get("destination") if kind in _OF_CELLS else None,
        site=probe.sites.get(subject),
    )


def _of_operands(kind: str, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row["state"] in _WRONG:
            yield present(
                kind=kind,
                state=row["state"],
                namespace=row["namespace"],
                subject=row["name"],
                phrase=row["word"],
                message=row.get("message"),
                since=row.get("since"),
                protocols=[],
            )
