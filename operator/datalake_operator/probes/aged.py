"""What is left to say of results by whose rules nobody knows any more: they get stale, and nothing else changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from datalake_operator.probes.health import health
from datalake_operator.probes.model import Verdict, Watch
from datalake_operator.probes.verdict import key_of, summary, verdict, worst

Entry = Mapping[str, Any]


def aged(watch: Watch, before: Mapping[str, Any], now: datetime) -> Verdict:
    """Let the clock speak alone: by limits and maintenance that are not known nothing may turn green or red.

    Args:
        watch: The cells and the ages at which they are stale; nothing else of it counts.
        before: `status` as the API server holds it.
        now: The clock.
    """
    judged = verdict(watch, before, (), now)
    olds = {key_of(cell): cell for cell in before.get("cells") or ()}
    cells = [cell if cell.get("reason") == "Stale" else olds[key_of(cell)] for cell in judged.fields["cells"]]
    sick = _endpoints(cells, before.get("endpoints") or (), judged.fields.get("endpoints") or ())
    fields = {**judged.fields, "state": worst(cells), "summary": summary(cells), "cells": cells, "endpoints": sick}
    if not sick:
        del fields["endpoints"]
    control = {str(entry["name"]): bool(entry["ok"]) for entry in before.get("control") or ()}
    return replace(judged, fields=fields, healthy=health(cells, sick, control))


def _endpoints(cells: Iterable[Entry], olds: Sequence[Entry], judged: Sequence[Entry]) -> list[Entry]:
    """What was said of those with a cell that is not stale; of the others that they are not known any more."""
    fresh = {name for cell in cells if cell.get("reason") != "Stale" for name in key_of(cell)[:2]}
    kept = [entry for entry in olds if entry["name"] in fresh]
    kept += [entry for entry in judged if entry["name"] not in fresh]
    return sorted(kept, key=lambda entry: str(entry["name"]))
