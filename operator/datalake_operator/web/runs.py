"""Pure: the last runs of a cell, with their times."""

from collections.abc import Mapping
from typing import Any

from datalake_operator.probes import marks
from datalake_operator.web import words
from datalake_operator.web.probe import present

_SHOWN = {
    "ok": ("ok", "good"),
    "warning": ("warning", "good, and beyond a limit"),
    "critical": ("critical", "far beyond a limit"),
    "bad": ("critical", "failed"),
    "skipped": ("skipped", "not tried"),
    "unknown": ("unknown", "not measured"),
    "maintenance": ("maintenance", "failed in planned work"),
}
"""Each of `marks.WORDS` but notrun: the state that it is shown as, and what it is called."""


def runs(cell: Mapping[str, Any], status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the runs of a cell, newest first: state, word, why, and time where status has it.

    Runs and the entries of `status.runs` are aligned at the newest. Those that the cell had no part in are left out.
    """
    times = [one.get("time") for one in status.get("runs", ())]
    found = []
    for place, past in enumerate(reversed(marks.runs(cell)), start=1):
        if past.word in _SHOWN:
            state, word = _SHOWN[past.word]
            time = times[-place] if place <= len(times) else None
            found.append(present(state=state, word=word, why=words.phrase(past.reason) or None, time=time))
    return found
