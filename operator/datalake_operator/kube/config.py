"""Where the API server is and who we are: kubeconfig (with exec plug-ins) or the pod's service account.

Reading both is left to `kubernetes.aio.config`; here stands only what turns its answer into `aiohttp` sessions whose
credentials stay fresh.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from aiohttp.client_middlewares import ClientMiddlewareType
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config
from kubernetes.aio.config.config_exception import ConfigException

logger = logging.getLogger(__name__)

_UNUSABLE = (ConfigException, OSError, ValueError, TypeError, AttributeError, KeyError, yaml.YAMLError)
"""What the official client raises on configurations that are absent or make no sense."""

Loader = Callable[[Configuration], Awaitable[None]]

_RELOAD_PERIOD = 60.0
"""Seconds between two looks at credentials that may expire; the official client uses the same period."""
_RELOAD_PAUSE = 1.0
"""Least seconds between two loads that a 401 asked for: many requests may see it at once."""


class InvalidConfig(Exception):
    """There is no usable way to the API server: the message says what is missing."""


class Config:
    """The API server's address, trust and credentials.

    Attributes:
        server: base URL of the API server, without trailing slash.
    """

    def __init__(self, configuration: Configuration, load: Loader, expiring: bool = False) -> None:
        """Make it from an already loaded configuration.

        Args:
            configuration: loaded by `load`.
            load: fills a fresh configuration with the newest credentials.
            expiring: whether credentials are to be loaded anew every minute (exec plug-ins, OIDC).
        """
        self.server: str = configuration.host.rstrip("/")
        self._configuration = configuration
        self._load = load
        self._expiring = expiring
        self._loaded_at = time.monotonic()
        self._lock = asyncio.Lock()
        self._ssl = _ssl_context(configuration) if self.server.startswith("https") else None

    @classmethod
    async def load(cls, kubeconfig: str | None = None, context: str | None = None) -> Self:
        """Read the configuration: the given kubeconfig, else `KUBECONFIG`, else the pod's, else `~/.kube/config`.

        Raises:
            InvalidConfig: none of them is there, or what is there cannot be used.
        """
        path = kubeconfig or _kubeconfig()
        expiring = False

        async def load(configuration: Configuration) -> None:
            nonlocal expiring
            if not path:
                load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
                return
            loader = await load_kube_config(  # type: ignore[no-untyped-call]
                path, context=context, client_configuration=configuration, persist_config=False
            )
            expiring = loader.provider is not None or hasattr(loader, "exec_plugin_expiry")

        configuration = Configuration()
        try:
            await load(configuration)
        except _UNUSABLE as error:
            where = f"kubeconfig {path}" if path else "service account of this pod"
            raise InvalidConfig(f"cannot use the {where}: {error}") from error
        return cls(configuration, load, expiring)

    def session(self, *middlewares: ClientMiddlewareType) -> aiohttp.ClientSession:
        """Open a session with the API server as its base URL; each request carries fresh credentials.

        Args:
            middlewares: further `aiohttp` client middlewares, outermost first.
        """
        return aiohttp.ClientSession(
            base_url=self.server + "/",
            connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl if self._ssl is not None else True),
            headers={"User-Agent": "datalake-operator", "Accept-Encoding": "identity"},
            middlewares=[*middlewares, self._authenticate],
            proxy=self._configuration.proxy,
        )

    async def authorization(self) -> str | None:
        """Return the value of the `Authorization` header, refreshed when its time has come."""
        if self._expiring and time.monotonic() - self._loaded_at > _RELOAD_PERIOD:
            await self.reload()
        key: str | None = await self._configuration.get_api_key_with_prefix("BearerToken")
        return key

    async def reload(self) -> None:
        """Read the credentials anew, at most once a second however many ask; where that fails the old ones stay."""
        async with self._lock:
            if time.monotonic() - self._loaded_at < _RELOAD_PAUSE:
                return
            fresh = Configuration()
            try:
                await self._load(fresh)
                if self._ssl is not None and fresh.cert_file and fresh.cert_file != self._configuration.cert_file:
                    self._ssl.load_cert_chain(fresh.cert_file, fresh.key_file)
            except _UNUSABLE as error:
                logger.warning("Cannot read the credentials for the API server anew: %s", error)
            else:
                self._configuration = fresh
            self._loaded_at = time.monotonic()

    async def _authenticate(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Add the credentials; on 401 read them anew and ask once more."""
        used = await self._sign(request)
        response = await handler(request)
        if response.status != 401:
            return response
        await self.reload()
        if await self._sign(request) == used:
            return response
        response.release()
        return await handler(request)

    async def _sign(self, request: aiohttp.ClientRequest) -> str | None:
        authorization = await self.authorization()
        if authorization is not None:
            request.headers["Authorization"] = authorization
        if self._configuration.tls_server_name:
            request.server_hostname = self._configuration.tls_server_name
        return authorization


def _kubeconfig() -> str:
    """Return the path of the kubeconfig to use, empty in a pod."""
    if "KUBECONFIG" in os.environ or "KUBERNETES_SERVICE_HOST" in os.environ:
        return os.environ.get("KUBECONFIG", "")
    return str(Path("~/.kube/config").expanduser())


def _ssl_context(configuration: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    # Cluster CAs are often made by tools that leave out extensions which Python 3.13 began to demand.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
