"""Pure: what is wrong, worst first, each once: what an endpoint explains is not told again for each of its links."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from datalake_operator.web import words
from datalake_operator.web.probe import Probe, blamed_as, present

Row = Mapping[str, Any]

_WRONG = ("critical", "warning", "unknown")


def problems(probes: Sequence[Probe], caches: Sequence[Row], servers: Sequence[Row]) -> list[dict[str, Any]]:
    """Give what is wrong: kind, state, subject, phrase, since, and what opens its details.

    `kind` is central, endpoint, link, target, cache, server or probe.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for problem in (*_of_probes(probes), *_of_operands("cache", caches), *_of_operands("server", servers)):
        key = (problem["kind"], problem["namespace"], problem["subject"])
        known = found.get(key)
        found[key] = problem if known is None else _joined(known, problem)
    return sorted(found.values(), key=_order)


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Give what two probes, protocols or roles say of the same thing: the worse, since the earlier where they agree."""
    first, second = sorted((one, other), key=lambda problem: words.rank(problem["state"]))
    joined = {**first, "protocols": sorted({*first["protocols"], *second["protocols"]})}
    if first["state"] == second["state"] and "since" in first and "since" in second:
        joined["since"] = min(first["since"], second["since"])
    return joined


_KINDS = ("central", "endpoint", "server", "cache", "link", "target", "probe")


def _order(problem: Mapping[str, Any]) -> tuple[Any, ...]:
    place = _KINDS.index(problem["kind"])
    return words.rank(problem["state"]), place, problem.get("since", ""), problem["namespace"], problem["subject"]


def _of_probes(probes: Iterable[Probe]) -> Iterator[dict[str, Any]]:
    for probe in probes:
        if probe.central is not None:
            yield _problem("central", "unknown", probe, "The operator's own network", "is at fault", probe.central)
            continue
        ready = probe.facts.get("ready") or {}
        if ready.get("status") == "False" and not probe.facts.get("suspended"):
            yield _problem("probe", "warning", probe, probe.name, f"does not run: {ready['message']}", ready)
        for endpoint in probe.blamed:
            if endpoint["state"] in ("critical", "warning"):
                yield _problem("endpoint", endpoint["state"], probe, endpoint["name"], None, endpoint)
        yield from _of_cells(probe)


def _of_cells(probe: Probe) -> Iterator[dict[str, Any]]:
    sources = {one["name"]: one["state"] for one in blamed_as(probe, "source", "both")}
    destinations = {one["name"]: one["state"] for one in blamed_as(probe, "destination", "both")}
    blamed = {one["name"]: one["state"] for one in probe.blamed}
    for cell in probe.cells:
        state, source, destination = cell["state"], cell["source"], cell.get("destination")
        if state not in _WRONG:
            continue
        if destination is None:
            explained = _explains(blamed.get(source), state)
        else:
            explained = _explains(sources.get(source), state) or _explains(destinations.get(destination), state)
        if not explained:
            kind, subject = ("target", source) if destination is None else ("link", f"{source} → {destination}")
            yield _problem(kind, state, probe, subject, None, cell)


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
        protocols=[said["protocol"]] if said.get("protocol") else [],
        source=said.get("source", subject) if kind in ("endpoint", "target", "link") else None,
        destination=said.get("destination"),
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
