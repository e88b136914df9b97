"""Cron expressions: the server checks their shape, a cron library what they mean."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from cronsim import CronSim, CronSimError
from pydantic import Field

from datalake_operator.api.rules import rule

_FIELD = "[0-9A-Za-z*/,-]+"
_SHAPE = f"{_FIELD}( {_FIELD}){{4}}"


def _is_schedule(text: Any) -> bool:
    if re.fullmatch(_SHAPE, text) is None:
        return False
    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True


CronSchedule: TypeAlias = Annotated[
    str,
    Field(max_length=100),
    rule(f"self.matches('^{_SHAPE}$')", "must be a cron schedule of five fields", _is_schedule, mend="e.g. 0 3 * * *"),
]
"""Minute, hour, day of month, month, day of week."""
