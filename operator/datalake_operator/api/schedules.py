"""Cron expressions: the server checks their shape, a cron library what they mean."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from cronsim import CronSim, CronSimError
from pydantic import Field

from datalake_operator.api.rules import rule

_FIELD = "[0-9A-Za-z*/,-]+"
_SHAPE = f"{_FIELD}( {_FIELD}){{4}}"

# What robfig/cron 3, with which Kubernetes reads schedules, lacks: last day (L), nearest weekday (W), Sunday as 7.
_FOREIGN_DAY = re.compile("[A-Za-z]")
_FOREIGN_WEEKDAY = re.compile(r"(?<!/)\b7\b|[0-9]L", re.IGNORECASE)


def _is_schedule(text: Any) -> bool:
    if re.fullmatch(_SHAPE, text) is None:
        return False
    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    _, _, day, _, weekday = text.split(" ")
    return not _FOREIGN_DAY.search(day) and not _FOREIGN_WEEKDAY.search(weekday)


CronSchedule: TypeAlias = Annotated[
    str,
    Field(max_length=100),
    rule(
        f"self.matches('^{_SHAPE}$')",
        "must be a cron schedule of five fields that comes some day",
        _is_schedule,
        mend="write minute, hour, day of month, month, day of week (0 to 6), e.g. 0 3 * * *",
    ),
]
"""Minute, hour, day of month, month, day of week."""
