"""Rucio's WSGI application: how it is loaded, and what is counted of it."""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any
from unittest import mock

from prometheus_client import Counter, Histogram
from rucio.common.exception import DatabaseException
from rucio.core import config

Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]


def load() -> Any:
    """Give Rucio's Flask application, with or without a database.

    Rucio asks the database for about 30 options while it is imported, and does without when it gets none. Where a
    server does not even refuse, each of them would take the whole time-out: only the first one does.
    """
    ask = config.get
    silent: list[DatabaseException] = []

    def get(*args: Any, **kwargs: Any) -> Any:
        if silent:
            raise silent[0]
        try:
            return ask(*args, **kwargs)
        except DatabaseException as error:
            silent.append(error)
            raise

    with mock.patch.object(config, "get", get):
        from rucio.web.rest.flaskapi.v1.main import application  # noqa: PLC0415 - it asks while it is imported
    return application


def measured(application: Any) -> Application:
    """Count requests and the time until each answer begins, by the first part of the path."""
    requests = Counter(
        "rucio_rest_requests", "Requests to the REST interface.", ("endpoint", "method", "code"), registry=None
    )
    seconds = Histogram(
        "rucio_rest_request_seconds", "Time until an answer began.", ("endpoint",), registry=None,
        buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    )  # fmt: skip
    # Only what there is, lest a client makes up labels.
    known = {part for rule in application.url_map.iter_rules() if (part := rule.rule.split("/")[1])}
    methods = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})

    def wrapped(environment: Environment, start: Callable[..., Any]) -> Iterable[bytes]:
        part = environment["PATH_INFO"].lstrip("/").partition("/")[0]
        endpoint = part if part in known else "other"
        method = environment["REQUEST_METHOD"] if environment["REQUEST_METHOD"] in methods else "other"
        begun = monotonic()

        def started(status: str, *args: Any) -> Any:
            requests.labels(endpoint, method, status[:3]).inc()
            seconds.labels(endpoint).observe(monotonic() - begun)
            return start(status, *args)

        answer: Iterable[bytes] = application(environment, started)
        return answer

    return wrapped
