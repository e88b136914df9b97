"""How one cell is, by its history: the worse of two judges, and then how old all of that is."""

from dataclasses import dataclass, replace

from datalake_operator.probes import buckets
from datalake_operator.probes.history import MEASURED, OFF, SUCCESS, History, Rules
from datalake_operator.probes.marks import ABSENT, BAD, GOOD, SKIPPED, SLOW, UNKNOWN, WARN
from datalake_operator.probes.model import State
from datalake_operator.probes.reasons import BY_LETTER
from datalake_operator.probes.streak import MENDED, Streak


@dataclass(frozen=True)
class Opinion:
    """How one cell is."""

    state: State
    reason: str | None
    begin: int | None
    """When that began, if it is new: seconds since 1970. None: never."""
    until: int | None
    """When it changes by age alone."""
    bad_link: bool = False
    """Its streak is critical."""
    known: bool = False
    """It says how the link is."""
    measured_in: int | None = None
    """Which of the kept runs measured it last."""


@dataclass
class _Reading:
    """The runs that are kept, read once from old to new."""

    streak: Streak
    restart: int = 0
    """First run after the last recovery."""
    restart_figures: int = 0
    mended: bool = False
    """There was a recovery: what came before the kept runs counts no more."""
    first_bad: int | None = None
    """Begin of the row of bad ones that is not yet over."""
    last: tuple[int, str] | None = None
    measured: tuple[int, str] | None = None
    measured_in: int | None = None
    good: int | None = None
    why: str = ""


def judge(history: History, times: tuple[int, ...], rules: Rules, stale: int, now: int) -> Opinion:
    """Say how a cell is.

    Args:
        history: Its runs.
        times: Begin of each kept run, seconds since 1970.
        rules: Confirmations, recoveries and limits.
        stale: Age in seconds at which a result is no longer believed.
        now: Seconds since 1970.
    """
    reading = _read(history, times, rules)
    return replace(_by_age(reading, history, times, rules, stale, now), measured_in=reading.measured_in)


def _by_age(
    reading: "_Reading", history: History, times: tuple[int, ...], rules: Rules, stale: int, now: int
) -> Opinion:
    if reading.last is None:
        return Opinion("notrun", "NotRun", None, None)
    moment, mark = reading.last
    fresh = moment + stale
    if now >= fresh:
        return Opinion("unknown", "Stale", fresh, None)
    if mark[0] in (UNKNOWN, SKIPPED):
        return Opinion("unknown" if mark[0] == UNKNOWN else "skipped", BY_LETTER.get(mark[1]), moment, fresh)
    if reading.measured is None or now >= reading.measured[0] + stale:
        return Opinion("unknown", "Stale", moment, fresh)
    return _measured(reading, history, times, rules, stale, now)


def _read(history: History, times: tuple[int, ...], rules: Rules) -> _Reading:
    before = history.before
    reading = _Reading(Streak(**vars(before.streak)), last=before.last, good=before.good, why=before.why)
    if before.measured is not None:
        reading.measured = (before.measured, " ")
    if before.streak.bad and times:
        reading.first_bad = times[0]
    for i, moment in enumerate(times):
        code = history.kept[2 * i]
        if code == ABSENT:
            continue
        reading.last = (moment, history.kept[2 * i : 2 * i + 2])
        if code in MEASURED:
            _take(reading, i, rules)
    return reading


def _take(reading: _Reading, i: int, rules: Rules) -> None:
    assert reading.last is not None  # noqa: S101 - just set
    moment, mark = reading.last
    code = mark[0]
    reading.measured, reading.measured_in = reading.last, i
    if code in OFF:
        reading.why = mark[1]
    if code in SUCCESS:
        reading.good = moment
        if not reading.streak.red:
            reading.first_bad = None
    elif reading.first_bad is None:
        reading.first_bad = moment
    turn = reading.streak.step(code, rules.confirmations, rules.recoveries)
    if turn:
        reading.restart_figures = i + 1
    if turn & MENDED:
        reading.restart, reading.mended, reading.first_bad = i + 1, True, None


def _measured(
    reading: _Reading, history: History, times: tuple[int, ...], rules: Rules, stale: int, now: int
) -> Opinion:
    assert reading.measured is not None  # noqa: S101 - the caller has seen to it
    moment = reading.measured[0]
    red = reading.streak.red
    begin, until = moment, moment + stale
    why = BY_LETTER.get(reading.why, "Failed")
    state: State = "ok"
    reason: str | None = None
    window = max(_window(reading, history, times, rules), _figures(reading, history, times, rules))
    if red:
        state, reason, begin = "critical", why, reading.first_bad or moment
    elif window[0] == 2:
        state, reason = "critical", window[1]
    elif reading.streak.yellow:
        state, reason = "warning", why
    elif window[0] == 1:
        state, reason = "warning", window[1] or why
    if state == "ok" and (reading.good is None or now >= reading.good + stale):
        state, reason = "warning", why
    elif state == "ok" and reading.good is not None:
        until = reading.good + stale
    return Opinion(state, reason, begin, until, bad_link=red, known=True)


def _window(reading: _Reading, history: History, times: tuple[int, ...], rules: Rules) -> tuple[int, str]:
    """Level (0 to 2) and reason by the share of good runs, with one sample spared (CMS site support).

    A single bad run makes no warning by its share: it is shown while it is the last one, and never comes back.
    """
    limit = rules.success
    if limit is None:
        return _soft(reading)
    begin = times[-1] - int(limit.window.total_seconds()) if times else 0
    codes = [history.kept[2 * i] for i, moment in enumerate(times) if i >= reading.restart and moment > begin]
    bad = codes.count(BAD)
    ok = sum(code in MEASURED for code in codes) - bad
    if not reading.mended:
        old = buckets.since(history.before.counts, rules.step, begin)
        ok, bad = ok + old[0], bad + old[1]
    n = ok + bad
    if n < limit.min_samples:
        return _soft(reading)
    if (ok + 1) / n < limit.critical:
        return 2, "LowSuccess"
    if (ok - 1) / n > limit.warning:
        return 0, ""
    if bad > 1:
        return 1, "LowSuccess"
    last = reading.measured
    return (1, "") if bad and last and last[1][0] == BAD else (0, "")


def _soft(reading: _Reading) -> tuple[int, str]:
    """Too few samples: the last run is shown, but never as critical."""
    assert reading.measured is not None  # noqa: S101 - the caller has seen to it
    return (1, "") if reading.measured[1][0] in OFF else (0, "")


def _figures(reading: _Reading, history: History, times: tuple[int, ...], rules: Rules) -> tuple[int, str]:
    """Level and reason by figures: most runs of the window are beyond a limit, one spared."""
    limit = rules.figures
    if limit is None:
        return 0, ""
    begin = times[-1] - int(limit.window.total_seconds()) if times else 0
    codes = [history.kept[2 * i] for i, moment in enumerate(times) if i >= reading.restart_figures and moment > begin]
    slow, warned = codes.count(SLOW), codes.count(WARN)
    n = slow + warned + codes.count(GOOD)
    if n < limit.min_samples:
        return 0, ""
    why = BY_LETTER.get(_letter(history.kept), "OutsideLimits")
    if (n - slow + 1) / n < 0.5:
        return 2, why
    return (1, why) if (n - slow - warned + 1) / n < 0.5 else (0, "")


def _letter(kept: str) -> str:
    """Of the newest run that is beyond a limit."""
    return next((kept[i + 1] for i in range(len(kept) - 2, -1, -2) if kept[i] in (SLOW, WARN)), "")
