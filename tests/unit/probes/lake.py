"""A small lake whose runs are told, not measured."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from datalake_operator.probes import limits
from datalake_operator.probes.model import CellKey, Run, Sample, Verdict, Watch, Window
from datalake_operator.probes.verdict import verdict

START = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=15)
STALE = 2.5 * STEP
GOOD = Sample("ok")
CONTROL = {"cluster-dns": True, "api-server": True}

ONE = CellKey("CERN")


def bad(reason: str = "Refused") -> Sample:
    return Sample("bad", reason)


def skipped(reason: str = "EarlierStepFailed") -> Sample:
    return Sample("skipped", reason)


def unknown(reason: str = "NotMeasured") -> Sample:
    return Sample("unknown", reason)


SAMPLES = {"o": GOOD, "x": bad(), "-": skipped(), "?": unknown()}


def mesh(names: Sequence[str], protocol: str = "root") -> tuple[CellKey, ...]:
    """Own checks first, then the pairs."""
    own = tuple(CellKey(name, None, protocol) for name in names)
    return own + tuple(CellKey(one, two, protocol) for one in names for two in names if one != two)


def watch(keys: Iterable[CellKey] = (ONE,), kind: str = "transfer", **rules: Any) -> Watch:
    rules.setdefault("limits", limits.of(kind))
    return Watch(tuple(keys), STALE, **rules)


def run(number: int, samples: Mapping[CellKey, Sample], **more: Any) -> Run:
    """The run of a moment: the n-th of a schedule of 15 minutes."""
    start = START + number * STEP
    more.setdefault("control", CONTROL)
    return Run(f"run-{number}", start, start + timedelta(minutes=2), samples, **more)


def runs(text: str, key: CellKey = ONE, first: int = 0) -> list[Run]:
    """Runs of one cell, one by character of `SAMPLES`."""
    return [run(first + number, {key: SAMPLES[sign]}) for number, sign in enumerate(text)]


def after(found: Sequence[Run]) -> datetime:
    """The moment at which the last of them has ended."""
    return max(one.end or one.start for one in found)


def judged(rules: Watch, found: Sequence[Run], before: Mapping[str, Any] | None = None) -> Verdict:
    """Take all runs in, one by one, as they end."""
    fields = before or {}
    result = verdict(rules, fields, (), START)
    for one in sorted(found, key=lambda run: run.start):
        result = verdict(rules, fields, (one,), after([one]))
        fields = result.fields
    return result


def cell(result: Verdict, key: CellKey = ONE) -> Mapping[str, Any]:
    """What status says of one cell."""
    return next(
        entry
        for entry in result.fields["cells"]
        if CellKey(entry["source"], entry.get("destination"), entry.get("protocol")) == key
    )


def state(text: str, **rules: Any) -> str:
    """State of a single cell after some runs."""
    return str(cell(judged(watch(**rules), runs(text)))["state"])


def states(result: Verdict) -> dict[CellKey, str]:
    """State of every cell."""
    return {
        CellKey(entry["source"], entry.get("destination"), entry.get("protocol")): entry["state"]
        for entry in result.fields["cells"]
    }


def blamed(result: Verdict) -> dict[str, tuple[str, str]]:
    """Role and reason of the endpoints that are critical."""
    return {
        entry["name"]: (entry["role"], entry["reason"])
        for entry in result.fields.get("endpoints", ())
        if entry["state"] == "critical"
    }


def window(*endpoints: str, begin: int = 0, end: int = 100, sites: Iterable[str] = ()) -> Window:
    """Maintenance from one moment of the schedule to another."""
    return Window("m", START + begin * STEP, START + end * STEP, frozenset(endpoints), frozenset(sites))
