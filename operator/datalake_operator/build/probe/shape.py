"""How a run is spread over pods and over time, and what does not fit at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from datalake_operator.api.probe import QoSProbe, QoSProbeSpec
from datalake_operator.build.config import seconds
from datalake_operator.build.probe import budget, schedule, sizes
from datalake_operator.build.probe.budget import Rotation
from datalake_operator.build.probe.cells import CellKey, cells, in_use, pairs
from datalake_operator.build.probe.refusals import ProbeRefusal, in_time
from datalake_operator.build.probe.targets import Targets
from datalake_operator.build.refused import Refused

MOST_CELLS = 2048
"""Cells of a probe. 1,600 fill 400 KiB of status (specification), and etcd takes 1.5 MiB in one request."""

SUCCESS_RATIO = "success_ratio"
"""The measurement that is judged by counters of any age, not by remembered runs."""

MOST_RUNS = 64
"""Runs that are remembered of each cell (specification)."""

_LEAST_OF_A_POD = 10
"""Seconds that a pod needs to do anything."""

_POD_GRACE = 30
"""Seconds that a pod may live beyond the runner's deadline: to start, and to write its answer down."""

_JOB_GRACE = 60
"""Seconds that a Job may live beyond its pods': it deletes them, with what they said."""


@dataclass(frozen=True)
class Shape:
    """How a run is done."""

    turns: Rotation
    sources: tuple[str, ...]
    """Of a mesh: pod i of an indexed Job serves source i."""

    indexed: bool
    """One pod per source, since the answer of one pod would not fit its termination message."""

    parallel: int
    """Pods at the same time."""

    concurrent: int
    """Transfers of one pod at the same time."""

    jitter: int
    """Seconds that a pod waits first; none where pods of one run follow each other anyway."""

    deadline: int
    """Seconds after which the runner of a pod ends by itself, counted from the end of its jitter."""

    pod_deadline: int
    """Seconds after which a pod is stopped."""

    job_deadline: int
    """Seconds after which a Job is given up."""


