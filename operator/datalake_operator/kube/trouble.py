"""Tells of something that is retried for ever: once when it lasts, once when it is over."""

from __future__ import annotations

import logging

_LASTS = 3
"""Refusals in a row that make a passing trouble worth a line: an API server that starts throttles and stumbles."""


class Trouble:
    """What the API server has against one watch.

    Attributes:
        what: the watch, in words.
    """

    def __init__(self, logger: logging.Logger, what: str) -> None:
        self.what = what
        self._logger = logger
        self._told: str | None = None
        self._times = 0

    def met(self, code: int, words: str) -> None:
        """Note a refusal with its HTTP status; 429 and 5xx may pass, everything else is told at once."""
        self._times += 1
        passing = (code == 429 or code >= 500) and self._times < _LASTS
        if words != self._told and not passing:
            self._logger.warning("Cannot watch %s: %s. Trying on", self.what, words)
            self._told = words

    def over(self) -> None:
        """Note that all is well."""
        if self._told is not None:
            self._logger.info("Watching %s again", self.what)
        self._told, self._times = None, 0
