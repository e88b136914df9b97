"""How the process logs: plain lines for people, JSON for machines."""

import json
import logging
from datetime import UTC, datetime


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(format_: str, level: str) -> None:
    """Send every line to standard error.

    Args:
        format_: `text` or `json`.
        level: name of the least level that is told.
    """
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(_Json() if format_ == "json" else plain)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
