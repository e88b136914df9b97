"""What one run says of every cell: one mark each."""

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence

from datalake_operator.probes import limits, marks
from datalake_operator.probes.maintenance import covering
from datalake_operator.probes.model import CLUSTER_DNS, CellKey, Limit, Run, Sample, Watch
from datalake_operator.probes.reasons import BY_LETTER, letter

_SCHEDULED = re.compile(r"-(\d{8})", re.ASCII)
"""End of the name of a CronJob's Job: when it was due, in minutes since 1970. The runner reads it too (mesh.py)."""

_EXCUSED = frozenset((marks.BAD, marks.SLOW, marks.WARN))


def central(samples: Mapping[CellKey, Sample], control: Mapping[str, bool]) -> bool:
    """Whether a run found our own side broken: nothing is good, and a control check fails. Never by numbers alone."""
    return not all(control.values()) and not any(sample.result == "ok" for sample in samples.values())


def column(run: Run, keys: Sequence[CellKey], watch: Watch) -> list[str]:
    """The mark of each cell.

    Args:
        run: One run.
        keys: The cells.
        watch: Limits, maintenance, and whether pairs take turns.
    """
    if not run.problem and central(run.samples, run.control):
        lost = marks.UNKNOWN + letter("CentralFault", "CentralFault")
        return [lost if key in run.samples or not _takes_turns(key, watch) else marks.NOTHING for key in keys]
    figures = tuple(limit for limit in watch.limits if limit.measurement != limits.SUCCESS)
    lost_names = run.control.get(CLUSTER_DNS) is False
    samples = {} if run.problem else run.samples
    due = _due(run, watch)
    found = []
    last, mark = None, marks.FINE
    for key, sample in zip(keys, map(samples.get, keys), strict=True):
        if sample is None:
            found.append(_absent(run, key, watch, due))
            continue
        if sample is not last:  # one sample may stand for many cells
            last, mark = sample, _mark(sample, figures, lost_names=lost_names)
        found.append(mark)
    cover = covering(watch, run.start, run.end or run.start)
    if cover:
        found = [
            marks.EXCUSED + mark[1] if mark[0] in _EXCUSED and cover.of(key) else mark
            for key, mark in zip(keys, found, strict=True)
        ]
    return found


def _takes_turns(key: CellKey, watch: Watch) -> bool:
    """Whether it may not have been the cell's turn: then a run that does not speak of it says nothing."""
    return key.destination is not None and watch.pair_stale_after is not None


def _due(run: Run, watch: Watch) -> frozenset[tuple[str, str | None]]:
    """The pairs whose turn it was; none where all are in each run, or where only the runner knew: somebody asked."""
    found, turns = _SCHEDULED.fullmatch(run.id[-9:]), watch.turns
    if found is None or turns is None:
        return frozenset()
    group = int(found[1]) * 60 // turns.period % turns.groups
    return frozenset(pair for pair, its in turns.of.items() if its == group)


def _absent(run: Run, key: CellKey, watch: Watch, due: Container[tuple[str, str | None]]) -> str:
    """A cell that the run does not speak of."""
    reason = run.problem or run.missing.get(key.source)
    if run.interrupted or (reason is None and watch.open):
        return marks.NOTHING
    if _takes_turns(key, watch) and (reason is None or key[:2] not in due):
        return marks.NOTHING
    return marks.UNKNOWN + letter(reason or "NotMeasured", "RunnerFailed")


def _mark(sample: Sample, figures: tuple[Limit, ...], *, lost_names: bool) -> str:
    if sample.result == "ok":
        return _good(sample, figures)
    if sample.result == "unknown":
        return marks.UNKNOWN + letter(sample.reason, "NotMeasured")
    if lost_names and sample.reason == "NameNotFound":  # our own DNS is down: that says nothing of the endpoint
        return marks.UNKNOWN + letter("CentralFault", "CentralFault")
    if sample.result == "skipped":
        return marks.SKIPPED + letter(sample.reason, "EarlierStepFailed")
    return marks.BAD + letter(sample.reason, "Failed")


def _good(sample: Sample, figures: tuple[Limit, ...]) -> str:
    found = limits.beyond(sample.measurements, figures) if sample.measurements else None
    if found is None:
        return marks.FINE
    return (marks.SLOW if found.level == "critical" else marks.WARN) + letter(found.reason, "OutsideLimits")


def outcome(run: Run, found: Mapping[str, int]) -> tuple[str, str | None]:
    """How a run ended (ok, bad, unknown or interrupted), and why it is not ok.

    Args:
        run: One run.
        found: How many cells have which mark.
    """
    if run.interrupted:
        return "interrupted", "Interrupted"
    if run.problem:
        return "unknown", run.problem
    for codes, word in ((marks.BAD + marks.SLOW, "bad"), (marks.UNKNOWN, "unknown")):
        counts: Counter[str] = Counter()
        for mark, count in found.items():
            if mark[0] in codes:
                counts[BY_LETTER.get(mark[1], "Failed")] += count
        if counts:
            return word, min(counts, key=lambda name: (-counts[name], name))
    return "ok", None