def of(probe: QoSProbe, targets: Targets) -> Shape:
    """Plan how a run is done.

    Raises:
        Refused: it cannot be done; the message has the figures.
    """
    spec = probe.spec
    _check_protocols(spec)
    found = cells(probe, targets)
    turns = budget.rotation(probe)
    _check_history(probe, turns)
    _check_age(probe)
    if len(found) > MOST_CELLS:
        raise _too_many(spec, f"{len(found)} cells, and {MOST_CELLS} are the most that status can hold")
    sources = tuple(dict.fromkeys(source for source, _, _ in pairs(spec)))
    indexed = _indexed(spec, found)
    at_once = budget.at_once(spec)
    if indexed and spec.transfer:  # pods do not know of each other, so all of them together keep to both limits
        at_once = min(at_once, spec.transfer.max_concurrent_per_endpoint)
    parallel = min(at_once, len(sources)) if indexed else 1
    waves = ceil(len(sources) / parallel) if indexed else 1
    budget.check_time(spec, turns, at_once)
    deadline = seconds(spec.timeout) // waves
    if deadline < _LEAST_OF_A_POD:
        raise Refused(
            ProbeRefusal.BUDGET_IMPOSSIBLE,
            f"spec.timeout: {len(sources)} sources, {parallel} at a time, have {in_time(deadline)} each; write "
            f"{in_time(waves * _LEAST_OF_A_POD)} or more, or raise maxConcurrent and maxConcurrentPerEndpoint",
        )
    jitter = 0 if indexed else schedule.jitter(probe)
    pod = jitter + deadline + _POD_GRACE
    concurrent = max(1, at_once // parallel) if indexed else spec.transfer.max_concurrent if spec.transfer else 1
    return Shape(turns, sources, indexed, parallel, concurrent, jitter, deadline, pod, waves * pod + _JOB_GRACE)


def _indexed(spec: QoSProbeSpec, found: tuple[CellKey, ...]) -> bool:
    """Whether a run needs one pod per source."""
    if _fits(found):
        return False
    answers = [("a run", found)] if spec.transfer is None else _answers(found)
    for whose, answer in answers:
        if not _fits(answer, figures=False):
            length = sizes.worst(answer, figures=False)
            raise _too_many(spec, f"the answer of {whose} has up to {length} bytes, and {sizes.LARGEST} are the most")
    return spec.transfer is not None


def _answers(found: tuple[CellKey, ...]) -> Iterator[tuple[str, tuple[CellKey, ...]]]:
    """Yield what each pod of an indexed run speaks about: its pairs, its source, and a share of what is no source."""
    by_source: dict[str, list[CellKey]] = {}
    for cell in found:
        if cell[1] is not None:
            by_source.setdefault(cell[0], []).append(cell)
    others = list(dict.fromkeys(cell[0] for cell in found if cell[0] not in by_source))
    for number, (source, own) in enumerate(by_source.items()):
        mine = {source, *others[number :: len(by_source)]}
        yield f"the pod of source {source}", (*(cell for cell in found if cell[1] is None and cell[0] in mine), *own)


@lru_cache(maxsize=64)
def _fits(cells: tuple[CellKey, ...], *, figures: bool = True) -> bool:
    """As `sizes.fit`, which takes tens of milliseconds for a large mesh, and is asked at each look at a probe.

    Few are kept, for each holds all its cells.
    """
    return sizes.fit(cells, figures=figures)


def _check_protocols(spec: QoSProbeSpec) -> None:
    """Refuse what would test nothing: never green, never red, and nobody would know why."""
    used = in_use(spec)
    idle = [name for name in (spec.storage.endpoints if spec.storage else ()) if name not in used]
    if idle and spec.storage:
        raise Refused(
            ProbeRefusal.INVALID_SPEC,
            f"spec.storage.protocols: endpoint {idle[0]} has none of {', '.join(spec.storage.protocols)}; add a URL to "
            "it, or leave it out",
        )
    if spec.transfer and not pairs(spec):
        same = "http, https or davs with mode Push" if spec.transfer.mode == "Push" else "the same protocol"
        raise Refused(
            ProbeRefusal.INVALID_SPEC,
            "spec.transfer: there is no pair to test; name other destinations than sources, exclude fewer, or give "
            f"both ends a URL of {same}",
        )


def _check_history(probe: QoSProbe, turns: Rotation) -> None:
    """Refuse windows of figures with more runs of a cell than are remembered."""
    timing = schedule.of(probe)
    densest = timing.smallest_gap * turns.groups
    for index, threshold in enumerate(probe.spec.thresholds):
        window = seconds(threshold.window)
        of_all = min(window // timing.smallest_gap, ceil(window / schedule.DAY) * timing.runs_a_day)
        runs = of_all // turns.groups
        if threshold.measurement != SUCCESS_RATIO and runs > MOST_RUNS:
            raise Refused(
                ProbeRefusal.HISTORY_TOO_SHORT,
                f"spec.thresholds[{index}].window: {threshold.window} hold {runs} runs, one every "
                f"{in_time(densest)}, and {MOST_RUNS} are remembered; write {in_time(MOST_RUNS * densest)} or less, or "
                "a longer interval",
            )


def _check_age(probe: QoSProbe) -> None:
    """Refuse results that are too old before the next run can begin: nothing would ever stay known."""
    age, gap = probe.spec.policy.stale_after, schedule.of(probe).smallest_gap
    if age is not None and seconds(age) <= gap:
        raise Refused(
            ProbeRefusal.INVALID_SPEC,
            f"spec.policy.staleAfter: {age} is not more than the {in_time(gap)} from run to run, so everything would "
            f"be unknown in between; write {in_time(gap * 2.5)}, or leave it out",
        )


def _too_many(spec: QoSProbeSpec, what: str) -> Refused:
    field = "spec.transfer" if spec.transfer else "spec.storage" if spec.storage else "spec"
    return Refused(ProbeRefusal.TOO_MANY_CELLS, f"{field}: {what}; test fewer endpoints or protocols in one probe")
