"""The condition Healthy: what is the matter, in one sentence for the person on shift."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from datalake_operator.probes.model import HealthStatus
from datalake_operator.probes.reasons import REASONS as WHY

Health = tuple[HealthStatus, str, str]

REASONS: Mapping[str, str] = {
    "AllGood": "Every cell that can be judged is ok.",
    "EndpointsDown": "At least one endpoint is broken; the message names it.",
    "CellsCritical": "Something is critical, and no endpoint alone explains it: look at the links.",
    "Degraded": "Something comes and goes, is too slow, or has failed once.",
    "ResultsMissing": "Nothing is known to be broken, but for some cells there is no fresh result.",
    "CentralFault": "Our own side is broken: nothing works, and the control checks do not either.",
    "Maintenance": "All cells are in announced maintenance.",
    "NothingMeasured": "All cells were left out; there is nothing to judge.",
    "NotRun": "There is no result yet.",
}
"""Every reason of the condition Healthy."""

_NAMED = 3


def health(
    cells: Sequence[Mapping[str, Any]], endpoints: Sequence[Mapping[str, Any]], control: Mapping[str, bool]
) -> Health:
    """Say how a probe is.

    Args:
        cells: `status.cells`.
        endpoints: `status.endpoints`.
        control: Control checks of the last run by name.
    """
    states = Counter(cell["state"] for cell in cells)
    if states["critical"] or states["warning"]:
        return _bad(cells, endpoints, states)
    if states["unknown"]:
        return _unknown([cell for cell in cells if cell["state"] == "unknown"], len(cells), control)
    if states["ok"] and not states["notrun"]:
        return "True", "AllGood", f"All {states['ok']} cells that can be judged are ok"
    return _nothing(cells, states)


def _unknown(unknown: Sequence[Mapping[str, Any]], cells: int, control: Mapping[str, bool]) -> Health:
    if all(cell.get("reason") == "CentralFault" for cell in unknown):
        failed = ", ".join(sorted(name for name, ok in control.items() if not ok))
        fault = f"the control checks {failed} fail" if failed else "the control checks failed"
        return "Unknown", "CentralFault", f"Our own side is broken, {fault}: mend the cluster's DNS or network first"
    return "Unknown", "ResultsMissing", f"{_cells(len(unknown), cells)} not known: {_reasons(unknown)}"


def _nothing(cells: Sequence[Mapping[str, Any]], states: Counter[str]) -> Health:
    if states["ok"]:
        return "Unknown", "NotRun", f"{_cells(states['notrun'], len(cells))} not measured yet, the others are ok"
    if states["notrun"] or not cells:
        return "Unknown", "NotRun", "There is no result yet: wait for the first run"
    if states["maintenance"]:
        return "Unknown", "Maintenance", "All cells are in announced maintenance"
    return "Unknown", "NothingMeasured", f"All cells were left out: {_reasons(cells)}"


def _bad(cells: Sequence[Mapping[str, Any]], endpoints: Sequence[Mapping[str, Any]], states: Counter[str]) -> Health:
    down = [endpoint for endpoint in endpoints if endpoint["state"] == "critical"]
    if down:
        named = "; ".join(_endpoint(endpoint) for endpoint in down[:_NAMED])
        more = f"; and {len(down) - _NAMED} more" if len(down) > _NAMED else ""
        return "False", "EndpointsDown", f"{named}{more}"
    if states["critical"]:
        worst = [cell for cell in cells if cell["state"] == "critical"]
        return "False", "CellsCritical", f"{_cells(len(worst), len(cells))} critical: {_named(worst)}"
    worst = [cell for cell in cells if cell["state"] == "warning"]
    return "False", "Degraded", f"{_cells(len(worst), len(cells))} in warning: {_named(worst)}"


def _endpoint(endpoint: Mapping[str, Any]) -> str:
    doing = {"source": "reads badly", "destination": "writes badly"}.get(str(endpoint["role"]), "is down")
    reason = str(endpoint.get("reason"))
    why = WHY[reason].text.rstrip(".") if reason in WHY else "no reason is known"
    since = f", since {endpoint['since']}" if endpoint.get("since") else ""
    return f"{endpoint['name']} {doing}: {why} ({reason}{since})"


def _named(cells: Sequence[Mapping[str, Any]]) -> str:
    named = "; ".join(f"{_name(cell)} ({cell.get('reason')})" for cell in cells[:_NAMED])
    return named + (f"; and {len(cells) - _NAMED} more" if len(cells) > _NAMED else "")


def _name(cell: Mapping[str, Any]) -> str:
    to = f" to {cell['destination']}" if cell.get("destination") else ""
    by = f" by {cell['protocol']}" if cell.get("protocol") else ""
    return f"{cell['source']}{to}{by}"


def _reasons(cells: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(str(cell.get("reason")) for cell in cells)
    most = sorted(counts, key=lambda name: (-counts[name], name))[:_NAMED]
    return "; ".join(f"{WHY[name].text.rstrip('.')} ({name})" if name in WHY else name for name in most)


def _cells(count: int, of: int) -> str:
    return f"{count} of {of} cells {'is' if count == 1 else 'are'}"
