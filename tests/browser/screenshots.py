"""Draws the pictures of the page that the documentation shows: `python -m tests.browser.screenshots`, into docs/images.

Not part of any test: a picture differs with each font and each Chromium.
"""

import asyncio
import shutil
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.async_api import async_playwright

from datalake_operator.metrics import Metrics
from datalake_operator.web import Health, serve
from tests.support.lake import Body, bodies, mesh
from tests.support.postgres import free_port
from tests.support.scenes import troubled

FOLDER = Path(__file__).parents[2] / "docs" / "images"


class Picture(NamedTuple):
    """One of them."""

    lake: list[Body]
    width: int
    height: int
    scheme: Literal["light", "dark"]
    path: str = ""


def pictures() -> dict[str, Picture]:
    """Give what is drawn, by name."""
    return {
        "page": Picture(troubled(), 1480, 980, "light"),
        "page-details": Picture(troubled(), 1360, 900, "dark", "?open=lake%7CCERN-01%7CDESY-03"),
        "page-large": Picture([mesh(count=40, broken="PIC-02")], 1440, 1000, "light"),
        "page-phone": Picture(troubled(), 390, 844, "dark"),
    }


async def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, picture in pictures().items():
            port, nothing = free_port(), Health(lambda: (), lambda: ())
            page = await browser.new_page(
                viewport={"width": picture.width, "height": picture.height}, color_scheme=picture.scheme,
                timezone_id="Europe/Paris", locale="en-GB",
            )  # fmt: skip
            async with serve("127.0.0.1", port, nothing, Metrics(), bodies(picture.lake)):
                await page.goto(f"http://127.0.0.1:{port}/{picture.path}")
                await page.wait_for_load_state("networkidle")
                await page.screenshot(path=FOLDER / f"{name}.png")
            await page.close()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
