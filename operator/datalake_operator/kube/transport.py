"""HTTP to the API server: time-outs, errors, lines of a watch, and one log line when it stops or begins to answer."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
import orjson

from datalake_operator.kube.config import Config
from datalake_operator.kube.errors import ApiError, Unreachable, from_status
from datalake_operator.kube.resource import Resource

logger = logging.getLogger(__name__)

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
"""For one whole request, watches excepted; in seconds."""
INACTIVITY = 70.0
"""Seconds of silence after which a watch is taken for dead: the API server sends a bookmark every 60."""

OnRequest = Callable[[str, Resource, int], None]
"""Called after every request with its Kubernetes verb, its kind, and the HTTP status (0: no answer)."""


def ignore(_verb: str, _resource: Resource, _code: int) -> None:
    """Do nothing after a request."""


class Transport:
    """Sends requests, raises the errors of `kube.errors` and nothing else, and tells whether the API server answers."""

    def __init__(self, config: Config, on_request: OnRequest = ignore) -> None:
        self.config = config
        self._on_request = on_request
        self._http = config.session()
        self._down_since: float | None = None

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def ask(
        self,
        verb: str,
        method: str,
        resource: Resource,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Send one request and return the object of the answer."""
        async with self._open(verb, method, resource, path, params, headers, REQUEST_TIMEOUT, body) as response:
            data = await response.read()
        return _parse(data)

    async def lines(
        self, resource: Resource, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncIterator[dict[str, Any]]:
        """Send a watch request and yield the object of every line, until the server ends the stream.

        Raises:
            Unreachable: the stream was cut, garbled, or silent for 70 s.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=INACTIVITY)
        rest = b""
        async with self._open("watch", "GET", resource, path, params, headers, timeout) as response:
            async for chunk in response.content.iter_any():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield _parse(line)
        if rest:
            raise Unreachable("the watch ended within a line")

    @contextlib.asynccontextmanager
    async def _open(
        self,
        verb: str,
        method: str,
        resource: Resource,
        path: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - handed to aiohttp
        body: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a response, count it, and turn everything that can go wrong before, within and after into our errors."""
        code = 0
        data = None if body is None else orjson.dumps(body)
        sent = {"Content-Type": "application/json", **(headers or {})} if data is not None else headers
        try:
            async with self._http.request(
                method, path, params=params, headers=sent, data=data, timeout=timeout
            ) as response:
                code = response.status
                self._answers()
                self._on_request(verb, resource, code)
                if code >= 400:
                    raise await _refusal(response)
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            unreachable = Unreachable(_words(error))
            if not code:
                self._silent(unreachable)
                self._on_request(verb, resource, code)
            raise unreachable from error

    def _silent(self, error: Unreachable) -> None:
        if self._down_since is None:
            self._down_since = time.monotonic()
            logger.warning("The API server %s does not answer: %s. Trying on", self.config.server, error.message)

    def _answers(self) -> None:
        if self._down_since is not None:
            logger.info("The API server answers again after %.1f s", time.monotonic() - self._down_since)
            self._down_since = None


def _parse(data: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except ValueError as error:
        raise Unreachable(f"the answer is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Unreachable("the answer is not a JSON object")
    return value


async def _refusal(response: aiohttp.ClientResponse) -> ApiError:
    """Read the Status object of a refused request; what stands before the API server may answer anything."""
    try:
        status = orjson.loads(await response.read())
    except (ValueError, aiohttp.ClientError, TimeoutError):
        status = None
    known = isinstance(status, dict) and status.get("kind") == "Status"
    return from_status(response.status, status if known else {}, _seconds(response.headers.get("Retry-After")))


def _seconds(retry_after: str | None) -> float | None:
    """Read a `Retry-After` header; the API server sends seconds, a date is not honoured."""
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        return None


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
