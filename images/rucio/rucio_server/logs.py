"""gunicorn's log: what was asked and how it was answered, and nothing that lets anybody in."""

import logging
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from gunicorn.config import Config
from gunicorn.glogging import Logger

FORMAT = '%(t)s %(h)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'
"""Without the query, in which OIDC sends its codes, and without headers, in which tokens are."""

_QUERY = re.compile(r"\?\S+")


class WithoutQueries(logging.Filter):
    """Takes queries out of messages about requests that failed."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record, and keeps it."""
        record.msg, record.args = _QUERY.sub("?...", record.getMessage()), None
        return True


class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger; a path stays one word, whatever a client asks for."""

    def setup(self, cfg: Config) -> None:
        """Called once, by the master."""
        super().setup(cfg)
        self.error_log.addFilter(WithoutQueries())

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        """What the format can name."""
        found: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        path = str(environ.get("PATH_INFO", "")).encode("latin-1", "replace")
        return {**found, "U": quote(path, safe="/:@!$&'()*+,;=~-._")[:1024]}
