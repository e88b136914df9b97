"""How a run is spread over pods and over time, and what does not fit at all."""

from dataclasses import dataclass
from math import ceil

from datalake_operator.api.probe import QoSProbe, QoSProbeSpec
from datalake_operator.api.rules import seconds
from datalake_operator.api.values import parse_duration
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
    spec, jitter = probe.spec, schedule.jitter(probe)
    _check_protocols(spec)
    found = cells(probe, targets)
    turns = budget.rotation(probe)
    _check_history(spec, turns)
    if len(found) > MOST_CELLS:
        raise _too_many(spec, f"{len(found)} cells, and {MOST_CELLS} are the most that status can hold")
    sources = tuple(dict.fromkeys(source for source, _, _ in pairs(spec)))
    indexed = _indexed(spec, found, sources)
    at_once = budget.at_once(spec)
    if indexed and spec.transfer:  # pods do not know of each other, so all of them together keep to both limits
        at_once = min(at_once, spec.transfer.max_concurrent_per_endpoint)
    parallel = min(at_once, len(sources)) if indexed else 1
    waves = ceil(len(sources) / parallel) if indexed else 1
    budget.check_time(spec, turns, at_once)
    deadline = seconds(parse_duration(spec.timeout)) // waves
    if deadline < _LEAST_OF_A_POD:
        raise Refused(
            ProbeRefusal.BUDGET_IMPOSSIBLE,
            f"spec.timeout: {len(sources)} sources, {parallel} at a time, have {in_time(deadline)} each; write "
            f"{in_time(waves * _LEAST_OF_A_POD)} or more, or raise maxConcurrent and maxConcurrentPerEndpoint",
        )
    pod = jitter + deadline + _POD_GRACE
    concurrent = max(1, at_once // parallel) if indexed else spec.transfer.max_concurrent if spec.transfer else 1
    return Shape(turns, sources, indexed, parallel, concurrent, deadline, pod, waves * pod + _JOB_GRACE)


def _indexed(spec: QoSProbeSpec, found: tuple[CellKey, ...], sources: tuple[str, ...]) -> bool:
    """Whether a run needs one pod per source."""
    if sizes.fit(found):
        return False
    if spec.transfer is None:
        raise _too_many(
            spec, f"the answer of a run has up to {sizes.worst(found)} bytes, and {sizes.LARGEST} are the most"
        )
    used = in_use(spec)
    single = [cell for cell in found if cell[1] is None]
    for source in sources:
        own = [cell for cell in found if cell[1] is not None and cell[0] == source]
        ends = {source, *(cell[1] for cell in own)}
        answer = [*(cell for cell in single if cell[0] in ends and cell[2] in used[cell[0]]), *own]
        if not sizes.fit(answer):
            raise _too_many(
                spec,
                f"the answer of the pod of source {source} has up to {sizes.worst(answer)} bytes, and {sizes.LARGEST} "
                "are the most",
            )
    return True


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
        raise Refused(
            ProbeRefusal.INVALID_SPEC,
            "spec.transfer: there is no pair to test; name other destinations than sources, exclude fewer, or give "
            "both ends a URL of the same protocol",
        )


def _check_history(spec: QoSProbeSpec, turns: Rotation) -> None:
    for index, threshold in enumerate(spec.thresholds):
        window = seconds(parse_duration(threshold.window))
        runs = window // turns.pair_interval
        if threshold.measurement != SUCCESS_RATIO and runs > MOST_RUNS:
            raise Refused(
                ProbeRefusal.HISTORY_TOO_SHORT,
                f"spec.thresholds[{index}].window: {threshold.window} hold {runs} runs, one every "
                f"{in_time(turns.pair_interval)}, and {MOST_RUNS} are remembered; write "
                f"{in_time(MOST_RUNS * turns.pair_interval)} or less, or a longer interval",
            )


def _too_many(spec: QoSProbeSpec, what: str) -> Refused:
    field = "spec.transfer" if spec.transfer else "spec.storage" if spec.storage else "spec"
    return Refused(ProbeRefusal.TOO_MANY_CELLS, f"{field}: {what}; test fewer endpoints or protocols in one probe")
