"""The page in a real Chromium: Debian's, driven by Playwright. Nobody else's address is ever asked for."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from datalake_operator.metrics import Metrics
from datalake_operator.web import Health, serve
from tests.cluster import packages
from tests.support.lake import Body, bodies
from tests.support.postgres import free_port

PATIENCE = 20_000
"""Milliseconds that an element may take to appear: the machine may be busy."""


@dataclass
class Window:
    """One page that is open, what it is a page of, and what it did meanwhile."""

    page: Page
    address: str
    lake: list[Body]
    complaints: list[str] = field(default_factory=list)
    """Messages of the console, errors of scripts, and dialogs."""
    strangers: list[str] = field(default_factory=list)
    """Addresses of others that the page asked for."""

    async def look(self, path: str = "") -> Page:
        """Load the page. Its script draws before the browser calls it loaded."""
        await self.page.goto(self.address + path)
        return self.page

    def change(self, body: Body) -> None:
        """Say that a body is a newer one."""
        body["metadata"]["resourceVersion"] = str(int(body["metadata"]["resourceVersion"]) + 1)


Opener = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    packages.ensure(packages.BROWSER)
    async with async_playwright() as playwright:
        program = shutil.which("chromium")
        found = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield found
        await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Browser) -> AsyncIterator[Opener]:
    """Open windows with `await window(lake, **how)`; afterwards, none may have complained or asked strangers."""
    opened: list[Window] = []
    async with AsyncExitStack() as stack:

        async def open_one(lake: list[Body], **how: Any) -> Window:
            port = free_port()
            nothing = Health(lambda: (), lambda: ())
            await stack.enter_async_context(serve("127.0.0.1", port, nothing, Metrics(), bodies(lake)))
            context: BrowserContext = await browser.new_context(
                **{"viewport": {"width": 1440, "height": 900}, "timezone_id": "Europe/Paris", "locale": "en-GB", **how}
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(PATIENCE)
            one = Window(await context.new_page(), f"http://127.0.0.1:{port}/", lake)
            one.page.on("console", lambda said: one.complaints.append(f"{said.type}: {said.text}"))
            one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
            one.page.on("dialog", lambda dialog: one.complaints.append(f"dialog: {dialog.message}"))
            one.page.on("request", lambda asked: _note(one, asked.url))
            opened.append(one)
            return one

        yield open_one
    for one in opened:
        assert one.complaints == []
        assert one.strangers == []


def _note(one: Window, url: str) -> None:
    if not url.startswith((one.address, "data:")):
        one.strangers.append(url)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these share one browser, so one event loop."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
